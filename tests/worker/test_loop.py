"""The loop, over a queue that only waits: what it owes every job it has claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from worker.loop import Loop
from worker.outbound import MAX_BACKOFF_SECONDS, backoff

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


@pytest.mark.parametrize("attempts", [1, 20, 1_100, 2**31 - 1])
def test_a_message_may_have_been_tried_any_number_of_times(attempts: int) -> None:
    assert 0 < backoff(attempts) <= MAX_BACKOFF_SECONDS


class Late(Waiting):
    """Its second claim is answered only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.answer = asyncio.Event(), asyncio.Event()
        self.run_of: list[int] = []
        self.released: list[int] = []

    async def claim(self, free: int) -> list[Row]:
        if len(self.left) == 4:
            return await super().claim(1)
        self.asked.set()
        await self.answer.wait()
        return await super().claim(free)

    async def run(self, job: Row) -> Row | None:
        self.run_of.append(job["message_id"])
        await self.asked.wait()
        return {"outcome": "done"}

    async def release(self, leases: Sequence[Row]) -> int:
        self.released += [lease["message_id"] for lease in leases]
        return len(leases)


async def test_what_a_claim_brings_after_the_signal_is_given_back_unbegun() -> None:
    queue = Late()
    loop = Loop(queue)
    running = asyncio.create_task(loop.run(Deaf(), grace_seconds=1))
    async with asyncio.timeout(5):
        await queue.asked.wait()
        loop.stop()
        while not queue.recorded:  # noqa: ASYNC110 - nothing else is left to write, and the writer must stay for the claim
            await asyncio.sleep(0)
        queue.answer.set()
        await running
    assert (queue.run_of, queue.recorded, sorted(queue.released)) == ([0], [0], [1, 2, 3])
