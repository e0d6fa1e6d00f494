"""Receivers and the Postgres behind them, killed at random moments and back at once."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from tests.attack.postgres import Postgres
from tests.flows.programs import Program, Programs, free_port
from tests.flows.tenant import Tenant
from tests.flows.waiting import until

# In life the leases of the dead run out after 15 and 30 seconds; a test has no such time. What was leased before the
# last kill can be no longer held than this from then on.
LEASES = (
    "update webhook_events set lease_expires_at = now() where state = 'received' and phone_number_id = %(number)s"
    " and lease_expires_at > now() and lease_expires_at <= %(killed)s + interval '30 seconds'"
)
# So many bodies are taken between two kills of Postgres.
BETWEEN = 100


@dataclass
class Siege:
    """So many replicas over one Postgres. `kills` says how often each was killed."""

    programs: Programs
    tenant: Tenant
    database: Postgres
    dice: random.Random
    ports: list[int] = field(default_factory=lambda: [free_port() for _ in range(3)])
    kills: Counter[str] = field(default_factory=Counter)
    last: datetime | None = None
    _replicas: dict[int, Program] = field(default_factory=dict)

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    @property
    def said(self) -> str:
        """What all receivers, dead and alive, have said."""
        return "".join(program.said for program in self.programs.started)

    async def start(self) -> None:
        await asyncio.gather(*(self._start(port) for port in self.ports))

    async def until_killed(self, receivers: int, postgres: int, acknowledged: Counter[str]) -> None:
        """Two lines of fire at once, so that now and then both are down; all are back at the end."""
        await asyncio.gather(self._kill_receivers(receivers), self._kill_postgres(postgres, acknowledged))
        self.last = await self.database.now()

    async def let_time_pass(self) -> None:
        """What the dead still hold runs out."""
        await self.tenant.rows(LEASES, killed=self.last)

    async def _kill_receivers(self, times: int) -> None:
        for _ in range(times):
            await asyncio.sleep(self.dice.uniform(0, 0.8))
            port = self.dice.choice(self.ports)
            await self._replicas[port].kill()
            self.kills["webhook"] += 1
            await self._start(port)

    async def _kill_postgres(self, times: int, acknowledged: Counter[str]) -> None:
        """Each kill finds bodies on their way: some have been taken since the last one."""
        for _ in range(times):
            await until(partial(reached, acknowledged, acknowledged.total() + BETWEEN), within=30)
            await asyncio.sleep(self.dice.uniform(0, 1))
            await self.database.kill()
            self.kills["postgres"] += 1

    async def _start(self, port: int) -> None:
        # Alive is enough: Postgres may be away at this moment.
        self._replicas[port] = await self.programs.webhook("/livez", port=port)


async def reached(acknowledged: Counter[str], goal: int) -> bool:
    return acknowledged.total() >= goal
