"""The doorbell: rings when a row enters a queue. Carries no data that matters; the poll is the truth.

The rule is «replace, never repair»: at any sign of trouble the client, its socket and its channel are thrown away and
built anew. A canary shows whether it rings at all: a row put into a queue, and how long until it is heard of. That one
rule guards against each defect of the client (supabase-py's realtime 2.34.1, read in its source):
it gives up for good after five failed reconnects; a channel closed by the server is never joined again; a listener
that dies leaves `is_connected` true; rejoins on one socket reuse an expired token; and nothing says how long it was
deaf. Callbacks only set events, because an exception in one ends the listening for ever.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates
from realtime.types import RealtimePostgresChangesListenEvent

from store.errors import Denied, Rejected, StoreError, Unavailable

log = structlog.get_logger()

# A socket opened with a project key is closed by the server after 24 hours.
MAX_AGE = 23 * 3600.0
LIVE_DEADLINE = 30.0
BACKOFF = (1.0, 30.0)
# A canary this often; one not heard of within the deadline is lost, one that took longer than SLOW rings too late to
# rely on. Realtime needs 0.1 to 0.6 s when nothing is wrong.
CANARY_SECONDS = 10.0
CANARY_DEADLINE = 5.0
SLOW_SECONDS = 2.0
REMEMBERED = 1000


class Doorbell:
    """Subscribes to INSERTs of tables and calls `ring` for each, and for all of them whenever it was deaf before.

    `canary` inserts into one of them and gives the `message_id` that is to be heard of.
    """

    def __init__(
        self, url: str, key: str, rings: Mapping[str, Callable[[], None]], canary: Callable[[], Awaitable[str]]
    ) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._rings = dict(rings)
        self._canary = canary
        self._heard: dict[str, float] = {}
        self._hearing = asyncio.Event()
        self._lag: float | None = None
        self.rings = self.canaries = self.lost = 0
        """Rings heard, canaries sent, and those of them that were not heard in time."""
        self._live = asyncio.Event()
        self._broken = asyncio.Event()

    @property
    def healthy(self) -> bool:
        """Whether it rings, and soon: shown by the last canary."""
        return self._live.is_set() and self._lag is not None and self._lag <= SLOW_SECONDS

    @property
    def lag(self) -> float | None:
        """Seconds between the last canary's insert and its ring; None before the first was heard."""
        return self._lag

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

    async def try_once(self) -> float | None:
        """Connects, subscribes, rings once; the seconds until that was heard of, None when it was not.

        Raises StoreError: Denied the key is not taken, Rejected the tables cannot be subscribed to, Unavailable nobody
        answers. How long it may take altogether is the caller's.
        """
        client = AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)
        try:
            await _connect(client)
            await self._subscribe(client)
            try:
                await self._wait_live()
            except ConnectionError as error:
                raise Rejected("subscription", "the channel was refused") from error
            await self._listen_for(await self._canary(), time.monotonic())
            return self._lag
        finally:
            with contextlib.suppress(Exception):
                await client.close()

    async def _listen(self) -> None:
        self._live.clear()
        self._broken.clear()
        self._lag = None
        client = AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)
        try:
            async with asyncio.timeout(LIVE_DEADLINE):
                await client.connect()
                await self._subscribe(client)
                await self._wait_live()
            log.info("doorbell.live")
            async with asyncio.TaskGroup() as watching:
                canaries = watching.create_task(self._measure())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._until_broken(client), MAX_AGE)
                canaries.cancel()
            if self._broken.is_set():
                log.info("doorbell.lost")
            else:
                log.info("doorbell.renewed")
        finally:
            self._live.clear()
            with contextlib.suppress(Exception):
                await client.close()

    async def _subscribe(self, client: AsyncRealtimeClient) -> None:
        channel = client.channel("worker-doorbell")
        self._bind(channel)
        await channel.subscribe(self._on_state)

    def _bind(self, channel: AsyncRealtimeChannel) -> None:
        """What the channel is to tell."""
        channel.on_system(self._on_system)
        for table, ring in self._rings.items():
            # Only the key: a frame above 1 MiB would close the socket.
            channel.on_postgres_changes(
                RealtimePostgresChangesListenEvent.Insert,
                lambda change, ring=ring: self._on_insert(change, ring),  # type: ignore[misc]
                table=table,
                schema="public",
                select=["message_id"],
            )

    async def _measure(self) -> None:
        """Sends canaries. One that is not heard of ends the connection: silence looks like a quiet day."""
        while True:
            try:
                canary = await self._canary()
            except StoreError:
                # Nothing can be said; the poll meets the same trouble.
                self._lag = None
            else:
                self.canaries += 1
                await self._listen_for(canary, time.monotonic())
            await asyncio.sleep(CANARY_SECONDS)

    async def _listen_for(self, canary: str, since: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CANARY_DEADLINE):
                while canary not in self._heard:
                    self._hearing.clear()
                    await self._hearing.wait()
        heard = self._heard.get(canary)
        if heard is None:
            self.lost += 1
            log.warning("doorbell.silent", seconds=CANARY_DEADLINE)
            self._lag = None
            self._broken.set()
            return
        self._lag = max(0.0, heard - since)
        if self._lag > SLOW_SECONDS:
            log.warning("doorbell.slow", seconds=round(self._lag, 3))

    def _on_insert(self, change: Any, ring: Callable[[], None]) -> None:
        ring()
        self.rings += 1
        # Exceptions in here end the listening for ever: whatever has another shape is no canary.
        record = change.get("data", {}).get("record", {}) if isinstance(change, dict) else {}
        message_id = record.get("message_id") if isinstance(record, dict) else None
        if isinstance(message_id, str):
            self._heard[message_id] = time.monotonic()
            if len(self._heard) > REMEMBERED:
                del self._heard[next(iter(self._heard))]
            self._hearing.set()

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


async def _connect(client: AsyncRealtimeClient) -> None:
    try:
        await client.connect()
    except Exception as error:
        # Whatever the libraries below raise; their words may have the address, and the key is in it.
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise Denied(str(status), "the key is not taken") from None
        raise Unavailable(str(status or type(error).__name__), "no connection to Realtime") from None
