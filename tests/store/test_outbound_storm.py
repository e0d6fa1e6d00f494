"""Everything at once on a few conversations: whatever meets, a message is in the outbox or has ended, and all end."""

from __future__ import annotations

import asyncio
import os
import random
import time
import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, backend_sessions, call, leases, rows

SECONDS = float(os.environ.get("STORM_SECONDS", "4"))
# What a person is told when somebody was quicker.
TOO_LATE = {"WA004", "WA007", "WA008", "23503"}
PHONES = [f"97250123456{n}" for n in range(8)]
OPEN = {"queued", "sending", "uncertain"}
OUTCOMES: list[dict[str, Any]] = [
    *[{"outcome": "done"}] * 4,
    {"outcome": "reject", "error": {"code": 131026}},
    {"outcome": "retry", "retry_after": 0, "error": {"code": 131016}},
    {"outcome": "throttle", "scope": "pair", "error": {"code": 131056}},
    {"outcome": "uncertain", "error": {"code": "uncertain"}},
]
ASTRAY = """
    select message.id, message.status, item.message_id is not null as waits
    from public.messages as message left join public.outbox as item on item.message_id = message.id
    where message.workspace_id = %s and message.direction = 'outbound'
      and (message.status in ('queued', 'sending', 'uncertain')) is distinct from (item.message_id is not null)"""
HEADLESS = """
    select conversation_id, count(*) filter (where ready_at is not null) as heads,
      count(*) filter (where lease_token is not null) as flying
    from public.outbox where workspace_id = %s and uncertain_since is null
    group by conversation_id
    having count(*) filter (where ready_at is not null) + count(*) filter (where lease_token is not null) <> 1"""


def said(tenant: Tenant, phone: str | None, bsuid: str | None) -> dict[str, Any]:
    return tenant.message(uuid.uuid4().hex, phone, bsuid=bsuid, occurred_at=datetime.now(UTC).isoformat())


class Storm:
    """What each session does, one thing after the other, until it is over."""

    def __init__(self, tenant: Tenant, threads: list[uuid.UUID], dice: random.Random) -> None:
        self.tenant, self.threads, self.dice = tenant, threads, dice
        self.accepted: dict[str, str] = {}
        self.repeated: list[str] = []
        self.until = time.monotonic() + SECONDS

    async def rage(self, session: Session) -> None:
        steps = [self.write, self.send, self.send, self.cancel, self.retry, self.report, self.sweep] * 30
        steps += [self.meet, self.meet, self.delete]
        while time.monotonic() < self.until:
            step = self.dice.choice(steps)
            try:
                await step(session)
            except psycopg.errors.DeadlockDetected:
                continue
            except psycopg.Error as error:
                if error.sqlstate not in TOO_LATE:
                    raise

    async def write(self, session: Session) -> None:
        await self.tenant.queue(session, self.dice.choice(self.threads))

    async def send(self, session: Session) -> None:
        claimed = await self.tenant.claim(session, self.dice.randint(1, 4))
        results = []
        for row, lease in zip(claimed, leases(claimed), strict=True):
            outcome = self.dice.choice(OUTCOMES)
            told = {"wamid": uuid.uuid4().hex} if outcome["outcome"] == "done" else {}
            if row["callback_data"] in self.accepted:
                self.repeated.append(row["callback_data"])
            if outcome["outcome"] in ("done", "uncertain"):
                self.accepted[row["callback_data"]] = told.get("wamid") or uuid.uuid4().hex
            results.append(lease | outcome | told)
        while results:
            try:
                await call(session, "record_outbound", results)
            except psycopg.errors.DeadlockDetected:
                continue
            return

    async def cancel(self, session: Session) -> None:
        await self._hand(session, "cancel_message", "'queued'")

    async def retry(self, session: Session) -> None:
        await self._hand(session, "retry_message", "'failed', 'canceled'")

    async def _hand(self, session: Session, function: str, statuses: str) -> None:
        found = await rows(
            session,
            f"select id from public.messages where workspace_id = %s and status in ({statuses})"
            " order by random() limit 1",
            self.tenant.workspace_id,
        )
        for row in found:
            await call(session, function, row["id"])

    async def report(self, session: Session) -> None:
        told = self.dice.sample(sorted(self.accepted.items()), min(3, len(self.accepted)))
        statuses = [
            self.tenant.status(wamid, self.dice.choice(["sent", "delivered", "failed"]), callback_data=data)
            for data, wamid in told
        ]
        await call(session, "record_inbound", [], [], statuses)

    async def sweep(self, session: Session) -> None:
        """Time passes: what was lost is given up, and pairs that owe nothing are forgotten."""
        await session.execute(
            "update private.outbound_pairs set paid_at = '-infinity', held_until = null where conversation_id in ("
            "select conversation_id from private.outbound_pairs where conversation_id = any (%s)"
            " order by conversation_id for update skip locked)",
            [self.threads],
        )
        await call(session, "sweep_outbound", self.dice.choice([0, 900]))

    async def meet(self, session: Session) -> None:
        """Somebody who has two threads writes under both their number and their user id: one thread from now on."""
        phone = self.dice.choice(PHONES)
        await call(session, "record_inbound", [], [said(self.tenant, phone, f"IL.{phone}")], [])

    async def delete(self, session: Session) -> None:
        await session.execute("delete from public.conversations where id = %s", [self.dice.choice(self.threads)])

    async def calm(self, session: Session) -> None:
        """Everything that still waits is sent."""
        for _ in range(500):
            await self.sweep(session)
            await session.execute("select private.set_heads(%s)", [self.threads])
            claimed = await self.tenant.claim(session)
            done = [lease | {"wamid": lease["message_id"]} for lease in leases(claimed, outcome="done")]
            await call(session, "record_outbound", done)
            if not await rows(session, "select from public.outbox where workspace_id = %s", self.tenant.workspace_id):
                return


@pytest.mark.parametrize("place", range(2))
async def test_whatever_meets_nothing_is_left_astray_and_nothing_is_sent_twice(database: Connect, place: int) -> None:
    seed = int(os.environ.get("STORM_SEED") or random.randrange(10**6)) + place
    print(f"STORM_SEED={seed}")
    async with backend_sessions(database, 7) as (setup, *others):
        tenant = await Tenant.create(setup)
        for phone in PHONES:
            await call(setup, "record_inbound", [], [said(tenant, phone, None), said(tenant, None, f"IL.{phone}")], [])
        found = await rows(
            setup,
            "select id from public.conversations where workspace_id = %s order by phone, bsuid",
            tenant.workspace_id,
        )
        threads = [row["id"] for row in found]
        storm = Storm(tenant, threads, random.Random(seed))
        await asyncio.gather(*(storm.rage(session) for session in others))
        assert await rows(setup, ASTRAY, tenant.workspace_id) == []
        assert await rows(setup, HEADLESS, tenant.workspace_id) == []
        await storm.calm(setup)
        assert await rows(setup, "select from public.outbox where workspace_id = %s", tenant.workspace_id) == []
        assert await rows(setup, ASTRAY, tenant.workspace_id) == []
        assert storm.repeated == []
        counted = await rows(
            setup,
            "select status, count(*) as messages from public.messages where workspace_id = %s"
            " and direction = 'outbound' group by 1",
            tenant.workspace_id,
        )
        assert not {row["status"] for row in counted} & OPEN
        print({row["status"]: row["messages"] for row in counted})
