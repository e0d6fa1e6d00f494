"""Webhook and worker under fire: killed at random moments, restarted at once."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import datetime

from tests.flows.programs import Program, Programs, free_port
from tests.flows.tenant import Tenant

# In life the leases of the dead run out after 30, 90 and 300 seconds, and an uncertain message holds its followers for
# 60; a test has no such time. What was leased before the last kill can be no longer held than this from then on.
WEBHOOK_LEASES = (
    "update webhook_events set lease_expires_at = now() where state = 'received'"
    " and lease_expires_at > now() and lease_expires_at <= %(killed)s + interval '30 seconds'"
    " and phone_number_id = %(number)s",
)
WORKER_LEASES = (
    "update outbox set lease_expires_at = now() where lease_token is not null"
    " and lease_expires_at <= %(killed)s + interval '90 seconds' and workspace_id = %(workspace)s",
    "update media_downloads set lease_expires_at = now() where lease_token is not null"
    " and lease_expires_at <= %(killed)s + interval '300 seconds' and workspace_id = %(workspace)s",
    "update outbox set uncertain_since = now() - interval '61 seconds'"
    " where uncertain_since > now() - interval '60 seconds' and workspace_id = %(workspace)s",
    "select private.set_heads(array(select distinct conversation_id from outbox where workspace_id = %(workspace)s))",
)


@dataclass
class Crew:
    """One webhook, one worker, and how often each was killed."""

    programs: Programs
    tenant: Tenant
    port: int = field(default_factory=free_port)
    running: dict[str, Program] = field(default_factory=dict)
    killed: dict[str, datetime] = field(default_factory=dict)
    kills: dict[str, int] = field(default_factory=lambda: {"webhook": 0, "worker": 0})

    async def start(self) -> None:
        for name in self.kills:
            await self._start(name)

    async def under_fire(self, dice: random.Random, over: asyncio.Event) -> None:
        """Kills and restarts, one and then the other, until it is over."""
        while not over.is_set():
            for name in dice.sample(tuple(self.kills), len(self.kills)):
                await asyncio.sleep(dice.uniform(0.2, 1.2))
                await self._replace(name)

    async def let_time_pass(self) -> None:
        """What the dead still hold runs out."""
        for name, statements in (("webhook", WEBHOOK_LEASES), ("worker", WORKER_LEASES)):
            if name in self.killed:
                for statement in statements:
                    await self.tenant.rows(statement, killed=self.killed[name])

    async def _replace(self, name: str) -> None:
        await self.running[name].kill()
        self.killed[name] = (await self.tenant.rows("select now() as now"))[0]["now"]
        self.kills[name] += 1
        await self._start(name)

    async def _start(self, name: str) -> None:
        if name == "webhook":
            self.running[name] = await self.programs.webhook(port=self.port)
        else:
            self.running[name] = await self.programs.start("worker")
