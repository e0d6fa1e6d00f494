"""What every part of a run works with: the project, a connection to look through, and whether time is short."""

from __future__ import annotations

import os
import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import psycopg

from bench.load import Load
from bench.populate import Database, Tenant, emptied, fill
from bench.processes import Parts
from bench.project import Project
from bench.receivers import Receiver
from bench.webhooks import Webhooks

PEOPLE = 20_000
NEWCOMER_EVERY = 100


@dataclass(frozen=True)
class Stand:
    """Parts leave nothing to each other: each begins with emptied tables and a receiver of its own."""

    project: Project
    database: Database
    quick: bool
    full: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)  # of what is started for it

    async def shop(self, messages_each: int, people: int = PEOPLE) -> Tenant:
        """A business whose customers have written before, and were sent so many messages each."""
        tenant = await emptied(self.database)
        await fill(self.database, tenant, first=0, people=people, each=messages_each)
        return tenant

    def webhooks(self, tenant: Tenant, sent_count: int, turn: str = "mix", people: int = PEOPLE) -> Webhooks:
        """Webhooks about the people and messages of `shop`."""
        return Webhooks(
            turn=turn,
            number=tenant.number,
            waba=tenant.waba,
            run=secrets.token_hex(3).upper(),
            people=people,
            newcomer_every=NEWCOMER_EVERY,
            sent_count=sent_count,
            recipients=people,
        )

    def load(self, receiver: Receiver, webhooks: Webhooks, **how: int) -> Load:
        return Load(
            port=receiver.port,
            path=f"/webhooks/360dialog/{webhooks.number}",
            token=self.project.token(webhooks.number),
            webhooks=webhooks,
            **{"seconds": 600, **how},
        )

    def parts(self, receiver: Receiver) -> Parts:
        return Parts({"receiver": [receiver.pid]}, self.project.postgres_pid, self.project.devstack_pid)

    def spending_of(self, **measured: Sequence[int]) -> Parts:
        """Of other processes than a receiver."""
        return Parts(measured, self.project.postgres_pid, self.project.devstack_pid)

    @asynccontextmanager
    async def observer(self) -> AsyncIterator[Database]:
        """Another connection, for what looks while the first is busy."""
        async with connected(self.project) as database:
            yield database


@asynccontextmanager
async def connected(project: Project) -> AsyncIterator[Database]:
    database = await psycopg.AsyncConnection.connect(project.db_url, autocommit=True)
    try:
        yield database
    finally:
        await database.close()
