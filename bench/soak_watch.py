"""What a process holds on to, out of /proc, and what it says of its queues, out of its own /metrics."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import fmean

from prometheus_client.parser import text_string_to_metric_families

from bench.processes import PROC, memory
from bench.receivers import Receiver

# The queues', which every process tells of; and the doorbell's, which a worker does.
QUEUES = (
    *("wabase_journal_lag_seconds", "wabase_outbox_oldest_seconds", "wabase_media_oldest_seconds"),
    *("wabase_uncertain_messages", "wabase_journal_set_aside_events", "wabase_removals"),
)
DOORBELL = ("wabase_doorbell_lag_seconds", "wabase_doorbell_lost_total", "wabase_doorbell_healthy")
HELD = ("memory MB", "file descriptors", "threads")


@dataclass
class Seen:
    """Of one process, every few seconds: what it holds, and its metrics by name; one with labels is their largest."""

    name: str
    process: Receiver
    held: dict[str, list[float]] = field(default_factory=lambda: {what: [] for what in HELD})
    metrics: dict[str, list[float]] = field(default_factory=dict)

    @property
    def descriptors(self) -> int:
        """How many it has open now."""
        return len(list((PROC / str(self.process.pid) / "fd").iterdir()))

    async def look(self) -> None:
        pid = self.process.pid
        self.held["memory MB"].append(memory(pid))
        self.held["file descriptors"].append(self.descriptors)
        self.held["threads"].append(len(list((PROC / str(pid) / "task").iterdir())))
        for name, value in told(await self.process.get("/metrics")).items():
            self.metrics.setdefault(name, []).append(value)

    def growth(self, what: str) -> float:
        """The last quarter's mean over the second's."""
        quarters = _quarters(self.held[what])
        return fmean(quarters[3]) / fmean(quarters[1])

    def by_quarter(self, what: str) -> list[float]:
        return [round(fmean(quarter), 1) for quarter in _quarters(self.held[what])]

    def most(self, metric: str) -> float:
        """NaN: a canary that was not heard; it is counted by another metric."""
        return max((value for value in self.metrics.get(metric, []) if not math.isnan(value)), default=0.0)


def _quarters(values: Sequence[float]) -> list[Sequence[float]]:
    """Four parts, none of them empty."""
    cuts = [round(len(values) * quarter / 4) for quarter in range(5)]
    return [values[first:last] or values[-1:] for first, last in pairwise(cuts)]


def told(exposition: bytes) -> dict[str, float]:
    """The watched samples of a scrape."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(exposition.decode()):
        for sample in family.samples:
            if sample.name in (*QUEUES, *DOORBELL):
                found[sample.name] = max(sample.value, found.get(sample.name, -math.inf))
    return found


@asynccontextmanager
async def watching(processes: Sequence[Seen], every: float) -> AsyncIterator[None]:
    """Looks until the end of the block. What goes wrong with it is raised there."""

    async def look() -> None:
        while True:
            began = time.monotonic()
            for process in processes:
                await process.look()
            await asyncio.sleep(max(0.0, began + every - time.monotonic()))

    task = asyncio.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if not task.cancelled() and (error := task.exception()):
        raise error


async def idle(processes: Sequence[Seen], within: float, begun: Mapping[str, int] | None = None) -> dict[str, int]:
    """Each one's descriptors when nothing is asked of it: no more than it had, or as they are when patience is over.

    Under steady traffic a pool of connections stays as large as its largest burst, since all of them are used in turn
    and none is ever idle for long enough to be closed. What is still open when that is over has been left behind.
    """
    deadline = time.monotonic() + within
    while True:
        now = {process.name: process.descriptors for process in processes}
        if time.monotonic() > deadline or (begun and all(now[name] <= begun[name] for name in now)):
            return now
        await asyncio.sleep(1.0)


async def lags(processes: Sequence[Seen], within: float) -> dict[str, float]:
    """The queues' figures once all of them are 0, or as they are when patience is over."""
    deadline = time.monotonic() + within
    while True:
        now: dict[str, float] = {}
        for process in processes:
            for name, value in told(await process.process.get("/metrics")).items():
                now[name] = max(value, now.get(name, 0.0)) if name in QUEUES else now.get(name, 0.0)
        left = {name: value for name, value in now.items() if value and name in QUEUES}
        if not left or time.monotonic() > deadline:
            return left
        await asyncio.sleep(1.0)
