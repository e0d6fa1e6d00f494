"""The one loop: ring or poll, claim, run, record; drain. Every queue goes through it.

The drain contract: `stop` ends claiming at once; what is in flight may finish within the grace period; what is cut off
then tells its own outcome (released if its call had not begun, uncertain if it had), and that outcome is still written.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import structlog
from structlog.contextvars import bind_contextvars

from store.errors import Rejected, StoreError
from store.logs import Seldom, described
from worker.shares import CLAIM_LIMIT, Shares, asked, shares_of

log = structlog.get_logger()

Row = dict[str, Any]

# With the doorbell working the poll only finds what it missed; without it the poll is all there is.
POLL_SECONDS = 5.0
POLL_SECONDS_DEAF = 1.0
# Somebody is on the wire, so the next claim is near; what comes free by the clock meanwhile waits no longer than this.
POLL_SECONDS_BUSY = 1.0
# However near the next claim may be: time for others to record.
SHORTEST_SECONDS = 0.02
SWEEP_SECONDS = 5.0
# A third of the shortest lease, so that two heartbeats may fail.
BEAT_SECONDS = 30.0
RECORD_RETRY_SECONDS = 0.5
# How long a drain keeps trying to write outcomes, beyond the grace for the work itself.
WRITE_SECONDS = 5.0
# A turn is a claim, a question and a wait, each with an end of its own; one that takes longer takes for ever.
HUNG_SECONDS = 120.0


class Queue(Protocol):
    """One hot table: what the loop asks of it. Leases are rows with message_id and lease_token."""

    name: str
    slots: int

    async def claim(self, most: int, shares: Shares) -> list[Row]: ...

    async def run(self, job: Row) -> Row | None:
        """Does the work and says what became of it: a result to record, or None to release. Never raises."""
        ...

    async def record(self, results: Sequence[Row]) -> int: ...

    async def release(self, leases: Sequence[Row]) -> int: ...

    async def extend(self, leases: Sequence[Row]) -> int: ...

    async def due(self, shares: Shares) -> float | None:
        """In how many seconds a claim that found nothing may find something; None: not before somebody rings."""
        ...

    async def sweep(self) -> int: ...


def lease_of(job: Row) -> Row:
    """What shows that a claimed job is still held: its row and the token of the claim."""
    return {key: job[key] for key in ("message_id", "lease_token")}


class Healthy(Protocol):
    """The doorbell, as far as the loop cares."""

    @property
    def healthy(self) -> bool: ...


def _unwatched(_queue: str, _result: Row | None) -> None:
    return


class Loop:
    """Runs one queue until stopped. `finished` is told what became of each job, None: to be released."""

    def __init__(self, queue: Queue, finished: Callable[[str, Row | None], None] = _unwatched) -> None:
        self._queue = queue
        self._finished = finished
        self._jobs: dict[asyncio.Task[None], Row] = {}
        self._settled: list[tuple[Row, Row | None]] = []
        self._wake = asyncio.Event()
        self._settle = asyncio.Event()
        self._stopping = False
        self._drained = False
        self._tasks: list[asyncio.Task[None]] = []
        self._turned_at = time.monotonic()
        self.claimed_at = time.monotonic()
        """When there was last no obstacle to a claim, by time.monotonic()."""
        self.poll_seconds = 0.0
        """How long the last turn was to wait for a ring."""
        self._away = Seldom()
        self._claiming = True

    @property
    def name(self) -> str:
        """The queue's."""
        return self._queue.name

    @property
    def stopping(self) -> bool:
        """Whether it drains or has drained."""
        return self._stopping

    @property
    def slots(self) -> int:
        """How many jobs it may have at one time."""
        return self._queue.slots

    @property
    def jobs(self) -> int:
        """How many it has now."""
        return len(self._jobs)

    def problem(self, now: float) -> str | None:
        """Why it works no more, or None. Supabase being away is no such reason: it goes on asking."""
        if self._stopping:
            return None
        if any(task.done() for task in self._tasks):
            return f"{self.name}: a part of the loop has ended"
        return f"{self.name}: the loop hangs" if now - self._turned_at > HUNG_SECONDS else None

    def ring(self) -> None:
        """Something may be waiting."""
        self._wake.set()

    def stop(self) -> None:
        """No further claims. May be called twice."""
        if self._jobs and not self._stopping:
            log.info("queue.draining", queue=self._queue.name, jobs=len(self._jobs))
        self._stopping = True
        self._wake.set()

    async def run(self, doorbell: Healthy, grace_seconds: float) -> None:
        """Returns when stopped and drained; the doorbell only decides how often to poll."""
        writing = asyncio.create_task(self._write())
        sweeping = asyncio.create_task(self._sweep())
        beating = asyncio.create_task(self._beat())
        self._tasks = [writing, sweeping, beating]
        try:
            while not self._stopping:
                await self._turn(doorbell)
        finally:
            sweeping.cancel()
            await self._drain(grace_seconds)
            beating.cancel()
            self._drained = True
            self._settle.set()
            # What cannot be written by then is left to the sweep, which draws the same line: uncertain.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(writing, grace_seconds + WRITE_SECONDS)

    async def _turn(self, doorbell: Healthy) -> None:
        """One claim, then sleep until there is reason for another."""
        self._wake.clear()
        self._turned_at = time.monotonic()
        free = self._queue.slots - len(self._jobs)
        most, shares = asked(free), shares_of(self._jobs.values(), free)
        claimed: list[Row] = []
        if most:
            try:
                claimed = await self._queue.claim(most, shares)
            except StoreError as error:
                if times := self._away.count(error.code):
                    log.warning("claim.failed", queue=self._queue.name, code=error.code, times=times)
                self._claiming = False
                await asyncio.sleep(POLL_SECONDS_DEAF)
                return
            if not self._claiming:
                log.info("claim.restored", queue=self._queue.name)
            self._claiming = True
        self.claimed_at = time.monotonic()
        if self._stopping:  # Told to stop while it was asking: nothing of this has begun.
            for job in claimed:
                self._end(job, None)
            return
        for job in claimed:
            task = asyncio.create_task(self._do(job))
            self._jobs[task] = job
            task.add_done_callback(self._jobs.pop)
        if len(claimed) == most == CLAIM_LIMIT:
            return
        wait = POLL_SECONDS if doorbell.healthy else POLL_SECONDS_DEAF
        if claimed:
            # The last few slots are worth no claim of their own: others come free meanwhile.
            wait = min(wait, POLL_SECONDS_BUSY if len(claimed) < most else SHORTEST_SECONDS)
        elif most:
            wait = min(wait, await self._until_due(wait, shares))
        self.poll_seconds = wait
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), wait)

    async def _until_due(self, otherwise: float, shares: Shares) -> float:
        try:
            due = await self._queue.due(shares)
        except StoreError:
            return otherwise
        return otherwise if due is None else max(due, SHORTEST_SECONDS)

    async def _do(self, job: Row) -> None:
        # A task's context is its own: every line from here on says whose job it is about.
        ids = {key: job[key] for key in ("message_id", "connection_id") if job.get(key)}
        bind_contextvars(queue=self._queue.name, **ids)
        try:
            # Awaited first: `self._settled` named before it would be the list that _write has swapped out by then.
            result = await self._queue.run(job)
        except Exception as error:
            # It should not be. The lease runs out, and the sweep draws the line.
            log.error("job.failed", raised=described(error))  # noqa: TRY400 - that would tell its words too
            return
        self._end(job, result)

    def _end(self, job: Row, result: Row | None) -> None:
        self._finished(self._queue.name, result)
        self._settled.append((job, result))
        self._settle.set()

    async def _write(self) -> None:
        """Writes outcomes as sets: whatever has settled by the time the last write returned goes together."""
        while True:
            await self._settle.wait()
            self._settle.clear()
            while self._settled:
                settled, self._settled = self._settled, []
                await self._persist(settled)
                # A recorded head lets its followers go, and a slot is free.
                self._wake.set()
            # Not before: a claim that is under way when everything else has ended may still bring something.
            if self._drained:
                return

    async def _persist(self, settled: Sequence[tuple[Row, Row | None]]) -> None:
        leases = [lease_of(job) for job, _ in settled]
        results = [lease | result for lease, (_, result) in zip(leases, settled, strict=True) if result is not None]
        unbegun = [lease for lease, (_, result) in zip(leases, settled, strict=True) if result is None]
        await self._insist(self._queue.record, results)
        await self._insist(self._queue.release, unbegun)

    async def _insist(self, write: Callable[[Sequence[Row]], Awaitable[int]], rows: Sequence[Row]) -> None:
        """Writes rows however long it takes: the truth about a send exists only here until then.

        A repeat is harmless, since the token is gone once it has been recorded. What Supabase refuses for good harms
        only itself: its lease runs out, and the sweep draws the line.
        """
        while rows:
            try:
                await write(rows)
            except Rejected as error:
                for row in rows if len(rows) > 1 else ():
                    await self._insist(write, [row])
                first = rows[0]["message_id"]
                log.warning(
                    "record.rejected", queue=self._queue.name, code=error.code, results=len(rows), message_id=first
                )
            except StoreError as error:
                log.warning("record.failed", queue=self._queue.name, code=error.code, results=len(rows))
                await asyncio.sleep(RECORD_RETRY_SECONDS)
                continue
            return

    async def _beat(self) -> None:
        """Whoever works longer than a lease keeps it."""
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            leases = [lease_of(job) for job in self._jobs.values()]
            if leases:
                try:
                    await self._queue.extend(leases)
                except StoreError as error:
                    log.warning("heartbeat.failed", queue=self._queue.name, code=error.code)

    async def _sweep(self) -> None:
        while True:
            try:
                if rows := await self._queue.sweep():
                    log.info("sweep.done", queue=self._queue.name, rows=rows)
                    self._wake.set()
            except StoreError as error:
                log.warning("sweep.failed", queue=self._queue.name, code=error.code)
            await asyncio.sleep(SWEEP_SECONDS)

    async def _drain(self, grace_seconds: float) -> None:
        if not self._jobs:
            return
        _, late = await asyncio.wait(self._jobs, timeout=grace_seconds)
        if late:
            log.warning("queue.cut_off", queue=self._queue.name, jobs=len(late))
            for job in late:
                job.cancel()
            await asyncio.wait(late)
