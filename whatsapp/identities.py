"""Somebody goes on under other ids: a changed number, a changed user id.

WhatsApp says it in the thread, as a system message, and to who subscribes to it, as `user_id_update`.
"""

from __future__ import annotations

import re
from typing import Any

from whatsapp.envelope import Change, JsonObject, Row, text
from whatsapp.facts import fact
from whatsapp.scalars import identifier

CHANGES = frozenset({"user_changed_number", "customer_changed_number", "user_changed_user_id"})
USER_ID = re.compile(r"\b[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}\b")
IDS = ("wa_id", "bsuid", "parent_bsuid")


def of_system(event_id: int, change: Change, message: JsonObject, row: Row) -> Row | None:
    """The change that a system message tells of, or None. Puts the message's row under the OLD ids: its old thread."""
    system = message.get("system")
    if not isinstance(system, dict) or text(system.get("type")) not in CHANGES:
        return None
    new = (
        identifier(system, "wa_id") or identifier(system, "new_wa_id"),
        identifier(system, "user_id"),
        identifier(system, "parent_user_id"),
    )
    old = (
        _other(row["wa_id"], new[0]) or _other(identifier(system, "customer"), new[0]),
        identifier(system, "previous_user_id") or _other(row["bsuid"], new[1]) or _told(system.get("body"), new[1]),
        identifier(system, "previous_parent_user_id") or _other(row["parent_bsuid"], new[2]),
    )
    if any(old):
        row.update(zip(IDS, old, strict=True))
    return _fact(event_id, change, message.get("timestamp"), old, new)


def of_update(event_id: int, change: Change, item: JsonObject) -> Row | None:
    """The change that an item of `user_id_update` tells of. Raises ValueError when it does not say of whom."""
    user, parent = _pair(item.get("user_id")), _pair(item.get("parent_user_id"))
    old = (identifier(item, "wa_id"), identifier(user, "previous"), identifier(parent, "previous"))
    new = (None, identifier(user, "current"), identifier(parent, "current"))
    if not any(old) or not any(new):
        raise ValueError("does not say whose id became which")
    return _fact(event_id, change, item.get("timestamp"), old, new)


def _fact(
    event_id: int, change: Change, timestamp: Any, old: tuple[str | None, ...], new: tuple[str | None, ...]
) -> Row | None:
    new = tuple(_other(now, before) for now, before in zip(new, old, strict=True))
    if not any(old) or not any(new):
        return None
    ids = zip((*IDS, *(f"new_{key}" for key in IDS)), (*old, *new), strict=True)
    return fact(event_id, "identity", change, timestamp) | dict(ids)


def _other(value: str | None, than: str | None) -> str | None:
    return value if value != than else None


def _pair(value: Any) -> JsonObject:
    return value if isinstance(value, dict) else {"current": value}


def _told(body: Any, new: str | None) -> str | None:
    """The id before the new one in «User … changed from X to Y»: the only place where Meta's page has it."""
    told = USER_ID.findall(body) if isinstance(body, str) else []
    if new not in told:
        return None
    before = [user_id for user_id in told[: told.index(new)] if user_id != new and ".ENT." not in user_id]
    return before[-1] if before else None
