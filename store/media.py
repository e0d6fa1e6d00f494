"""Files of messages, as an operator sees them and asks for them again: of all workspaces."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx

from store.errors import answered, done, json_of

Row = dict[str, Any]
Filters = list[tuple[str, str]]

PAGE = 1000
# Nothing that a customer wrote or called anything: of an error its code.
COLUMNS = (
    "id,created_at,workspace_id,type,media_status,code:media_error->>code,"
    "connection:whatsapp_connections!inner(phone_number_id)"
)
QUEUED = "attempts,due:available_at,deadline"


class Media:
    """Looks at messages with files and at their queue, and calls the function for members. Raises StoreError only."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def waiting(self, filters: Filters, limit: int) -> list[Row]:
        """Files in the queue, the soonest to vanish first. Filters are PostgREST's, on messages."""
        query = [("select", f"{QUEUED},message:messages!inner({COLUMNS})"), ("order", "deadline,message_id")]
        query += [("limit", str(limit)), *((f"message.{name}", value) for name, value in filters)]
        return [_flat(row.pop("message"), row) for row in await self._get("media_downloads", query)]

    async def longest_due(self, connection_id: str) -> str | None:
        """Since when a number's most urgent file might have been fetched, which nobody does; None: there is none."""
        query = [("select", "available_at,message:messages!inner(created_at)"), ("order", "deadline"), ("limit", "1")]
        query += [("connection_id", f"eq.{connection_id}"), ("lease_token", "is.null")]
        query += [("or", "(available_at.is.null,available_at.lte.now)")]
        rows = await self._get("media_downloads", query)
        moments = [(row["available_at"], row["message"]["created_at"]) for row in rows]
        return next((available or created for available, created in moments), None)

    async def ended(self, filters: Filters, limit: int) -> list[Row]:
        """Files that wait for nothing any more, the newest first; reads the whole table of messages once."""
        query = [("select", COLUMNS), ("order", "created_at.desc,seq.desc"), ("limit", str(limit))]
        nothing = {"attempts": None, "due": None, "deadline": None}
        return [_flat(row, nothing) for row in await self._get("messages", query + filters)]

    async def ids(self, filters: Filters) -> AsyncIterator[list[str]]:
        """The ids of all messages that pass, in pages. What has left the filters meanwhile is passed over."""
        query = [("select", "id,connection:whatsapp_connections!inner()"), ("order", "id"), ("limit", str(PAGE))]
        after: Filters = []
        while page := await self._get("messages", query + filters + after):
            after = [("id", f"gt.{page[-1]['id']}")]
            yield [row["id"] for row in page]

    async def retry_media(self, message_id: str) -> None:
        """Asks for the file once more. Rejected with a code of docs/errors.md says why not."""
        await done(self._http.post("/rest/v1/rpc/retry_media", json={"message_id": message_id}))

    async def _get(self, table: str, query: Filters) -> list[Row]:
        rows: list[Row] = json_of(await answered(self._http.get(f"/rest/v1/{table}", params=tuple(query))))
        return rows


def _flat(message: Row, queued: Row) -> Row:
    number = message.pop("connection")["phone_number_id"]
    return {**message, "number": number, **queued}
