"""`statuses[]`: how far a message of ours has come."""

from __future__ import annotations

from whatsapp.envelope import Change, JsonObject, Row, objects, text
from whatsapp.errors import reported
from whatsapp.scalars import identifier, moment

COLUMNS = frozenset({"id", "status", "timestamp", "biz_opaque_callback_data"})
# The person in a group whom a report is about. A report without one is about the message.
PARTICIPANT_KEYS = ("recipient_participant_id", "recipient_participant_user_id")


def row(event_id: int, change: Change, status: JsonObject) -> Row:
    """The row of one report. Raises ValueError when it cannot be stored as one."""
    wamid, name = identifier(status, "id"), identifier(status, "status")
    if wamid is None or name is None:
        raise ValueError("has no id or no status")
    errors = status.get("errors")
    # Whatever else stands there in their place stays with the details.
    listed = not errors or isinstance(errors, list)
    return {
        "event_id": event_id,
        "phone_number_id": change.phone_number_id,
        "wamid": wamid,
        "status": name,
        "participant": identifier(status, PARTICIPANT_KEYS[0]) or identifier(status, PARTICIPANT_KEYS[1]) or "",
        "occurred_at": moment(status.get("timestamp")),
        "callback_data": text(status.get("biz_opaque_callback_data")),
        "errors": errors if errors and listed else None,
        "error": reported(first) if (first := next(objects(errors), None)) else None,
        "details": {
            key: value for key, value in status.items() if key not in COLUMNS and not (listed and key == "errors")
        },
    }
