"""Messages as they are written and changed, told by Realtime: for looking on, not for work that must be done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient
from realtime.types import RealtimePostgresChangesListenEvent

from store.realtime import Listening

Row = dict[str, Any]

# Enough to say what happened; `content`, which has people's words, only when it is asked for.
COLUMNS = (
    *("id", "connection_id", "conversation_id", "direction", "type", "status", "error", "wa_id", "created_at"),
    *("media_status", "edited_at", "revoked_at"),
)
# Who reads on slower than this many come is told how many were left out.
KEPT = 10_000


class LiveMessages(Listening):
    """Changed messages as they come, with canaries on the same way to show that silence is a quiet day.

    `told` hears True when changes begin to come and False when they do no longer; it is tried again all the time. What
    happens in between is not told of later.
    """

    def __init__(
        self,
        url: str,
        key: str,
        canary: Callable[[], Awaitable[str]],
        told: Callable[[bool], None],
        *,
        connection_id: str | None = None,
        with_content: bool = False,
    ) -> None:
        super().__init__(url, key, canary)
        self._told = told
        self._filter = f"connection_id=eq.{connection_id}" if connection_id else None
        self._columns = [*COLUMNS, *(["content"] if with_content else [])]
        self._changes: asyncio.Queue[tuple[str, Row]] = asyncio.Queue(KEPT)
        self.left_out = 0
        """Changes that came faster than they were read."""

    async def next(self) -> tuple[str, Row]:
        """When a change was committed (ISO 8601, the database's clock) and the message as it is then."""
        return await self._changes.get()

    def _channel(self, client: AsyncRealtimeClient) -> AsyncRealtimeChannel:
        channel = client.channel("live-messages")
        # Only the key: a frame above 1 MiB would close the socket.
        channel.on_postgres_changes(
            RealtimePostgresChangesListenEvent.Insert,
            self._on_canary,
            table="outbox",
            schema="public",
            select=["message_id"],
        )
        channel.on_postgres_changes(
            RealtimePostgresChangesListenEvent.All,
            self._on_change,
            table="messages",
            schema="public",
            filter=self._filter,
            select=self._columns,
        )
        return channel

    def _on_live(self, live: bool) -> None:
        self._told(live)

    def _on_canary(self, change: Any) -> None:
        record = change.get("data", {}).get("record", {}) if isinstance(change, dict) else {}
        if isinstance(record, dict):
            self._hear(record.get("message_id"))

    def _on_change(self, change: Any) -> None:
        # Exceptions in here end the listening for ever: what has another shape is left out.
        data = change.get("data") if isinstance(change, dict) else None
        if not isinstance(data, dict) or not isinstance(record := data.get("record"), dict) or "id" not in record:
            return
        try:
            self._changes.put_nowait((str(data.get("commit_timestamp")), record))
        except asyncio.QueueFull:
            self.left_out += 1
