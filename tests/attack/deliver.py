"""Webhooks as the provider delivers them: to any replica, again and again until there is a 200."""

from __future__ import annotations

import asyncio
import hashlib
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import aiohttp

from tests.flows.tenant import Tenant, token_of

# 360dialog hangs up after this.
PATIENCE = aiohttp.ClientTimeout(total=5)
CONNECTIONS = 48
ATTEMPTS = 500


def digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


@dataclass
class Delivery:
    """Posts bodies at a steady rate over many connections. `acknowledged` counts the 200s of each body."""

    tenant: Tenant
    urls: list[str]
    dice: random.Random
    per_second: int
    acknowledged: Counter[str] = field(default_factory=Counter)
    # What went wrong on the way, by what it was: each was followed by another attempt.
    setbacks: Counter[str] = field(default_factory=Counter)
    _next_at: float = field(default_factory=time.monotonic)

    async def run(self, bodies: Iterator[bytes], over: asyncio.Event) -> None:
        """Ends once it is over and every body that was begun has its 200."""
        headers = {"Authorization": f"Bearer {token_of(self.tenant.phone_number_id)}"}
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            aiohttp.ClientSession(connector=connector, timeout=PATIENCE, headers=headers) as http,
            asyncio.TaskGroup() as group,
        ):
            for _ in range(CONNECTIONS):
                group.create_task(self._carry(http, bodies, over))

    async def _carry(self, http: aiohttp.ClientSession, bodies: Iterator[bytes], over: asyncio.Event) -> None:
        while not over.is_set():
            await self._turn()
            await self._deliver(http, next(bodies))

    async def _deliver(self, http: aiohttp.ClientSession, raw: bytes) -> None:
        for _ in range(ATTEMPTS):
            if await self._taken(http, raw):
                self.acknowledged[digest(raw)] += 1
                return
            await asyncio.sleep(self.dice.uniform(0.05, 0.5))
        raise AssertionError(f"no receiver has taken a body in {ATTEMPTS} attempts")

    async def _turn(self) -> None:
        now = time.monotonic()
        self._next_at = max(self._next_at, now - 1) + 1 / self.per_second
        await asyncio.sleep(self._next_at - now)

    async def _taken(self, http: aiohttp.ClientSession, raw: bytes) -> bool:
        url = f"{self.dice.choice(self.urls)}/webhooks/360dialog/{self.tenant.phone_number_id}"
        try:
            async with http.post(url, data=raw) as answer:
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.setbacks[type(error).__name__] += 1
            return False
        if status != 200:
            assert status >= 500, f"a good body got {status}"
            self.setbacks[str(status)] += 1
        return status == 200
