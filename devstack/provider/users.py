"""The other side: how WhatsApp names its users, by wa_id and by business-scoped user id (BSUID)."""

from __future__ import annotations

import hashlib
import re

from devstack.provider.errors import ApiError

BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")
PHONE = re.compile(r"\+?[0-9][0-9 ()\-]{4,24}")
COUNTRIES = {"972": "IL", "55": "BR", "54": "AR", "52": "MX", "49": "DE", "44": "GB", "34": "ES", "33": "FR"}


def wa_id_of(phone: str) -> str:
    """The wa_id of a dialled number. By design it is not always the same digits (Brazil, Mexico, Argentina)."""
    digits = "".join(filter(str.isdigit, phone))
    if re.fullmatch(r"55[3-9]\d9[7-9]\d{7}", digits):
        return digits[:4] + digits[5:]
    if re.fullmatch(r"52\d{10}", digits):
        return "521" + digits[2:]
    if re.fullmatch(r"54[1-8]\d{9}", digits):
        return "549" + digits[2:]
    return digits


def bsuid_of(phone: str, waba_id: str) -> str:
    """A stable BSUID for someone whose own was not given: the same person for the whole business."""
    country = next((code for prefix, code in COUNTRIES.items() if phone.startswith(prefix)), "US")
    digest = hashlib.blake2b(f"{waba_id}/{phone}".encode(), digest_size=8).digest()
    return f"{country}.{int.from_bytes(digest):020d}"


def check_phone(value: object) -> str:
    """A dialled number as Meta takes it: digits with `+ - ( )` and spaces. Raises ApiError."""
    if not isinstance(value, str) or not PHONE.fullmatch(value) or sum(map(str.isdigit, value)) > 15:
        raise ApiError(100, "Param to must be a valid WhatsApp phone number")
    return value


def check_bsuid(value: object) -> str:
    if not isinstance(value, str) or not BSUID.fullmatch(value):
        raise ApiError(100, "Param recipient must be a valid business-scoped user ID")
    return value
