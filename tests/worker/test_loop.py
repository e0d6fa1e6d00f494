"""The loop, over a queue that only waits: what it owes every job it has claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from worker import loop as loop_module
from worker.backoff import backoff
from worker.loop import Loop
from worker.shares import CLAIM_LIMIT, Shares

Row = dict[str, Any]


class Deaf:
    healthy = False


class Waiting:
    """Jobs that end at different times; as many slots as jobs."""

    name = "waiting"

    def __init__(self, jobs: int = 4) -> None:
        self.slots = jobs
        self.left = [{"message_id": place, "lease_token": str(place)} for place in range(jobs)]
        self.asked: list[int] = []
        self.recorded: list[int] = []
        self.all_recorded = asyncio.Event()

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        self.asked.append(most)
        claimed, self.left = self.left[:most], self.left[most:]
        return claimed

    async def run(self, job: Row) -> Row | None:
        await asyncio.sleep(0.01 * (job["message_id"] % 4))
        return {"outcome": "done"}

    async def record(self, results: Sequence[Row]) -> int:
        self.recorded += [result["message_id"] for result in results]
        if len(self.recorded) == self.slots:
            self.all_recorded.set()
        return len(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return len(leases)

    async def extend(self, leases: Sequence[Row]) -> int:
        return len(leases)

    async def due(self, shares: Shares) -> float | None:
        return None

    async def sweep(self) -> int:
        return 0


class Together(Waiting):
    """Jobs none of which ends before all have begun."""

    def __init__(self, jobs: int = 4) -> None:
        super().__init__(jobs)
        self._begun = asyncio.Barrier(jobs)

    async def run(self, job: Row) -> Row | None:
        await self._begun.wait()
        return {"outcome": "done"}


async def test_jobs_that_end_at_different_times_are_all_recorded() -> None:
    queue = Waiting(4)
    await _run(queue)
    assert sorted(queue.recorded) == [0, 1, 2, 3]


async def test_many_slots_are_filled_by_several_claims_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    # Nobody rings, and the next poll is further away than the test waits.
    monkeypatch.setattr(loop_module, "POLL_SECONDS_DEAF", 60.0)
    monkeypatch.setattr(loop_module, "POLL_SECONDS_BUSY", 60.0)
    queue = Together(3 * CLAIM_LIMIT + 10)
    await _run(queue)
    # What one number may have of what is free, as far as a claim goes, down to the last one.
    assert queue.asked[:7] == [CLAIM_LIMIT, CLAIM_LIMIT, 55, 14, 3, 1, 1]
    assert sorted(queue.recorded) == list(range(queue.slots))


async def _run(queue: Waiting) -> None:
    loop = Loop(queue)
    running = asyncio.create_task(loop.run(Deaf(), grace_seconds=1))
    async with asyncio.timeout(5):
        await queue.all_recorded.wait()
    loop.stop()
    await running


@pytest.mark.parametrize(
    ("tries", "longest"),
    [(1, 2.0), (2, 4.0), (3, 8.0), (9, 512.0), *((tries, 900.0) for tries in (10, 1_100, 2**31 - 1))],
)
def test_waits_double_up_to_the_longest_however_often_it_was_tried(tries: int, longest: float) -> None:
    waits = {backoff(tries, 2.0, 900.0) for _ in range(100)}
    assert all(longest / 2 < wait <= longest for wait in waits)
    assert len(waits) > 1


class Late(Waiting):
    """Its second claim is answered only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.begun, self.answer = asyncio.Event(), asyncio.Event()
        self.run_of: list[int] = []
        self.released: list[int] = []

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        if len(self.left) == 4:
            return await super().claim(1, shares)
        self.begun.set()
        await self.answer.wait()
        return await super().claim(4, shares)

    async def run(self, job: Row) -> Row | None:
        self.run_of.append(job["message_id"])
        await self.begun.wait()
        return {"outcome": "done"}

    async def release(self, leases: Sequence[Row]) -> int:
        self.released += [lease["message_id"] for lease in leases]
        return len(leases)


async def test_what_a_claim_brings_after_the_signal_is_given_back_unbegun() -> None:
    queue = Late()
    loop = Loop(queue)
    running = asyncio.create_task(loop.run(Deaf(), grace_seconds=1))
    async with asyncio.timeout(5):
        await queue.begun.wait()
        loop.stop()
        while not queue.recorded:  # noqa: ASYNC110 - nothing else is left to write, and the writer must stay for the claim
            await asyncio.sleep(0)
        queue.answer.set()
        await running
    assert (queue.run_of, queue.recorded, sorted(queue.released)) == ([0], [0], [1, 2, 3])
