"""Messages on their way, as an operator sees and moves them: what a member may do, done for all workspaces."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import httpx

from store.errors import Rejected, answered, done, json_of

Row = dict[str, Any]
# One name may stand twice: `created_at` from and to.
Filters = list[tuple[str, str]]

# No words of anybody's and no phone numbers: of an error its code and class.
COLUMNS = (
    "id,created_at,conversation_id,type,status,send_after,code:error->>code,class:error->>class,"
    "connection:whatsapp_connections!inner(phone_number_id)"
)
NO_SUCH = "WA004"


class Outbox:
    """Looks at the outbox and what came out of it, and calls the functions for members. Raises StoreError only."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def waiting(self, filters: Filters, limit: int) -> list[Row]:
        """Messages that have not ended, in the order they were queued. Filters are PostgREST's, on messages."""
        query = [("select", f"attempts,message:messages!inner({COLUMNS})"), ("order", "seq"), ("limit", str(limit))]
        rows = await self._get("outbox", query + [(f"message.{name}", value) for name, value in filters])
        return [_flat(row["message"], row["attempts"]) for row in rows]

    async def ended(self, filters: Filters, limit: int) -> list[Row]:
        """Messages that wait for nothing any more, oldest first; reads the whole table of messages once."""
        query = [("select", COLUMNS), ("order", "created_at,seq"), ("limit", str(limit)), ("direction", "eq.outbound")]
        return [_flat(row, None) for row in await self._get("messages", query + filters)]

    async def oldest_head(self, connection_id: str) -> Row | None:
        """Of a number the message that might have gone longest ago and is not being sent: {message_id, ready_at}."""
        query = [("select", "message_id,ready_at"), ("connection_id", f"eq.{connection_id}")]
        query += [("ready_at", "lte.now"), ("order", "ready_at"), ("limit", "1")]
        return next(iter(await self._get("outbox", query)), None)

    async def explain_outbound(self, message_id: str) -> Row | None:
        """{reason, until, detail}; None for a message that is not there."""
        try:
            answer: Row = json_of(await answered(self._call("explain_outbound", message_id=message_id)))
        except Rejected as error:
            if error.code == NO_SUCH:
                return None
            raise
        return answer

    async def retry_message(self, message_id: str) -> None:
        """Once more. Rejected with WA001, WA004 or WA008 says why not."""
        await done(self._call("retry_message", message_id=message_id))

    async def pause_connection(self, connection_id: str, reason: str) -> None:
        await done(self._call("pause_connection", connection_id=connection_id, reason=reason))

    async def resume_connection(self, connection_id: str) -> None:
        await done(self._call("resume_connection", connection_id=connection_id))

    def _call(self, function: str, **arguments: str) -> Awaitable[httpx.Response]:
        return self._http.post(f"/rest/v1/rpc/{function}", json=arguments)

    async def _get(self, table: str, query: Filters) -> list[Row]:
        rows: list[Row] = json_of(await answered(self._http.get(f"/rest/v1/{table}", params=tuple(query))))
        return rows


def _flat(message: Row, attempts: int | None) -> Row:
    number = message.pop("connection")["phone_number_id"]
    return {**message, "number": number, "attempts": attempts}
