"""The webhook envelope, walked without trusting a single field of it.

Shape (Meta's webhook reference; 360dialog forwards it unchanged):
`{object, entry: [{id: <WABA>, changes: [{field, value: {metadata: {phone_number_id, …}, messages?, statuses?, …}}]}]}`
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a body came in: the number or WABA whose token it showed. Both None: Meta's app-wide endpoint."""

    provider: str
    phone_number_id: str | None = None
    waba_id: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One `changes[]` item with the ids around it. `phone_number_id` is None for template and account events."""

    field: str
    waba_id: str | None
    phone_number_id: str | None
    display_phone_number: str | None
    value: JsonObject

    def foreign_to(self, endpoint: Endpoint) -> str | None:
        """Why this change is none of the endpoint's business, or None: one tenant's token opens only its own."""
        if endpoint.phone_number_id is not None:
            if self.phone_number_id is not None and self.phone_number_id != endpoint.phone_number_id:
                return f"speaks of number {self.phone_number_id}, came with the token of {endpoint.phone_number_id}"
        elif endpoint.waba_id is not None and self.waba_id != endpoint.waba_id:
            return f"speaks of WABA {self.waba_id}, came with the token of {endpoint.waba_id}"
        return None


def changes(body: JsonObject) -> Iterator[Change]:
    """Every change of a body in order; whatever is not where it should be is passed over."""
    for entry in objects(body.get("entry")):
        waba_id = text(entry.get("id"))
        for change in objects(entry.get("changes")):
            value = change.get("value")
            value = value if isinstance(value, dict) else {}
            metadata = value.get("metadata")
            metadata = metadata if isinstance(metadata, dict) else {}
            yield Change(
                field=text(change.get("field")) or "",
                waba_id=waba_id,
                phone_number_id=text(metadata.get("phone_number_id")),
                display_phone_number=text(metadata.get("display_phone_number")),
                value=value,
            )


def objects(value: Any) -> Iterator[JsonObject]:
    """The JSON objects of a list; nothing for anything else."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def text(value: Any) -> str | None:
    """An id or text as text: WhatsApp sends integers where it documents strings. Empty and absent are None."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return None
