"""Whether a process can work now, as far as Supabase is concerned: asked by /readyz, told in the log as it changes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from store.errors import StoreError

log = structlog.get_logger()

# Probes give up after five or more.
READY_SECONDS = 4.0


class Readiness:
    """`check` asks Supabase and raises StoreError."""

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check
        self._was_ready = True

    async def problem(self) -> str | None:
        """Why Supabase cannot be worked with, or None."""
        try:
            async with asyncio.timeout(READY_SECONDS):
                await self._check()
        except (StoreError, TimeoutError) as error:
            code = getattr(error, "code", "timeout")
            if self._was_ready:
                log.warning("readiness.lost", code=code)
            self._was_ready = False
            return f"Supabase: {code}"
        if not self._was_ready:
            log.info("readiness.restored")
        self._was_ready = True
        return None
