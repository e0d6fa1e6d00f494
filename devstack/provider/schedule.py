"""Things to do later: one heap and one timer, however many thousand wait."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable

# When it is due, a tie-breaker, whose it is, and what to do.
Entry = tuple[float, int, str, Callable[[], None]]


class Schedule:
    """Runs each entry once it is due, in order of due time. `owner` lets a number's entries be called off."""

    def __init__(self) -> None:
        self._heap: list[Entry] = []
        self._order = itertools.count()
        self._timer: asyncio.Handle | None = None
        self._rings_at = 0.0

    def __len__(self) -> int:
        return len(self._heap)

    def after(self, seconds: float, owner: str, work: Callable[[], None]) -> None:
        due = asyncio.get_running_loop().time() + seconds
        heapq.heappush(self._heap, (due, next(self._order), owner, work))
        if self._timer is None or due < self._rings_at:
            self._wake_at(due)

    def call_off(self, owner: str | None = None) -> None:
        self._heap = [entry for entry in self._heap if owner not in (None, entry[2])]
        heapq.heapify(self._heap)

    def _wake_at(self, due: float) -> None:
        if self._timer:
            self._timer.cancel()
        self._rings_at = due
        self._timer = asyncio.get_running_loop().call_at(due, self._run_due)

    def _run_due(self) -> None:
        self._timer = None
        # uvloop's timers have a resolution of a millisecond and may ring a little early.
        now = asyncio.get_running_loop().time() + 0.001
        while self._heap and self._heap[0][0] <= now:
            heapq.heappop(self._heap)[3]()
        if self._heap:
            self._wake_at(self._heap[0][0])
