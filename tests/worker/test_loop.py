"""The loop, over a queue that only waits: what it owes every job it has claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from worker.backoff import backoff
from worker.loop import Loop

Row = dict[str, Any]


class Deaf:
    healthy = False


class Waiting:
    """Four jobs, claimed together, that end at different times."""

    name = "waiting"
    slots = 4

    def __init__(self) -> None:
        self.left = [{"message_id": place, "lease_token": str(place)} for place in range(4)]
        self.recorded: list[int] = []
        self.all_recorded = asyncio.Event()

    async def claim(self, free: int) -> list[Row]:
        claimed, self.left = self.left[:free], self.left[free:]
        return claimed

    async def run(self, job: Row) -> Row | None:
        await asyncio.sleep(0.01 * job["message_id"])
        return {"outcome": "done"}

    async def record(self, results: Sequence[Row]) -> int:
        self.recorded += [result["message_id"] for result in results]
        if len(self.recorded) == 4:
            self.all_recorded.set()
        return len(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return len(leases)

    async def extend(self, leases: Sequence[Row]) -> int:
        return len(leases)

    async def due(self) -> float | None:
        return None

    async def sweep(self) -> int:
        return 0


async def test_jobs_that_end_at_different_times_are_all_recorded() -> None:
    queue = Waiting()
    loop = Loop(queue)
    running = asyncio.create_task(loop.run(Deaf(), grace_seconds=1))
    async with asyncio.timeout(5):
        await queue.all_recorded.wait()
    loop.stop()
    await running
    assert sorted(queue.recorded) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("tries", "longest"),
    [(1, 2.0), (2, 4.0), (3, 8.0), (9, 512.0), *((tries, 900.0) for tries in (10, 1_100, 2**31 - 1))],
)
def test_waits_double_up_to_the_longest_however_often_it_was_tried(tries: int, longest: float) -> None:
    waits = {backoff(tries, 2.0, 900.0) for _ in range(100)}
    assert all(longest / 2 < wait <= longest for wait in waits)
    assert len(waits) > 1
