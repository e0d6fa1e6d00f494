"""The journal and what hangs on it, as an operator reads it: tables, page by page, never changed here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import httpx

from store.errors import from_response, from_transport

Row = dict[str, Any]

# PostgREST gives 1,000 rows at most; bodies are read in smaller pages, each may have 3 MB.
PAGE, BODIES = 1000, 50
COLUMNS = "id,received_at,provider,phone_number_id,waba_id,state,attempts,kinds,missing,error,processed_at"


class Events:
    """Reads of the backend's tables. Every method raises StoreError and nothing else."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def newest(self, filters: Mapping[str, str], limit: int) -> list[Row]:
        """The newest events that pass PostgREST filters (`{"state": "eq.failed"}`), without their bodies."""
        return await self._get(
            "webhook_events", {"select": COLUMNS, "order": "id.desc", "limit": str(limit), **filters}
        )

    async def one(self, event_id: int, *, with_body: bool = False) -> Row | None:
        """One event, its body only when asked for: it has people's words."""
        columns = COLUMNS + (",body" if with_body else "")
        found = await self._get("webhook_events", {"select": columns, "id": f"eq.{event_id}"})
        return found[0] if found else None

    async def ids(self, filters: Mapping[str, str]) -> AsyncIterator[list[int]]:
        """The ids of all events that pass the filters, oldest first, in pages."""
        after = 0
        while True:
            page = await self._after("webhook_events", "id", after, filters, "id", PAGE)
            if not page:
                return
            after = page[-1]["id"]
            yield [row["id"] for row in page]

    async def bodies(self) -> AsyncIterator[list[Row]]:
        """All events, oldest first, with their bodies as text, in pages."""
        after = 0
        columns = "id,provider,phone_number_id,waba_id,state,raw:body::text"
        while True:
            page = await self._after("webhook_events", "id", after, {}, columns, BODIES)
            if not page:
                return
            after = page[-1]["id"]
            yield page

    async def beginning(self) -> str | None:
        """Since when the journal has everything: what was set aside stays longer than what was applied."""
        query = {"select": "received_at", "state": "eq.processed", "order": "id", "limit": "1"}
        return next((row["received_at"] for row in await self._get("webhook_events", query)), None)

    async def connections(self, filters: Mapping[str, str]) -> list[Row]:
        """Connections with their workspace and WABA."""
        return await self._get(
            "whatsapp_connections", {"select": "id,workspace_id,phone_number_id,waba_id", "order": "id", **filters}
        )

    async def received(self, connection_id: str, since: str) -> AsyncIterator[list[Row]]:
        """Messages of customers written and stored since then: wamid, in pages."""
        after = 0
        filters = {"connection_id": f"eq.{connection_id}", "direction": "eq.inbound"}
        filters |= {"created_at": f"gt.{since}", "occurred_at": f"gt.{since}"}
        while True:
            page = await self._after("messages", "seq", after, filters, "seq,wamid", PAGE)
            if not page:
                return
            after = page[-1]["seq"]
            yield page

    async def _after(  # noqa: PLR0917 - a page: of what, from where, how much
        self, table: str, key: str, after: int, filters: Mapping[str, str], columns: str, limit: int
    ) -> list[Row]:
        paging = {"select": columns, "order": key, "limit": str(limit), "and": f"({key}.gt.{after})"}
        return await self._get(table, {**filters, **paging})

    async def _get(self, table: str, query: Mapping[str, str]) -> list[Row]:
        try:
            response = await self._http.get(f"/rest/v1/{table}", params=dict(query))
        except (httpx.HTTPError, OSError, TimeoutError) as error:
            raise from_transport(error) from error
        if not response.is_success:
            raise from_response(response)
        rows: list[Row] = response.json()
        return rows
