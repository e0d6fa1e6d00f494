"""From journal to rows: normalises what was committed and records it in sets; sweeps what a crash left behind."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from store.errors import Broken, Denied, Rejected, StoreError, Unavailable
from store.logs import Seldom, described
from store.rpc import Rpc
from whatsapp.envelope import Change, Endpoint, JsonObject, decode
from whatsapp.normalise import Normalised, normalise, together

log = structlog.get_logger()

# The more in one call, the less each costs: a receiver that has fallen behind catches up by that.
MAX_EVENTS = 1_000
# Of what a crash has left, whose bodies come with it.
MAX_SWEPT = 500
# A call costs as much as some dozen events in it. Where so many came together, more are coming: they are waited for.
BUSY, GATHER_SECONDS = 32, 0.1
# So many are normalised in one turn of the loop, about a millisecond, while recording keeps up: acknowledgements wait
# for no more than that. When it does not they wait longer, and rows do not fall further behind.
SLICE = 32
# What waits beyond this is left to the sweep: it is in the journal, and memory is not.
MAX_WAITING = 20_000
MAX_READ = 1_000
MAX_WAITING_BYTES = 64 * 1024 * 1024
MAX_ATTEMPTS = 5
SWEEP_SECONDS = 5.0
# While Supabase is away, events are tried again from memory; then they are the sweep's. The journal gives the receiver
# 15 s (receive_inbound).
INSIST_SECONDS = 10.0
RETRY_SECONDS = 0.25
STATEMENT_TIMEOUT, LOCK_TIMEOUT = "57014", "55P03"
# Postgres answers, and somebody holds what one of the events needs, or one takes too long: the others are recorded
# without it. For so long it is looked for among the events of its number; what is left then is the sweep's.
SLOW = frozenset({STATEMENT_TIMEOUT, LOCK_TIMEOUT})
DIVIDE_SECONDS = 30.0
# Longer than any call with its repeats: a loop that has not come round by then never will.
HUNG_SECONDS = 120.0
# Old events go in small deletes, this many a round.
PURGE_EVENTS, PURGES = 1000, 20


# A body that has been read: the JSON, and its changes.
Read = tuple[JsonObject, Sequence[Change]]


@dataclass(slots=True)
class Event:
    """A committed body. `attempts` counts claims by a sweep; 0 straight after the receipt."""

    id: int
    endpoint: Endpoint
    raw: bytes
    read: Read | None = None
    attempts: int = 0


def _uncounted(_outcome: str, _events: int) -> None:
    return


class Recorder:
    """Applies events. Whatever it does not manage stays in the journal and is swept by any replica.

    `counted` is told what became of how many.
    """

    def __init__(
        self,
        rpc: Rpc,
        default_workspace_id: UUID | None,
        keep_days: int,
        counted: Callable[[str, int], None] = _uncounted,
    ) -> None:
        self._rpc = rpc
        self._counted = counted
        self._default_workspace_id = str(default_workspace_id) if default_workspace_id else None
        self._keep_days = keep_days
        self._waiting: deque[Event] = deque()
        self._bytes = 0
        self._arrived = asyncio.Event()
        self._stopping = False
        self._applied_at = self._swept_at = time.monotonic()
        self._idle = True
        self._overflowed = Seldom()

    @property
    def waiting(self) -> int:
        """Committed events that wait in memory."""
        return len(self._waiting)

    def problem(self, now: float) -> str | None:
        """Why events become rows no more, or None. Supabase being away is no such reason: they wait then."""
        if not self._idle and now - self._applied_at > HUNG_SECONDS:
            return "recording hangs"
        if not self._stopping and now - max(self._swept_at, self._applied_at) > HUNG_SECONDS:
            return "the sweep hangs"
        return None

    def add(self, event: Event) -> None:
        """Queues a committed event."""
        if len(self._waiting) < MAX_WAITING and self._bytes + len(event.raw) <= MAX_WAITING_BYTES:
            if len(self._waiting) >= MAX_READ:
                # Read again when its turn comes: as text it is a tenth of the size.
                event.read = None
            self._waiting.append(event)
            self._bytes += len(event.raw)
            self._arrived.set()
        elif events := self._overflowed.count("events"):
            log.warning("inbound.overflowed", events=events, waiting=len(self._waiting))

    def stop(self) -> None:
        """Lets `run` return once nothing waits any more."""
        self._stopping = True
        self._arrived.set()

    async def run(self) -> None:
        """Records what arrives, everything that waits in one call; while that is on its way the next is normalised."""
        on_its_way: asyncio.Task[bool] | None = None
        try:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                while self._waiting:
                    self._idle = False
                    events = self._next()
                    results = await self._ahead(events)
                    if on_its_way:
                        await on_its_way
                    on_its_way = asyncio.create_task(self._apply(events, results))
                    # It sends before anything else is done.
                    await asyncio.sleep(0)
                    if len(events) >= BUSY and len(self._waiting) < MAX_EVENTS and not self._stopping:
                        await asyncio.sleep(GATHER_SECONDS)
                    if not self._waiting:
                        await on_its_way
                        on_its_way = None
                self._idle = True
                if self._stopping:
                    return
        finally:
            if on_its_way:
                on_its_way.cancel()

    def _next(self) -> list[Event]:
        events = [self._waiting.popleft() for _ in range(min(MAX_EVENTS, len(self._waiting)))]
        self._bytes -= sum(len(event.raw) for event in events)
        return events

    async def _ahead(self, events: Sequence[Event]) -> list[Normalised] | None:
        """None: one of them cannot be read, and which is found when they are applied."""
        try:
            return await self._normalised(events)
        except Exception:
            return None

    async def sweep(self) -> None:
        """Takes over events nobody finished, and clears away old ones, for ever."""
        while True:
            self._swept_at = time.monotonic()
            try:
                if ended := await self._rpc.sweep_inbound(MAX_ATTEMPTS):
                    log.error("inbound.given_up", events=ended)
                while rows := await self._rpc.claim_inbound(MAX_SWEPT):
                    log.info("inbound.swept", events=len(rows))
                    self._counted("swept", len(rows))
                    if not await self._apply([_event(row) for row in rows]):
                        break
                await self._purge()
            except StoreError as error:
                log.warning("inbound.sweep_failed", code=error.code)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _purge(self) -> None:
        for _ in range(PURGES):
            self._swept_at = time.monotonic()
            if await self._rpc.sweep_journal(self._keep_days, PURGE_EVENTS) < PURGE_EVENTS:
                return

    async def _apply(
        self, events: Sequence[Event], results: list[Normalised] | None = None, divide_until: float | None = None
    ) -> bool:
        """Records events whatever it takes. False: Supabase is away or waits, and some are left to the next sweep."""
        began = time.monotonic()
        divide_until = divide_until or began + DIVIDE_SECONDS
        while True:
            self._applied_at = time.monotonic()
            try:
                await self._record(results or await self._normalised(events))
            except Broken as error:
                # Over one of them, perhaps: then it stops no other, and has its attempts.
                return await self._divide(events, error)
            except (Unavailable, Denied) as error:
                if error.code in SLOW:
                    if parts := _parted(events, time.monotonic() < divide_until and not self._stopping):
                        return all([await self._apply(part, divide_until=divide_until) for part in parts])
                # It may have happened all the same; doing it again changes nothing.
                elif time.monotonic() < began + INSIST_SECONDS and not self._stopping:
                    await asyncio.sleep(RETRY_SECONDS)
                    continue
                log.warning("inbound.left_to_sweep", code=error.code, events=len(events), first_event_id=events[0].id)
                self._counted("left_to_sweep", len(events))
                await self._give_back(events, error)
                return False
            except Exception as error:
                # Refused by Postgres, or stumbled over here, which should not be: one bad body stops no other.
                return await self._divide(events, error)
            self._counted("recorded", len(events))
            log.debug("inbound.recorded", events=len(events), first_event_id=events[0].id)
            return True

    async def _give_back(self, events: Sequence[Event], error: StoreError) -> None:
        """An outage is no fault of the events that met it: it counts no attempt. A statement too slow may be."""
        swept = [event.id for event in events if event.attempts]
        if swept and error.code != STATEMENT_TIMEOUT:
            with contextlib.suppress(StoreError):
                await self._rpc.release_inbound(swept)

    async def _divide(self, events: Sequence[Event], error: Exception) -> bool:
        """One of them is poison: in halves, until it is alone and can only harm itself."""
        if len(events) == 1:
            await self._set_aside(events[0], error)
            return True
        middle = len(events) // 2
        first = await self._apply(events[:middle])
        return await self._apply(events[middle:]) and first

    async def _normalised(self, events: Sequence[Event]) -> list[Normalised]:
        results: list[Normalised] = []
        for event in events:
            results.append(_normalised(event))
            if len(results) % SLICE == 0 and len(self._waiting) < MAX_EVENTS:
                await asyncio.sleep(0)
        return results

    async def _record(self, results: Sequence[Normalised]) -> None:
        await self._rpc.record_inbound(
            together(results),
            [row for result in results for row in result.messages],
            [row for result in results for row in result.statuses],
            self._default_workspace_id,
            [row for result in results for row in result.facts],
        )

    async def _set_aside(self, event: Event, error: Exception) -> None:
        # Of a stumble the type alone: its message may hold what somebody wrote.
        name = type(error).__name__
        reason, code = f"{name} while reading", name
        if isinstance(error, Broken | Rejected):
            reason, code = str(error), error.code
        place = described(error)
        log.error("inbound.rejected", event_id=event.id, code=code, attempts=event.attempts, raised=place)
        self._counted("rejected", 1)
        if event.attempts >= MAX_ATTEMPTS:
            try:
                await self._rpc.record_inbound([{"id": event.id, "numbers": [], "problem": reason}], [], [])
            except StoreError as later:
                log.warning("inbound.left_to_sweep", code=later.code, events=1, first_event_id=event.id)
            else:
                log.error("inbound.set_aside", event_id=event.id, code=code)


def _parted(events: Sequence[Event], further: bool) -> list[Sequence[Event]]:
    """The events of each number; of a single one halves, if there is time to look `further`. Empty: parted no more."""
    of_numbers: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        of_numbers["/".join(sorted(number["phone_number_id"] for number in _normalised(event).numbers))].append(event)
    if len(of_numbers) > 1:
        return [*of_numbers.values()]
    middle = len(events) // 2
    return [events[:middle], events[middle:]] if further and middle else []


def _normalised(event: Event) -> Normalised:
    body, found = event.read or (decode(event.raw), None)
    return normalise(event.id, event.endpoint, body, found)


def _event(row: dict[str, object]) -> Event:
    endpoint = Endpoint(
        str(row["provider"]), *(str(row[key]) if row[key] else None for key in ("phone_number_id", "waba_id"))
    )
    return Event(int(str(row["id"])), endpoint, str(row["body"]).encode(), attempts=int(str(row["attempts"])))
