"""The webhook envelope, walked without trusting a single field of it.

Two shapes. Meta's, which 360dialog forwards unchanged:
`{object, entry: [{id: <WABA>, time?, changes: [{field, value: {metadata: {phone_number_id, …}, messages?, …}}]}]}`;
and 360dialog's own, for what a phone app shares when it joins:
`{id, event, data: {id: <WABA>, metadata, history?, …}}`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

JsonObject = dict[str, Any]
# What becomes of one: the fields of an SQL type, for a function that takes sets of them.
Row = dict[str, Any]


# Python reads and writes longer integers only on demand, and slowly (sys.get_int_max_str_digits).
MAX_DIGITS = 4300


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _integer(digits: str) -> int | str:
    return int(digits) if len(digits.lstrip("-")) <= MAX_DIGITS else digits


def _real(digits: str) -> float | str:
    return number if math.isfinite(number := float(digits)) else digits


# Built once: json.loads builds a decoder for each call that is given an option.
_decode = json.JSONDecoder(parse_constant=_no_constant, parse_int=_integer, parse_float=_real).decode
_decode_quickly = msgspec.json.Decoder().decode


def decode(body: bytes) -> Any:
    """A body as JSON. Raises ValueError or RecursionError; NaN is none, and a monstrous number stays its digits."""
    try:
        return _decode_quickly(body)
    except (msgspec.DecodeError, RecursionError):
        # Lone surrogates, numbers beyond all bounds, or no JSON: the standard library takes more, and tells.
        return _decode(body.decode())


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a body came in: the number or WABA whose token it showed. Both None: Meta's app-wide endpoint."""

    provider: str
    phone_number_id: str | None = None
    waba_id: str | None = None


@dataclass(slots=True, eq=False)
class Change:
    """One `changes[]` item with the ids around it. `phone_number_id` is None for template and account events.

    Not frozen: one is made for every webhook, and freezing triples what that costs.
    """

    field: str
    waba_id: str | None
    phone_number_id: str | None
    display_phone_number: str | None
    value: JsonObject
    time: Any = None
    unreadable: str | None = None

    def foreign_to(self, endpoint: Endpoint) -> str | None:
        """Why this change is none of the endpoint's business, or None: one tenant's token opens only its own."""
        if endpoint.phone_number_id is not None:
            if self.phone_number_id is not None and self.phone_number_id != endpoint.phone_number_id:
                return f"speaks of number {self.phone_number_id}, came with the token of {endpoint.phone_number_id}"
        elif endpoint.waba_id is not None and self.waba_id != endpoint.waba_id and self.unreadable is None:
            return f"speaks of WABA {self.waba_id}, came with the token of {endpoint.waba_id}"
        return None


def changes(body: JsonObject) -> list[Change]:
    """Every change of a body in order; what is not where it should be is one that says so."""
    found: list[Change] = []
    for entry in _listed(body.get("entry"), "entry", found):
        waba_id, time = text(entry.get("id")), entry.get("time")
        for change in _listed(entry.get("changes"), "changes", found):
            found.append(_change(change.get("field"), waba_id, change.get("value"), time))
    if "event" in body and "data" in body:
        data = body["data"]
        found.append(_change(body["event"], text(data.get("id")) if isinstance(data, dict) else None, data, None))
    return found


def _listed(items: Any, name: str, found: list[Change]) -> Iterator[JsonObject]:
    if not isinstance(items, list):
        if items is not None:
            found.append(_unreadable(f"{name} is not a list"))
        return
    for item in items:
        if isinstance(item, dict):
            yield item
        elif item is not None:
            found.append(_unreadable(f"an item of {name} is not an object"))


def _change(field: Any, waba_id: str | None, value: Any, time: Any) -> Change:
    name = text(field) or ""
    if not isinstance(value, dict):
        return Change(name, waba_id, None, None, {}, time, None if value is None else "its value is not an object")
    metadata = value.get("metadata")
    if not isinstance(metadata, dict):
        return Change(name, waba_id, None, None, value, time)
    number, display = text(metadata.get("phone_number_id")), text(metadata.get("display_phone_number"))
    return Change(name, waba_id, number, display, value, time)


def _unreadable(reason: str) -> Change:
    return Change("", None, None, None, {}, None, reason)


def objects(value: Any) -> Iterator[JsonObject]:
    """The JSON objects of a list; nothing for anything else."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def integer(value: Any, digits: int = 9) -> int | None:
    """A whole number of at most so many digits, also as text; None for anything else, signs among it.

    Nine fit every `integer` column, fifteen (more than any file has bytes) every number of JavaScript's.
    """
    written = value if isinstance(value, str) else str(value) if type(value) is int and abs(value) < 10**digits else ""
    return int(written) if len(written) <= digits and written.isascii() and written.isdecimal() else None


def text(value: Any) -> str | None:
    """An id or text as text: WhatsApp sends integers where it documents strings. Empty and absent are None."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
