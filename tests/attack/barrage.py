"""Workers, the Postgres behind them and the provider's line, all of them killed at random while messages go out."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import psycopg

from tests.attack.postgres import Postgres
from tests.flows.programs import Program, Programs
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, phones
from tests.flows.waiting import until

# What befalls a call that sends, and how often.
FAULTS: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.010, {"cut": "before"}),
    (0.015, {"cut": "after"}),
    (0.010, {"delay_ms": 300, "cut": "after"}),
    (0.010, {"http": 502, "body": "<html>Bad Gateway</html>"}),
    (0.010, {"hang": 2}),
    (0.020, {"delay_ms": 1500}),
    (0.010, {"error": 131000}),
    (0.004, {"error": 130429}),
    (0.004, {"error": 131056}),
)
# In life a dead worker's lease runs out after 90 seconds and an uncertain message holds its followers for 60; a test
# has no such time. Nobody here is on the wire for half as long as this, however the line behaves.
DEAD = (
    "update outbox set lease_expires_at = now() where message_id in (select message_id from outbox"
    " where lease_token is not null and leased_at < now() - interval '8 seconds' and workspace_id = %(workspace)s"
    " order by message_id for update skip locked)",
    "update outbox set uncertain_since = now() - interval '61 seconds' where message_id in"
    " (select message_id from outbox where uncertain_since between now() - interval '60 seconds'"
    " and now() - interval '2 seconds' and workspace_id = %(workspace)s order by message_id for update skip locked)",
    "select private.set_heads(array(select distinct conversation_id from outbox where workspace_id = %(workspace)s))",
    "update webhook_events set lease_expires_at = now() where id in (select id from webhook_events"
    " where state = 'received' and phone_number_id = %(number)s and lease_expires_at < now() + interval '7 seconds'"
    " order by id for update skip locked)",
)
QUEUE = (
    "insert into messages (workspace_id, conversation_id, type, content, client_reference)"
    " select %(workspace)s, thread, 'text', jsonb_build_object('body', place::text), thread || ' ' || place"
    " from unnest(%(threads)s::uuid[], %(places)s::integer[]) with ordinality as told (thread, place, number)"
    " order by number on conflict (workspace_id, client_reference) do nothing"
)
THREADS = (
    "insert into conversations (workspace_id, connection_id, phone)"
    " select %(workspace)s, %(connection)s, phone from unnest(%(phones)s::text[]) as phone returning id"
)
OPENED = (
    "insert into messages (workspace_id, conversation_id, direction, type, content, wamid)"
    " select %(workspace)s, thread, 'inbound', 'text', '{\"body\": \"hi\"}', 'wamid.in.' || thread"
    " from unnest(%(threads)s::uuid[]) as thread"
)


async def threads_of(tenant: Tenant, count: int) -> list[str]:
    """So many people who have just written."""
    threads = [str(row["id"]) for row in await tenant.rows(THREADS, phones=phones(count))]
    await tenant.rows(OPENED, threads=threads)
    return threads


@dataclass(frozen=True)
class Line:
    """A number with the rate that WhatsApp holds it to, and what its customers are to be told, in this order."""

    shop: Shop
    rate: int
    told: list[tuple[str, int]]

    @classmethod
    async def new(cls, shop: Shop, rate: int, messages: int, dice: random.Random) -> Line:
        """The first customer gets more than a burst's worth, the others their share."""
        await shop.business.control("numbers", messages_per_second=rate)
        await shop.tenant.rows(
            "update whatsapp_connections set messages_per_second = %(rate)s where id = %(connection)s", rate=rate
        )
        threads = await threads_of(shop.tenant, max(4, messages // 30))
        spoken = [threads[0]] * min(48, messages // 2)
        spoken += dice.choices(threads[1:], k=messages - len(spoken))
        dice.shuffle(spoken)
        count: Counter[str] = Counter()
        told = []
        for thread in spoken:
            told.append((thread, count[thread]))
            count[thread] += 1
        return cls(shop, rate, told)

    async def misbehave(self, dice: random.Random) -> None:
        for probability, action in FAULTS:
            await self.shop.business.fault("messages", action, probability=probability, seed=dice.randrange(10**6))

    async def queue(self, dice: random.Random) -> None:
        """One batch after the other, each until Postgres has taken it."""
        left = self.told
        while left:
            size = dice.randint(1, 40)
            await insisting(self.shop.tenant, QUEUE, *zip(*left[:size], strict=True))
            left = left[size:]
            await asyncio.sleep(dice.uniform(0, 0.2))


async def insisting(tenant: Tenant, query: str, threads: Sequence[str], places: Sequence[int]) -> None:
    """A repeat after a lost answer is harmless: client_reference is unique."""

    async def taken() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            await tenant.rows(query, threads=list(threads), places=list(places))
            return True
        return False

    await until(taken, within=30)


@dataclass
class Barrage:
    """Two workers and a receiver over one Postgres. `kills` says how often who was killed."""

    programs: Programs
    database: Postgres
    lines: list[Line]
    dice: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    _workers: list[Program] = field(default_factory=list)

    @property
    def said(self) -> str:
        """What all programs, dead and alive, have said."""
        return "".join(program.said for program in self.programs.started)

    async def start(self) -> None:
        self._workers = [await self.programs.worker() for _ in range(2)]

    async def until_killed(self, workers: int, postgres: int) -> None:
        """Two lines of fire at once, spread over all messages: each kill finds some that are on their way."""
        await asyncio.gather(self._fire("worker", workers), self._fire("postgres", postgres))

    async def age(self, over: asyncio.Event) -> None:
        """Time passes more quickly for what the dead have left behind."""
        while not over.is_set():
            await self.let_time_pass()
            await asyncio.sleep(0.5)

    async def let_time_pass(self) -> None:
        for line in self.lines:
            for statement in DEAD:
                with contextlib.suppress(psycopg.OperationalError):
                    await line.shop.tenant.rows(statement)

    async def accepted(self) -> int:
        return sum([len(await line.shop.sent()) for line in self.lines])

    async def _fire(self, name: str, times: int) -> None:
        messages = sum(len(line.told) for line in self.lines)
        for kill in range(times):
            # Not near the end, where only pairs that wait for their rate are left.
            await until(partial(self._reached, messages * 0.8 * kill / times), within=120)
            await asyncio.sleep(self.dice.uniform(0, 1))
            await (self._kill_worker() if name == "worker" else self.database.kill())
            self.kills[name] += 1

    async def _reached(self, goal: float) -> bool:
        return await self.accepted() >= goal

    async def _kill_worker(self) -> None:
        place = self.dice.randrange(len(self._workers))
        await self._workers[place].kill()
        self._workers[place] = await self.programs.start("worker")
