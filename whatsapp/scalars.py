"""Ids and times as WhatsApp sends them, as Postgres takes them; ValueError for what it could not."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from whatsapp.envelope import JsonObject, text

# Far beyond any id of WhatsApp's, and well below what a Postgres index takes.
MAX_ID = 512


def an_object(item: Any) -> JsonObject:
    """An item that must be a JSON object. Raises ValueError when it is none."""
    if not isinstance(item, dict):
        raise ValueError("is not an object")  # noqa: TRY004 - one way out for every bad item
    return item


def identifier(item: JsonObject, key: str) -> str | None:
    """An id out of an item, as text. Raises ValueError when it is longer than any index takes."""
    value = item.get(key)
    if value is None:
        return None
    value = text(value)
    if value is not None and len(value) > MAX_ID:
        raise ValueError(f"{key} is longer than {MAX_ID} characters")
    return value


def moment(timestamp: Any) -> str | None:
    """Unix seconds, as text or number, in ISO 8601; None when it is no time Postgres could hold."""
    try:
        seconds = int(text(timestamp) or "")
        return _iso(seconds) if seconds >= 0 else None
    except (ValueError, OverflowError, OSError):
        return None


@lru_cache(maxsize=4096)
def _iso(seconds: int) -> str:
    """Kept, since what arrives together happened together and writing a date costs as much as reading a message."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def digits(value: Any) -> str | None:
    """The digits of a phone number, which people and phones write with plus, spaces and brackets."""
    found = "".join(character for character in text(value) or "" if character in "0123456789")
    return found[:MAX_ID] or None
