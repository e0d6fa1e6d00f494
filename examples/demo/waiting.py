"""Waiting by condition: Realtime rings, the row is read, and a slow poll finds what a lost event would have told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.25


class NotSeen(Exception):
    """Something that the story promised did not happen. Says what."""


def expect(holds: bool, otherwise: str) -> None:
    """Raises NotSeen unless it holds."""
    if not holds:
        raise NotSeen(otherwise)


class Doorbell:
    """Events carry no data that matters here: one says that there is something to look at, no more."""

    def __init__(self) -> None:
        self.rings = 0
        self._rung = asyncio.Event()

    def ring(self, _change: object) -> None:
        """Realtime's callback. It must never raise: the client would go deaf without a word."""
        self.rings += 1
        self._rung.set()

    async def look_again(self) -> None:
        """Returns when it rings, or after a while anyway."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._rung.wait(), POLL_SECONDS)
        # Cleared before the next look, so that what happens during it rings again.
        self._rung.clear()


class Patience:
    """How long each single thing may take."""

    def __init__(self, doorbell: Doorbell, deadline: float) -> None:
        self._doorbell = doorbell
        self._deadline = deadline

    async def until(self, what: str, look: Callable[[], Awaitable[T | None]]) -> T:
        """What `look` finds, as soon as it finds something. Raises NotSeen after the deadline."""
        try:
            async with asyncio.timeout(self._deadline):
                while (found := await look()) is None:
                    await self._doorbell.look_again()
                return found
        except TimeoutError:
            raise NotSeen(f"{what} did not come within {self._deadline:g} s") from None
