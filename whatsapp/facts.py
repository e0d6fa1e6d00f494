"""What a body says about somebody or something, other than a message: one row per fact, named by its `kind`.

- identity: somebody goes on under other ids (whatsapp/identities.py)
- preference: somebody's word on marketing messages
- contact: a name in the phone app's address book
- template: what became of a message template (whatsapp/templates.py)
- notice: what WhatsApp says of the number or the account
"""

from __future__ import annotations

from typing import Any

from whatsapp.envelope import Change, JsonObject, Row, text
from whatsapp.errors import NO_MARKETING
from whatsapp.people import People
from whatsapp.scalars import digits, identifier, moment

# Changes that are about the number or the account as a whole.
NOTICE_FIELDS = frozenset(
    {
        "account_alerts",
        "account_review_update",
        "account_update",
        "business_capability_update",
        "phone_number_name_update",
        "phone_number_quality_update",
    }
)
PERSON_KEYS = ("wa_id", "user_id", "parent_user_id")


def fact(event_id: int, kind: str, change: Change, timestamp: Any = None) -> Row:
    """The columns that every fact has. Its time is the item's own, else the entry's, else unknown."""
    return {
        "event_id": event_id,
        "kind": kind,
        "phone_number_id": change.phone_number_id,
        "waba_id": change.waba_id,
        "display_phone_number": change.display_phone_number,
        "occurred_at": moment(timestamp) or moment(change.time),
    }


def preference(event_id: int, change: Change, people: People, item: JsonObject) -> Row:
    """Somebody wants marketing messages or wants none. Raises ValueError when it names nobody."""
    person = people.named(item, PERSON_KEYS)
    return fact(event_id, "preference", change, item.get("timestamp")) | {
        "wa_id": person.wa_id,
        "bsuid": person.bsuid,
        "details": {key: value for key, value in item.items() if key not in {"wa_id", "user_id", "timestamp"}},
    }


def no_marketing(event_id: int, change: Change, status: JsonObject, row: Row) -> Row | None:
    """The same word when it is only heard from a failed send (131050); None for every other report."""
    if row["error"] is None or row["error"]["code"] != NO_MARKETING:
        return None
    wa_id, bsuid = digits(status.get("recipient_id")), identifier(status, "recipient_user_id")
    if wa_id is None and bsuid is None:
        return None
    return fact(event_id, "preference", change, status.get("timestamp")) | {
        "wa_id": wa_id,
        "bsuid": bsuid,
        "details": {"category": "marketing_messages", "value": "stop", "error": row["error"]["code"]},
    }


def contact(event_id: int, change: Change, item: JsonObject) -> Row | None:
    """An entry of the phone app's address book; None for what else the app keeps in step. Raises ValueError."""
    entry = item.get("contact")
    if not isinstance(entry, dict):
        return None
    wa_id, bsuid = digits(entry.get("phone_number")), identifier(entry, "user_id")
    if wa_id is None and bsuid is None:
        raise ValueError("names nobody")
    metadata = item.get("metadata")
    timestamp = metadata.get("timestamp") if isinstance(metadata, dict) else None
    return fact(event_id, "contact", change, timestamp) | {
        "wa_id": wa_id,
        "bsuid": bsuid,
        "name": text(entry.get("full_name")) or text(entry.get("first_name")),
        "details": {"action": item.get("action"), "contact": entry},
    }


def notice(event_id: int, change: Change) -> Row:
    """What WhatsApp says of the number or the account, whole."""
    made = fact(event_id, "notice", change)
    made["display_phone_number"] = text(change.value.get("display_phone_number")) or change.display_phone_number
    return made | {"name": change.field, "details": change.value}


def errors(event_id: int, change: Change, items: Any) -> Row:
    """What went wrong at WhatsApp for the number as a whole, outside any message."""
    return fact(event_id, "notice", change) | {"name": "errors", "details": {"errors": items}}
