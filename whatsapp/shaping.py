"""What a message says, whatever its type: `content`, and the columns that come out of it.

`content` is the Cloud API's own object for the type. What came beside it and has no column (referral, forwarding,
product, identity, errors, anything new) stays in it under its original key: nothing the sender wrote is lost. The
shapes are told in docs/messages.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from whatsapp.envelope import JsonObject, Row, text
from whatsapp.scalars import MAX_ID, identifier

MAX_TYPE = 64
# Keys of a media object that have a column. The url lives five minutes and has none.
MEDIA_COLUMNS = {
    "id": "media_id",
    "mime_type": "media_mime_type",
    "sha256": "media_sha256",
    "filename": "media_filename",
    "url": None,
}
MEDIA_TYPES = frozenset({"image", "video", "audio", "document", "sticker", "voice"})
# Types that speak of another message: the row points at it as a reply does.
TARGET_KEYS = {"reaction": "message_id", "edit": "original_message_id", "revoke": "original_message_id"}


def _is_object(part: Any) -> bool:
    return isinstance(part, dict)


def _is_media(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("caption"), str | None)


def _is_place(part: Any) -> bool:
    # Numbers, by one of Meta's pages as text; `bool` is an int to Python and no latitude to anybody.
    return isinstance(part, dict) and all(
        isinstance(part.get(key), float | int | str) and not isinstance(part.get(key), bool)
        for key in ("latitude", "longitude")
    )


def _is_button(part: Any) -> bool:
    return isinstance(part, dict) and any(isinstance(part.get(key), str) for key in ("text", "payload"))


def _is_interactive(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("type"), str)


def _is_order(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("product_items"), list)


def _is_text(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("body"), str)


def _is_reaction(part: Any) -> bool:
    return isinstance(part, dict) and bool(text(part.get("message_id"))) and isinstance(part.get("emoji"), str | None)


def _has_target(part: Any) -> bool:
    return isinstance(part, dict) and bool(text(part.get("original_message_id")))


def _is_contacts(part: Any) -> bool:
    return isinstance(part, list) and bool(part) and all(isinstance(contact, dict) for contact in part)


# What a known type must be made of to be shown as what it is.
SHAPES: dict[str, Callable[[Any], bool]] = {
    **dict.fromkeys(MEDIA_TYPES, _is_media),
    "text": _is_text,
    "location": _is_place,
    "button": _is_button,
    "interactive": _is_interactive,
    "order": _is_order,
    "system": _is_object,
    "contacts": _is_contacts,
    "reaction": _is_reaction,
    "edit": _has_target,
    "revoke": _has_target,
}


def shaped_type(message: JsonObject) -> str | None:
    """The type a message is shown as by its own word, or None: it has no type, or is not made of what its type says.

    There is no list of types at this door: one that nobody has heard of keeps its name.
    """
    kind = text(message.get("type"))
    if kind is None or len(kind) > MAX_TYPE or not kind.isprintable():
        return None
    shape = SHAPES.get(kind)
    return kind if shape is None or shape(message.get(kind)) else None


def fill(row: Row, message: JsonObject, kind: str | None, beside: JsonObject) -> None:
    """Sets type, content and the media columns. `beside` is what came with the message and has no column."""
    if kind is None:
        # Shown as such, with all that was sent: nobody has to guess that somebody wrote.
        row["type"] = "unsupported"
        row["content"] = beside
        return
    part: Any = message.get(kind)
    row["type"] = kind
    if kind in MEDIA_TYPES:
        part = _media(row, part)
    if kind == "voice":
        row["type"] = "audio"
        part.setdefault("voice", True)
    if isinstance(part, dict):
        row["content"] = _joined(part, beside)
    elif kind == "contacts":
        row["content"] = [_joined(part[0], beside), *part[1:]]
    else:
        row["content"] = beside if part is None else {kind: part, **beside}


def target_of(message: JsonObject, kind: str | None) -> str | None:
    """The message that a reaction, edit or revoke is about. Raises ValueError when its id is endless."""
    return identifier(message[kind], TARGET_KEYS[kind]) if kind in TARGET_KEYS else None


def _media(row: Row, part: JsonObject) -> JsonObject:
    """Moves the file's own words into their columns and gives what is left. Without an id there is nothing to fetch."""
    rest: JsonObject = {}
    for key, value in part.items():
        if key not in MEDIA_COLUMNS or not (value is None or isinstance(value, str) or text(value) is not None):
            rest[key] = value
        elif column := MEDIA_COLUMNS[key]:
            row[column] = text(value)
    if len(row.get("media_id") or "") > MAX_ID:
        raise ValueError(f"its media id is longer than {MAX_ID} characters")
    return rest


def _joined(part: JsonObject, beside: JsonObject) -> JsonObject:
    """Both in one. A key that both have is kept twice, the outer one with a `_` behind it."""
    if not beside:
        return part
    joined = dict(part)
    for key, value in beside.items():
        free, tail = key, "_"
        while free in joined:
            # The tail doubles: whoever fills a body with such keys wins nothing.
            free, tail = free + tail, tail * 2
        joined[free] = value
    return joined
