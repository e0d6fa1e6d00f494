"""The journal seen from outside: how far rows are behind, and when all of them are there."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.populate import Database

# The first in the order of the index that the sweep uses: no lease is older than its event here. A minimum of all that
# waits reads thousands of entries four times a second, and it is the same two cores that are measured.
LAG = (
    "select coalesce(extract(epoch from clock_timestamp() - (select received_at from webhook_events"
    " where state = 'received' order by lease_expires_at, id limit 1)), 0)::float"
)
WAITING = "select exists (select from webhook_events where state = 'received')"
DRAIN_LIMIT = 300.0


class NotDrained(Exception):
    """Events still waited when patience was over."""


@dataclass
class Lag:
    """How old the oldest event without rows was, sampled; and what the sampling itself took."""

    seconds: list[float] = field(default_factory=list)
    cost: list[float] = field(default_factory=list)

    def percentile(self, share: float) -> float:
        ordered = sorted(self.seconds) or [0.0]
        return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]


@asynccontextmanager
async def lag_of(database: Database, every: float = 0.25) -> AsyncIterator[Lag]:
    """Samples until the end of the block. `database` is its own: it is busy."""
    lag = Lag()

    async def look() -> None:
        while True:
            began = time.monotonic()
            row = await (await database.execute(LAG)).fetchone()
            assert row is not None
            lag.seconds.append(float(row[0]))
            lag.cost.append(time.monotonic() - began)
            await asyncio.sleep(max(0.0, began + every - time.monotonic()))

    task = asyncio.create_task(look())
    try:
        yield lag
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if not task.cancelled() and (error := task.exception()):
            raise error


async def drained(database: Database, limit: float = DRAIN_LIMIT) -> float:
    """The moment on the monotonic clock at which nothing waits any more. Raises NotDrained."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        row = await (await database.execute(WAITING)).fetchone()
        if row is not None and not row[0]:
            return time.monotonic()
        await asyncio.sleep(0.02)
    raise NotDrained(f"events still waited after {limit:.0f} s")
