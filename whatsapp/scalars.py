"""Ids and times as WhatsApp sends them, as Postgres takes them; ValueError for what it could not."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any

from whatsapp.envelope import JsonObject, text

# Far beyond any id of WhatsApp's, and well below what a Postgres index takes.
MAX_ID = 512
EPOCH = date(1970, 1, 1).toordinal()
# Every webhook has a time in it, and `datetime` writes one five times slower than this puts it together.
MINUTES = tuple(f"T{hour:02}:{minute:02}:" for hour in range(24) for minute in range(60))
SECONDS = tuple(f"{second:02}+00:00" for second in range(60))


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
        minute, second = divmod(int(text(timestamp) or ""), 60)
        day, minute = divmod(minute, 24 * 60)
        return _date(day) + MINUTES[minute] + SECONDS[second] if day >= 0 else None
    except (ValueError, OverflowError):
        return None


@lru_cache(maxsize=1024)
def _date(day: int) -> str:
    return date.fromordinal(EPOCH + day).isoformat()


def digits(value: Any) -> str | None:
    """The digits of a phone number, which people and phones write with plus, spaces and brackets."""
    found = "".join(character for character in text(value) or "" if character in "0123456789")
    return found[:MAX_ID] or None
