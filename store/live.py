"""Messages as they are written and changed, told by Realtime: for looking on, not for work that must be done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from realtime import AsyncRealtimeChannel
from realtime.types import RealtimePostgresChangesListenEvent

from store.realtime import Doorbell

Row = dict[str, Any]

# Enough to say what happened; `content`, which has people's words, only when it is asked for.
COLUMNS = (
    *("id", "connection_id", "conversation_id", "direction", "type", "status", "error", "wa_id", "created_at"),
    *("media_status", "edited_at", "revoked_at"),
)
# Who reads on slower than this many come is told how many were left out.
KEPT = 10_000


class LiveMessages(Doorbell):
    """A doorbell beside which changed messages come, and whose canaries show that silence is a quiet day.

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
        super().__init__(url, key, {"outbox": lambda: None}, canary)
        self._told = told
        self._filter = f"connection_id=eq.{connection_id}" if connection_id else None
        self._columns = [*COLUMNS, *(["content"] if with_content else [])]
        self._changes: asyncio.Queue[tuple[str, Row]] = asyncio.Queue(KEPT)
        self.left_out = 0
        """Changes that came faster than they were read."""

    async def next(self) -> tuple[str, Row]:
        """When a change was committed (ISO 8601, the database's clock) and the message as it is then."""
        return await self._changes.get()

    async def _listen(self) -> None:
        try:
            await super()._listen()
        except Exception:
            self._told(False)
            raise
        self._told(False)

    def _bind(self, channel: AsyncRealtimeChannel) -> None:
        super()._bind(channel)
        channel.on_postgres_changes(
            RealtimePostgresChangesListenEvent.All,
            self._on_change,
            table="messages",
            schema="public",
            filter=self._filter,
            select=self._columns,
        )

    def _on_change(self, change: Any) -> None:
        # Exceptions in here end the listening for ever: what has another shape is left out.
        data = change.get("data") if isinstance(change, dict) else None
        if not isinstance(data, dict) or not isinstance(record := data.get("record"), dict) or "id" not in record:
            return
        try:
            self._changes.put_nowait((str(data.get("commit_timestamp")), record))
        except asyncio.QueueFull:
            self.left_out += 1

    def _on_system(self, payload: Any) -> None:
        was_live = self._live.is_set()
        super()._on_system(payload)
        if self._live.is_set() and not was_live:
            self._told(True)
