"""Message ids that look inside and out like WhatsApp's: base64 of a small binary record."""

from __future__ import annotations

import base64
import secrets

_OUTBOUND, _INBOUND = b"\x11", b"\x12"


def new_wamid(party: str, *, inbound: bool = False) -> str:
    """A fresh id; the other party's number is part of it, as in real ones."""
    digits = party.encode()[-128:]
    serial = secrets.token_hex(9).upper().encode()
    record = b"\x1c\x18" + bytes([len(digits)]) + digits + b"\x15\x02\x00"
    record += (_INBOUND if inbound else _OUTBOUND) + b"\x18\x12" + serial + b"\x00"
    return "wamid." + base64.b64encode(record).decode()
