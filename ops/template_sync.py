"""One number's templates, asked for and recorded now; what went wrong in a sentence with its remedy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx

from ops.project import Project
from ops.settings import Settings
from whatsapp.account import AccountClient
from whatsapp.errors import ErrorClass, Refused, WhatsAppError
from whatsapp.listing import listing
from whatsapp.provider import provider

Row = dict[str, Any]

NAMES = {"360dialog": "360dialog", "meta": "Meta"}
# Exit statuses, see docs/wabase.md.
NOT_DONE, PROVIDER = 1, 4
# Meta's words for a token that is good and may not do this.
NO_PERMISSION = (3, 10, *range(200, 300))


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
    number, name = connection["phone_number_id"], NAMES[connection["provider"]]
    credential = await project.rpc.get_connection_credential(connection["id"])
    if credential is None:
        return Outcome(number, error=f"{number} has no key: `wabase rotate-key {number}` sets one.", status=NOT_DONE)
    if name == "Meta" and not connection["waba_id"]:
        said = f"{number} does not say which WhatsApp Business account it is of: `wabase connect meta` tells."
        return Outcome(number, error=said, status=NOT_DONE)
    as_of = datetime.now(UTC).isoformat()
    try:
        async with httpx.AsyncClient(timeout=30, follow_redirects=False) as http:
            told = await listing(_account(http, connection, credential).templates())
    except WhatsAppError as error:
        return Outcome(number, error=_said(number, name, error), status=PROVIDER)
    counts = await project.rpc.record_templates(connection["id"], told.templates, as_of, told.complete)
    return Outcome(number, counts={**counts, "complete": told.complete})


def _account(http: httpx.AsyncClient, connection: Row, credential: str) -> AccountClient:
    settings = Settings.load()
    reached = provider(
        connection["provider"],
        connection["phone_number_id"],
        d360_base_url=settings.whatsapp_360_base_url,
        graph_base_url=settings.meta_graph_base_url,
    )
    return AccountClient(http, reached, credential, waba_id=connection["waba_id"])


def _said(number: str, name: str, error: WhatsAppError) -> str:
    if not isinstance(error, Refused):
        return f"{number}: {name} does not answer as it should ({error}). Nothing was changed; try again later."
    if error.code in NO_PERMISSION:
        return (
            f"{number}: {name} does not let this token see templates ({error}). "
            f"Give it the permission whatsapp_business_management, or set another: `wabase rotate-key {number}`."
        )
    if error.error_class is ErrorClass.AUTH:
        return f"{number}: {name} does not take its key ({error}). Set a valid one: `wabase rotate-key {number}`."
    return f"{number}: {name} refuses ({error}). Nothing was changed."
