"""The doorbell: rings when a row enters a queue. Carries no data that matters; the poll is the truth.

The rule is «replace, never repair»: at any sign of trouble the client, its socket and its channel are thrown away and
built anew. That one rule guards against each defect of the client (supabase-py's realtime 2.34.1, read in its source):
it gives up for good after five failed reconnects; a channel closed by the server is never joined again; a listener
that dies leaves `is_connected` true; rejoins on one socket reuse an expired token; and nothing says how long it was
deaf. Callbacks only set events, because an exception in one ends the listening for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from realtime import AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.types import RealtimePostgresChangesListenEvent

log = structlog.get_logger()

# A socket opened with a project key is closed by the server after 24 hours.
MAX_AGE = 23 * 3600.0
LIVE_DEADLINE = 30.0
BACKOFF = (1.0, 30.0)


class Doorbell:
    """Subscribes to INSERTs of tables and calls `ring` for each, and for all of them whenever it was deaf before."""

    def __init__(self, url: str, key: str, rings: Mapping[str, Callable[[], None]]) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._rings = dict(rings)
        self._live = asyncio.Event()
        self._broken = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """Whether changes are streaming, as far as the server says."""
        return self._live.is_set()

    async def run(self) -> None:
        """Keeps a subscription alive until cancelled."""
        delay = BACKOFF[0]
        while True:
            try:
                await self._listen()
                delay = BACKOFF[0]
            except Exception as error:
                # Anything: this library raises whatever happens below it, and a doorbell must outlive all of it.
                log.warning("doorbell.down", error=type(error).__name__)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                delay = min(delay * 2, BACKOFF[1])

    async def _listen(self) -> None:
        self._live.clear()
        self._broken.clear()
        client = AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)
        try:
            async with asyncio.timeout(LIVE_DEADLINE):
                await client.connect()
                await self._subscribe(client)
                await self._wait_live()
            log.info("doorbell.live")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._until_broken(client), MAX_AGE)
            log.info("doorbell.renewed" if not self._broken.is_set() else "doorbell.lost")
        finally:
            self._live.clear()
            with contextlib.suppress(Exception):
                await client.close()

    async def _subscribe(self, client: AsyncRealtimeClient) -> None:
        channel = client.channel("worker-doorbell")
        channel.on_system(self._on_system)
        for table, ring in self._rings.items():
            # Only the key: a frame above 1 MiB would close the socket.
            channel.on_postgres_changes(
                RealtimePostgresChangesListenEvent.Insert,
                lambda _change, ring=ring: ring(),  # type: ignore[misc]
                table=table,
                schema="public",
                select=["message_id"],
            )
        await channel.subscribe(self._on_state)

    def _on_system(self, payload: Any) -> None:
        # SUBSCRIBED comes before Postgres streams; this comes when it does, and again after each gap on the server.
        if getattr(payload, "extension", None) == "postgres_changes" and getattr(payload, "status", None) == "ok":
            self._live.set()
            for ring in self._rings.values():
                ring()

    def _on_state(self, state: RealtimeSubscribeStates, _error: Exception | None) -> None:
        if state is not RealtimeSubscribeStates.SUBSCRIBED:
            self._broken.set()

    async def _wait_live(self) -> None:
        live, broken = (asyncio.ensure_future(event.wait()) for event in (self._live, self._broken))
        try:
            await asyncio.wait((live, broken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            live.cancel()
            broken.cancel()
        if self._broken.is_set():
            raise ConnectionError("the channel was refused")

    async def _until_broken(self, client: AsyncRealtimeClient) -> None:
        while not self._broken.is_set():
            listener = client._listen_task
            if listener is None or listener.done():
                self._broken.set()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._broken.wait(), 1.0)
