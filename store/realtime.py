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
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from realtime import AsyncRealtimeChannel, AsyncRealtimeClient, RealtimeSubscribeStates

from store.errors import Denied, Rejected, StoreError, Unavailable

log = structlog.get_logger()

# A socket opened with a project key is closed by the server after 24 hours.
MAX_AGE = 23 * 3600.0
JOIN_DEADLINE = LIVE_DEADLINE = 30.0
BACKOFF = (1.0, 30.0)
# A canary this often; one not heard of within the deadline is lost, one that took longer than SLOW rings too late to
# rely on. Realtime needs some milliseconds for a broadcast and 0.1 to 0.6 s for a change of a table.
CANARY_SECONDS = 10.0
CANARY_DEADLINE = 5.0
SLOW_SECONDS = 2.0
# A join is answered before Realtime reads the log, so the first canaries may be too early: another after this, and
# after twice as long each time.
FIRST_CANARY_AGAIN = 0.1
REMEMBERED = 1000
# Known to migrations, which ring it, and to nobody else: only who is above row level security may listen.
TOPIC = "wabase:worker"
PRIVATE: Any = {"config": {"private": True, "broadcast": {"ack": False, "self": False}}}


class Listening(ABC):
    """A subscription that is replaced whenever it does not ring.

    `canary` puts a row into the outbox and gives the `message_id` that is to be heard of.
    """

    def __init__(self, url: str, key: str, canary: Callable[[], Awaitable[str]]) -> None:
        self._url = f"{url.rstrip('/')}/realtime/v1"
        self._key = key
        self._canary = canary
        self._rung: dict[str, float] = {}
        self._news = asyncio.Event()
        self._lag: float | None = None
        self.canaries = self.lost = 0
        """Canaries sent, and times that none was heard for as long as one may take."""
        self._joined = asyncio.Event()
        self._broken = asyncio.Event()
        self._live = False

    @abstractmethod
    def _channel(self, client: AsyncRealtimeClient) -> AsyncRealtimeChannel:
        """A channel on which canaries come, among whatever else; `_hear` is to be told of them."""

    @abstractmethod
    def _on_live(self, live: bool) -> None:
        """It rings, after it was deaf. Or it does no longer."""

    @property
    def healthy(self) -> bool:
        """Whether it rings, and soon: shown by the last canary."""
        return self._lag is not None and self._lag <= SLOW_SECONDS

    @property
    def lag(self) -> float | None:
        """Seconds between the last canary's insert and its ring; None when it was not heard."""
        return self._lag

    async def run(self) -> None:
        """Keeps a subscription alive until cancelled."""
        delay = BACKOFF[0]
        while True:
            try:
                await self._listen()
            except Exception as error:
                # Anything: this library raises whatever happens below it, and a doorbell must outlive all of it.
                log.warning("doorbell.down", error=type(error).__name__)
                self._on_live(False)
                await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311 - jitter
                delay = min(delay * 2, BACKOFF[1])
            else:
                self._on_live(False)
                delay = BACKOFF[0]

    async def try_once(self) -> float | None:
        """Connects, subscribes, rings; the seconds until that was heard of, None when it was not.

        Raises StoreError: Denied the key is not taken, Rejected the subscription is refused, Unavailable nobody
        answers. How long it may take altogether is the caller's.
        """
        client = self._client()
        try:
            await _connect(client)
            try:
                await self._join(client)
            except ConnectionError as error:
                raise Rejected("subscription", "the channel was refused") from error
            await self._ring(CANARY_DEADLINE, FIRST_CANARY_AGAIN)
            return self._lag
        finally:
            with contextlib.suppress(Exception):
                await client.close()

    def _client(self) -> AsyncRealtimeClient:
        return AsyncRealtimeClient(self._url, self._key, auto_reconnect=False, max_retries=1)

    async def _listen(self) -> None:
        """Until it no longer rings, or has grown old. Raises whatever keeps it from ringing at all."""
        self._joined.clear()
        self._broken.clear()
        self._live = False
        client = self._client()
        try:
            async with asyncio.timeout(JOIN_DEADLINE):
                await client.connect()
                await self._join(client)
            async with asyncio.TaskGroup() as watching:
                canaries = watching.create_task(self._measure())
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._until_broken(client), MAX_AGE)
                canaries.cancel()
            if not self._live:
                raise ConnectionError("no canary was heard")
            if self._broken.is_set():
                log.info("doorbell.lost")
            else:
                log.info("doorbell.renewed")
        finally:
            self._lag = None
            with contextlib.suppress(Exception):
                await client.close()

    async def _join(self, client: AsyncRealtimeClient) -> None:
        """Raises ConnectionError where the channel is refused."""
        await self._channel(client).subscribe(self._on_state)
        joined, broken = (asyncio.ensure_future(event.wait()) for event in (self._joined, self._broken))
        try:
            await asyncio.wait((joined, broken), return_when=asyncio.FIRST_COMPLETED)
        finally:
            joined.cancel()
            broken.cancel()
        if self._broken.is_set():
            raise ConnectionError("the channel was refused")

    async def _measure(self) -> None:
        """Sends canaries. One that is not heard of ends the connection: silence looks like a quiet day."""
        while True:
            how = (CANARY_DEADLINE, None) if self._live else (LIVE_DEADLINE, FIRST_CANARY_AGAIN)
            try:
                heard = await self._ring(*how)
            except StoreError:
                # Nothing can be said; the poll meets the same trouble.
                self._lag = None
            else:
                if not heard:
                    self._broken.set()
                    return
                if not self._live:
                    self._live = True
                    log.info("doorbell.live")
                    self._on_live(True)
            await asyncio.sleep(CANARY_SECONDS)

    async def _ring(self, deadline: float, again: float | None = None) -> bool:
        """Whether a canary was heard so many seconds after the first: one, or more with pauses that begin at `again`.

        Raises StoreError where there can be no canary.
        """
        sent: dict[str, float] = {}
        lag: float | None = None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(None) as waiting:
                while lag is None:
                    sent[await self._canary()] = time.monotonic()
                    self.canaries += 1
                    if waiting.when() is None:
                        waiting.reschedule(asyncio.get_running_loop().time() + deadline)
                    with contextlib.suppress(TimeoutError):
                        lag = await asyncio.wait_for(self._first_of(sent), again)
                    again = again and again * 2
        self._lag = lag
        if lag is None:
            self.lost += 1
            log.warning("doorbell.silent", seconds=deadline)
        elif lag > SLOW_SECONDS:
            log.warning("doorbell.slow", seconds=round(lag, 3))
        return lag is not None

    async def _first_of(self, sent: Mapping[str, float]) -> float:
        """The seconds until one of these canaries was heard of, once one is."""
        while not (heard := self._rung.keys() & sent.keys()):
            self._news.clear()
            await self._news.wait()
        return min(max(0.0, self._rung[canary] - sent[canary]) for canary in heard)

    def _hear(self, message_id: object) -> None:
        """Of a row in the outbox, which may be a canary whose insert has not been answered yet."""
        if isinstance(message_id, str):
            self._rung[message_id] = time.monotonic()
            if len(self._rung) > REMEMBERED:
                del self._rung[next(iter(self._rung))]
            self._news.set()

    def _on_state(self, state: RealtimeSubscribeStates, _error: Exception | None) -> None:
        (self._joined if state is RealtimeSubscribeStates.SUBSCRIBED else self._broken).set()

    async def _until_broken(self, client: AsyncRealtimeClient) -> None:
        while not self._broken.is_set():
            listener = client._listen_task
            if listener is None or listener.done():
                self._broken.set()
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._broken.wait(), 1.0)


class Doorbell(Listening):
    """Calls a queue's `ring` when rows have entered it, and all of them whenever it was deaf before.

    `rings` by the queue's table, as migrations name it when they ring.
    """

    def __init__(
        self, url: str, key: str, rings: Mapping[str, Callable[[], None]], canary: Callable[[], Awaitable[str]]
    ) -> None:
        super().__init__(url, key, canary)
        self._rings = dict(rings)
        self.rings = 0
        """Rings heard."""

    def _channel(self, client: AsyncRealtimeClient) -> AsyncRealtimeChannel:
        channel = client.channel(TOPIC, PRIVATE)
        for queue in self._rings:
            channel.on_broadcast(queue, self._on_ring)
        return channel

    def _on_live(self, live: bool) -> None:
        if live:
            for ring in self._rings.values():
                ring()

    def _on_ring(self, told: Any) -> None:
        # Exceptions in here end the listening for ever: whatever has another shape is no canary.
        self._rings[told["event"]]()
        self.rings += 1
        payload = told.get("payload")
        if isinstance(payload, dict):
            self._hear(payload.get("message_id"))


async def _connect(client: AsyncRealtimeClient) -> None:
    try:
        await client.connect()
    except Exception as error:
        # Whatever the libraries below raise; their words may have the address, and the key is in it.
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status in (401, 403):
            raise Denied(str(status), "the key is not taken") from None
        raise Unavailable(str(status or type(error).__name__), "no connection to Realtime") from None
