"""`history[]`: the chats a phone app had before its number joined, and the files sent after them.

A chat's messages come as `history[].threads[].messages[]`. Their files follow under the field `history` as well, as
`messages[]` and `message_echoes[]` with the same wamids.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from whatsapp.envelope import Change, JsonObject, Row, text
from whatsapp.messages import ECHO, INBOUND, row
from whatsapp.people import RECIPIENT, SENDER, People, Person
from whatsapp.scalars import digits, identifier

# How far a message of the past had come (history_context.status), in our words.
HOW_FAR = {
    "ERROR": "failed",
    "PENDING": "sent",
    "SENT": "sent",
    "DELIVERED": "delivered",
    "READ": "read",
    "PLAYED": "played",
}


def items(history: Any) -> Iterator[tuple[str, JsonObject, Any]]:
    """Every message of every chunk: its place in words, its chat, and itself, or whatever stands in its place."""
    for chunk_place, chunk in _numbered(history, "chunk"):
        if not isinstance(chunk, dict):
            yield chunk_place, {}, chunk
            continue
        for thread_place, thread in _numbered(chunk.get("threads"), f"{chunk_place} thread"):
            if not isinstance(thread, dict):
                yield thread_place, {}, thread
                continue
            for place, message in _numbered(thread.get("messages"), f"{thread_place} message"):
                yield place, thread, message


def past(event_id: int, change: Change, people: People, thread: JsonObject, message: JsonObject) -> Row:
    """The row of a message out of a phone's history. Raises ValueError when it cannot be stored as one."""
    partner = _partner(thread)
    outbound = _is_ours(change, message, partner)
    role = RECIPIENT if outbound else SENDER
    customer = people.named({key: message.get(key) or known for key, known in zip(role, partner, strict=False)}, role)
    if customer.profile_name is None:
        customer = customer._replace(profile_name=partner.profile_name)
    context = message.get("history_context")
    status = context.get("status") if isinstance(context, dict) else None
    how_far = HOW_FAR.get(status.upper()) if isinstance(status, str) else None
    side = ECHO._replace(status=how_far or "sent") if outbound else INBOUND
    if isinstance(context, dict) and context.keys() <= {"status"} and (how_far or status in (None, "")):
        side = side._replace(columns=side.columns | {"history_context"})
    return row(event_id, change, message, customer, side) | {"imported": True}


def _partner(thread: JsonObject) -> Person:
    """Whose chat it is. `id` is a phone number; where that may not be shown, `context` has the user id."""
    context = thread.get("context")
    context = context if isinstance(context, dict) else {}
    return Person(
        identifier(context, "wa_id") or identifier(thread, "id"),
        identifier(context, "user_id"),
        identifier(context, "parent_user_id"),
        text(context.get("username")),
    )


def _is_ours(change: Change, message: JsonObject, partner: Person) -> bool:
    """Whether the business wrote it: from our number, to another, or, where ours is untold, not from the partner's."""
    own, sender, recipient = (
        digits(number) for number in (change.display_phone_number, message.get("from"), message.get("to"))
    )
    if sender is not None and sender == own:
        return True
    if message.get("from_user_id") or (sender is not None and sender == digits(partner.wa_id)):
        return False
    if recipient is not None:
        return recipient != own
    return own is None and sender is not None and partner.wa_id is not None


def _numbered(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list):
        for place, item in enumerate(value):
            yield f"{name} {place}", item
    elif value is not None:
        yield f"{name}s", value
