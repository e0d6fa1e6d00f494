"""`messages[]` and `message_echoes[]`: one row per message, whatever its type."""

from __future__ import annotations

from typing import Any, NamedTuple

from whatsapp.envelope import Change, JsonObject, Row, text
from whatsapp.people import RECIPIENT, SENDER, People, Person
from whatsapp.scalars import digits, identifier, moment
from whatsapp.shaping import fill, shaped_type, target_of

# What has a column of its own. In a group the thread does not tell who wrote, so there the message keeps saying it.
COLUMNS = frozenset({"id", "timestamp", "type"})
GROUP_COLUMNS = COLUMNS | {"group_id"}


class Side(NamedTuple):
    """Who wrote: what a message of theirs is from the start, and which of its keys have a column."""

    direction: str
    status: str
    columns: frozenset[str]


INBOUND = Side("inbound", "received", COLUMNS.union(SENDER))
ECHO = Side("outbound", "sent", COLUMNS.union(RECIPIENT))
PEOPLE = frozenset({*SENDER, *RECIPIENT})
# A context that is a plain reply has nothing but these.
CONTEXT_IDS = frozenset(SENDER)


def inbound(event_id: int, change: Change, people: People, message: JsonObject) -> Row:
    """The row of a customer's message. Raises ValueError when it cannot be stored as one."""
    return row(event_id, change, message, people.named(message, SENDER), INBOUND)


def echo(event_id: int, change: Change, people: People, message: JsonObject) -> Row:
    """The row of what the business wrote in its phone app: outbound and already sent."""
    return row(event_id, change, message, people.named(message, RECIPIENT), ECHO)


def row(event_id: int, change: Change, message: JsonObject, customer: Person, side: Side) -> Row:
    """A message's row. A key that is absent reads as null."""
    wamid = identifier(message, "id")
    if wamid is None:
        raise ValueError("has no id")
    kind = shaped_type(message)
    context = message.get("context")
    reply_to = target_of(message, kind) or (identifier(context, "id") if isinstance(context, dict) else None)
    made: Row = {
        "event_id": event_id,
        "phone_number_id": change.phone_number_id,
        "wamid": wamid,
        "wa_id": customer.wa_id,
        "bsuid": customer.bsuid,
        "parent_bsuid": customer.parent_bsuid,
        "profile_name": customer.profile_name,
        "direction": side.direction,
        "status": side.status,
        "type": None,
        "content": None,
        "reply_to_wamid": reply_to,
        "occurred_at": moment(message.get("timestamp")),
    }
    columns = side.columns
    group_id = identifier(message, "group_id")
    if group_id is not None:
        made["group_id"] = group_id
        columns = GROUP_COLUMNS
    fill(made, message, kind, _beside(change, message, kind, made, columns))
    return made


def _beside(change: Change, message: JsonObject, kind: str | None, made: Row, columns: frozenset[str]) -> JsonObject:
    """What came with a message and is neither in a column nor the object of its type."""
    beside: JsonObject = {}
    for key, value in message.items():
        if value is None or key == kind or (key in columns and (key not in PEOPLE or _fits(value))):
            continue
        if key == "context" and isinstance(value, dict) and _is_plain_reply(change, value, made):
            continue
        if key in {"from", "to"} and _is_own_number(change, value):
            continue
        beside[key] = value
    if kind is None and message.get("type") is not None:
        beside["type"] = message["type"]
    if made["occurred_at"] is None and message.get("timestamp") is not None:
        beside["timestamp"] = message["timestamp"]
    return beside


def _is_plain_reply(change: Change, context: JsonObject, made: Row) -> bool:
    """Whether a context says no more than `reply_to_wamid` does: what was replied to, and which of the two wrote it."""
    if made["reply_to_wamid"] is None or text(context.get("id")) != made["reply_to_wamid"]:
        return False
    ids = (None, "", made["wa_id"], made["bsuid"], made["parent_bsuid"])
    return all(
        key == "id" or (key in CONTEXT_IDS and (value in ids or _is_own_number(change, value)))
        for key, value in context.items()
    )


def _fits(value: Any) -> bool:
    """Whether a person's id is one that its column has; what stands in the place of one is kept beside."""
    return isinstance(value, str) or (value != 0 and text(value) is not None)


def _is_own_number(change: Change, value: Any) -> bool:
    own = change.display_phone_number
    return own is not None and (value == own or (digits(value) is not None and digits(value) == digits(own)))
