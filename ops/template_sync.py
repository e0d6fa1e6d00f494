"""One number's templates, asked for and recorded now; what went wrong in a sentence with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ops import remedies
from ops.project import NO_PROVIDER, Project
from ops.provider import WRONG, account
from whatsapp.errors import WhatsAppError
from whatsapp.listing import listing

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What came of a number: counts, or a sentence and the status to end with."""

    number: str
    counts: Row | None = None
    error: str | None = None
    status: int = 0

    def as_json(self) -> Row:
        return {"number": self.number} | (self.counts if self.counts is not None else {"error": self.error})

    def note(self) -> str | None:
        """What is to be said beside the counts."""
        if self.counts is None or self.counts["complete"]:
            return self.error
        return f"{self.number}: part of the list could not be read, so nothing was taken for deleted. Try again later."

    def line(self) -> list[object]:
        counts = self.counts or {}
        return [self.number, *(counts.get(name) for name in ("listed", "added", "changed", "deleted"))]


async def sync_number(project: Project, connection: Row) -> Outcome:
    """Asks the number's provider for all its templates and records them. Raises StoreError only."""
    number = connection["phone_number_id"]
    credential = await project.rpc.get_connection_credential(connection["id"])
    if credential is None:
        return Outcome(number, error=f"{number} has no key: `wabase rotate-key {number}` sets one.", status=WRONG)
    if connection["provider"] == "meta" and not connection["waba_id"]:
        said = f"{number} does not say which WhatsApp Business account it is of: `wabase connect meta` tells."
        return Outcome(number, error=said, status=WRONG)
    as_of = datetime.now(UTC).isoformat()
    try:
        async with account(project.settings, connection, credential) as client:
            told = await listing(client.templates())
    except WhatsAppError as error:
        complaint = remedies.of_provider(error, connection)
        said = f"{number}: {complaint.said} Nothing was changed. {complaint.remedy}"
        return Outcome(number, error=said, status=NO_PROVIDER)
    counts = await project.rpc.record_templates(connection["id"], told.templates, as_of, told.complete)
    return Outcome(number, counts={**counts, "complete": told.complete})
