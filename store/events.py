"""The journal and what hangs on it, as an operator reads it: tables, page by page, never changed here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx

from store.errors import Unavailable, answered, json_of

Row = dict[str, Any]

# PostgREST gives 1,000 rows at most; bodies are read in smaller pages, each may have 3 MB.
PAGE, BODIES = 1000, 50
# Before every id.
NOBODY = "00000000-0000-0000-0000-000000000000"
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
        async for page in self._pages("webhook_events", "id", filters, "id", PAGE):
            yield [row["id"] for row in page]

    def bodies(self) -> AsyncIterator[list[Row]]:
        """All events, oldest first, with their bodies as text, in pages."""
        columns = "id,provider,phone_number_id,waba_id,state,raw:body::text"
        return self._pages("webhook_events", "id", {}, columns, BODIES)

    async def beginning(self) -> str | None:
        """Since when the journal has everything: what was set aside stays longer than what was applied."""
        query = {"select": "received_at", "state": "eq.processed", "order": "id", "limit": "1"}
        return next((row["received_at"] for row in await self._get("webhook_events", query)), None)

    async def count(self, filters: Mapping[str, str]) -> int:
        """How many events pass the filters."""
        call = self._http.head(
            "/rest/v1/webhook_events", params={"select": "id", **filters}, headers={"prefer": "count=exact"}
        )
        total = (await answered(call)).headers.get("content-range", "").rpartition("/")[2]
        if not total.isdecimal():
            raise Unavailable("shape", "an answer without a count")
        return int(total)

    async def oldest_waiting(self) -> str | None:
        """When the oldest event came that is still to be applied; None when there is none."""
        query = {"select": "received_at", "state": "eq.received", "order": "id", "limit": "1"}
        return next((row["received_at"] for row in await self._get("webhook_events", query)), None)

    async def connections(self, filters: Mapping[str, str]) -> list[Row]:
        """Connections with their workspace, provider, number and WABA, and the ids they had before."""
        columns = "id,workspace_id,provider,phone_number_id,waba_id,former_ids"
        return await self._connections(filters, columns)

    async def numbers(self) -> list[Row]:
        """Connections that are not disconnected: how they stand, since when, what WhatsApp said of them."""
        columns = "id,workspace_id,provider,phone_number_id,waba_id,status,status_reason,status_since,"
        columns += "verified_at,last_error,provider_notices,created_at"
        found = await self._connections({"status": "neq.disconnected"}, columns)
        return sorted(found, key=lambda row: str(row["created_at"]))

    async def has_conversations(self, workspace_id: str, connection_id: str) -> bool:
        """Whether anybody has ever written by this number, or been written to."""
        query = {"select": "id", "workspace_id": f"eq.{workspace_id}", "connection_id": f"eq.{connection_id}"}
        return bool(await self._get("conversations", {**query, "limit": "1"}))

    async def phones(self, conversation_ids: Sequence[str]) -> dict[str, str | None]:
        """With whom threads are; None for somebody without a number."""
        query = {"select": "id,phone", "id": f"in.({','.join(conversation_ids)})"}
        return {row["id"]: row["phone"] for row in await self._get("conversations", query)}

    def received(self, connection_id: str, since: str) -> AsyncIterator[list[Row]]:
        """Messages of customers written and stored since then: wamid, in pages."""
        filters = {"connection_id": f"eq.{connection_id}", "direction": "eq.inbound"}
        filters |= {"created_at": f"gt.{since}", "occurred_at": f"gt.{since}"}
        return self._pages("messages", "seq", filters, "seq,wamid", PAGE)

    async def _pages(
        self, table: str, key: str, filters: Mapping[str, str], columns: str, limit: int, *, after: int | str = 0
    ) -> AsyncIterator[list[Row]]:
        """All rows that pass, by ascending key, which is among the columns and greater than `after`."""
        query = {**filters, "select": columns, "order": key, "limit": str(limit)}
        while page := await self._get(table, {**query, "and": f"({key}.gt.{after})"}):
            after = page[-1][key]
            yield page

    async def _connections(self, filters: Mapping[str, str], columns: str) -> list[Row]:
        """All that pass, by id, which is among the columns, however many at once PostgREST gives."""
        pages = self._pages("whatsapp_connections", "id", filters, columns, PAGE, after=NOBODY)
        return [row async for page in pages for row in page]

    async def _get(self, table: str, query: Mapping[str, str]) -> list[Row]:
        rows: list[Row] = json_of(await answered(self._http.get(f"/rest/v1/{table}", params=dict(query))))
        return rows
