"""From a webhook body to rows: pure, total, item by item. A bad item is named in `problems`; the rest is applied."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from whatsapp.envelope import Change, Endpoint, JsonObject, changes, objects, text

# The fields of the SQL types private.inbound_message and private.inbound_status.
Row = dict[str, Any]

MEDIA_TYPES = frozenset({"image"})
# What a media object carries in columns of its own; everything else the sender wrote stays in content.
MEDIA_COLUMNS = frozenset({"id", "mime_type", "sha256", "filename", "url"})
# Far beyond any id of WhatsApp's, and well below what a Postgres index takes.
MAX_ID = 512
STATUS_COLUMNS = frozenset({"id", "status", "timestamp", "biz_opaque_callback_data", "errors"})


@dataclass(slots=True)
class Normalised:
    """The rows of one journal event, ready for `record_inbound`."""

    event_id: int
    numbers: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    statuses: list[Row] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def event(self) -> Row:
        """This event's line in `record_inbound(events)`."""
        row: Row = {"id": self.event_id, "numbers": self.numbers}
        if self.problems:
            row["problem"] = "\n".join(self.problems)
        return row


def normalise(event_id: int, endpoint: Endpoint, body: JsonObject) -> Normalised:
    """Everything of one body that becomes a row. Never raises: what cannot be read is a problem, not an exception."""
    result = Normalised(event_id)
    for place, change in enumerate(changes(body)):
        reason = change.foreign_to(endpoint)
        if reason is not None:
            result.problems.append(f"change {place}: {reason}")
        elif change.field == "messages" and change.phone_number_id is not None:
            result.numbers.append(_number(endpoint, change))
            _messages(result, change)
            _statuses(result, change)
    return result


def _number(endpoint: Endpoint, change: Change) -> Row:
    return {
        "provider": endpoint.provider,
        "phone_number_id": change.phone_number_id,
        "waba_id": change.waba_id,
        "display_phone_number": change.display_phone_number,
    }


def _messages(result: Normalised, change: Change) -> None:
    profiles = _profiles(change)
    for place, message in enumerate(objects(change.value.get("messages"))):
        try:
            result.messages.append(_message(result.event_id, change, message, profiles))
        except ValueError as error:
            result.problems.append(f"message {place}: {error}")


def _message(event_id: int, change: Change, message: JsonObject, profiles: dict[str, str]) -> Row:
    wamid, wa_id, bsuid, parent_bsuid = (
        _identifier(message, key) for key in ("id", "from", "from_user_id", "from_parent_user_id")
    )
    if wamid is None:
        raise ValueError("has no id")
    if wa_id is None and bsuid is None:
        raise ValueError(f"{wamid} has no sender")
    kind, content = _content(message)
    context = message.get("context")
    return {
        "event_id": event_id,
        "phone_number_id": change.phone_number_id,
        "wamid": wamid,
        "wa_id": wa_id,
        "bsuid": bsuid,
        "parent_bsuid": parent_bsuid,
        "profile_name": profiles.get(wa_id or "") or profiles.get(bsuid or ""),
        "type": kind,
        "content": content,
        "reply_to_wamid": text(context.get("id")) if isinstance(context, dict) else None,
        "occurred_at": moment(message.get("timestamp")),
        **_media(message, kind),
    }


def _identifier(item: JsonObject, key: str) -> str | None:
    value = text(item.get(key))
    if value is not None and len(value) > MAX_ID:
        raise ValueError(f"{key} is longer than {MAX_ID} characters")
    return value


def _content(message: JsonObject) -> tuple[str, JsonObject]:
    kind = text(message.get("type")) or "unknown"
    part = message.get(kind)
    if isinstance(part, dict):
        if kind == "text" and isinstance(part.get("body"), str):
            return kind, part
        if kind in MEDIA_TYPES:
            return kind, {key: value for key, value in part.items() if key not in MEDIA_COLUMNS}
    # Shown as such, with all that was sent: nobody has to guess that somebody wrote.
    return "unsupported", {key: value for key, value in message.items() if key not in {"id", "from", "timestamp"}}


def _media(message: JsonObject, kind: str) -> Row:
    part = message.get(kind) if kind in MEDIA_TYPES else None
    if not isinstance(part, dict):
        return {}
    return {
        "media_id": text(part.get("id")),
        "media_mime_type": text(part.get("mime_type")),
        "media_sha256": text(part.get("sha256")),
        "media_filename": text(part.get("filename")),
    }


def _profiles(change: Change) -> dict[str, str]:
    """Profile names by wa_id and by user id. `contacts`, `profile` and `name` may each be missing."""
    names: dict[str, str] = {}
    for contact in objects(change.value.get("contacts")):
        profile = contact.get("profile")
        name = text(profile.get("name")) if isinstance(profile, dict) else None
        for key in (text(contact.get("wa_id")), text(contact.get("user_id"))):
            if name and key:
                names[key] = name
    return names


def _statuses(result: Normalised, change: Change) -> None:
    for place, status in enumerate(objects(change.value.get("statuses"))):
        try:
            result.statuses.append(_status(result.event_id, change, status))
        except ValueError as error:
            result.problems.append(f"status {place}: {error}")


def _status(event_id: int, change: Change, status: JsonObject) -> Row:
    wamid, name = _identifier(status, "id"), _identifier(status, "status")
    if wamid is None or name is None:
        raise ValueError("has no id or no status")
    participants = (_identifier(status, f"recipient_participant_{key}") for key in ("id", "user_id"))
    errors = status.get("errors")
    return {
        "event_id": event_id,
        "phone_number_id": change.phone_number_id,
        "wamid": wamid,
        "status": name,
        "participant": next(filter(None, participants), ""),
        "occurred_at": moment(status.get("timestamp")),
        "callback_data": text(status.get("biz_opaque_callback_data")),
        "errors": errors if isinstance(errors, list) and errors else None,
        "details": {key: value for key, value in status.items() if key not in STATUS_COLUMNS},
    }


def moment(timestamp: Any) -> str | None:
    """Unix seconds, as text or number, in ISO 8601; None when it is no time Postgres could hold."""
    try:
        return datetime.fromtimestamp(int(text(timestamp) or ""), UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None
