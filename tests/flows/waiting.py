"""Waiting for what another process does: by condition, with a deadline, and with the last thing seen on failure."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")
PAUSE = 0.03


async def until(look: Callable[[], Awaitable[T]], wanted: Callable[[T], object] = bool, within: float = 20) -> T:
    """What `look` gives once it is wanted."""
    deadline = time.monotonic() + within
    while True:
        seen = await look()
        if wanted(seen):
            return seen
        assert time.monotonic() < deadline, f"not within {within} s; last seen: {seen!r}"
        await asyncio.sleep(PAUSE)
