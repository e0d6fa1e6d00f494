"""A million rows queued: what a claim costs; after churn; and after churn that no vacuum may clear away."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench import campaign
from bench.load_client import spread
from bench.outcome import Outcome, Target
from bench.populate import Database
from bench.stand import Stand

PEOPLE = 100_000
EACH = 10
# What a worker asks for at once (worker/loop.py), which the target is about; and all its slots, where the rows show.
SIZES = (64, 256)
CALLS = 300
CHURN = 50_000
# Seconds a message: what the four numbers may send bounds claims, too. A little slower, so that each gets all it asks.
PACE = 1.2 / (campaign.NUMBERS * campaign.RATE)

CLAIM = "select message_id::text, lease_token::text from claim_outbound(%s, 90)"
RECORD = "select record_outbound(%s::jsonb)"
DEAD = (
    "select n_dead_tup, pg_relation_size('public.outbox') / 1048576, autovacuum_count"
    " from pg_stat_user_tables where relid = 'public.outbox'::regclass"
)


class Claims:
    """Claims and records of a worker without its sends; what each took."""

    def __init__(self, database: Database, size: int) -> None:
        self._database = database
        self._size = size
        self.claims: list[float] = []
        self.records: list[float] = []
        self.sizes: list[int] = []
        self.seen: list[str] = []
        self._due = 0.0

    async def turn(self) -> None:
        await asyncio.sleep(max(0.0, self._due - time.monotonic()))
        began = time.monotonic()
        self._due = began + PACE * self._size
        rows = await (await self._database.execute(CLAIM, (self._size,))).fetchall()
        claimed = time.monotonic()
        results = [
            {"message_id": message, "lease_token": lease, "outcome": "done", "wamid": f"wamid.bench{message}"}
            for message, lease in rows
        ]
        asked = time.monotonic()
        await self._database.execute(RECORD, (json.dumps(results),))
        self.records.append(time.monotonic() - asked)
        self.claims.append(claimed - began)
        self.sizes.append(len(rows))
        self.seen += [message for message, _ in rows]


async def measure(stand: Stand) -> Outcome:
    people, calls, churn = (10_000, 50, 5_000) if stand.quick else (PEOPLE, CALLS, CHURN)
    everybody = await campaign.new(stand.database, people)
    began = time.monotonic()
    count = await campaign.enqueue(stand.database, everybody, EACH)
    outcome = Outcome({"rows queued": count, "filled in s": round(time.monotonic() - began, 1)})
    seen: list[str] = []
    async with stand.observer() as hands:
        await hands.execute("set role service_role")
        seen += await _calls(stand.database, hands, calls, "fresh", outcome)
        seen += await _churn(hands, churn)
        seen += await _calls(stand.database, hands, calls, f"after churn of {churn:,}", outcome)
        async with _held(stand):
            seen += await _churn(hands, churn)
            seen += await _calls(stand.database, hands, calls, f"after {churn:,} more, none vacuumed", outcome)
    outcome.problems += await _problems(stand.database, count, seen)
    return outcome


async def _calls(database: Database, hands: Database, calls: int, when: str, outcome: Outcome) -> list[str]:
    seen: list[str] = []
    for size in SIZES:
        claims = Claims(hands, size)
        for _ in range(calls):
            await claims.turn()
        claim, record = (spread(times) for times in (claims.claims, claims.records))
        told = f"{when}, {size} at once"
        outcome.figures |= {
            f"{told}: claim ms": claim,
            f"{told}: record ms": record,
            f"{told}: messages per claim": round(sum(claims.sizes) / calls, 1),
        }
        if "none" not in when and size == min(SIZES):
            outcome.targets.append(Target(f"claim p99 ms, {told}", claim["p99"], 20))
        seen += claims.seen
    dead = await (await database.execute(DEAD)).fetchone()
    assert dead is not None
    outcome.figures[f"{when}: dead rows, MB, vacuums"] = [float(value) for value in dead]
    return seen


async def _churn(hands: Database, messages: int) -> list[str]:
    claims = Claims(hands, max(SIZES))
    while len(claims.seen) < messages:
        await claims.turn()
    return claims.seen


@asynccontextmanager
async def _held(stand: Stand) -> AsyncIterator[None]:
    """An old snapshot, as a backup or a forgotten transaction has it: nothing dead since then may be cleared away."""
    async with stand.observer() as holder, holder.transaction():
        await holder.execute("set transaction isolation level repeatable read")
        await holder.execute("select from messages limit 1")
        yield


async def _problems(database: Database, count: int, seen: list[str]) -> list[str]:
    cursor = await database.execute(
        "select (select count(*) from messages where status = 'sent'),"
        " (select count(*) from outbox where workspace_id is not null),"
        " (select count(*) from messages where status not in ('sent', 'queued'))"
    )
    row = await cursor.fetchone()
    found = []
    if row != (len(seen), count - len(seen), 0):
        found.append(f"{len(seen)} claimed of {count}, but sent, waiting and other messages are {row}")
    if len(set(seen)) != len(seen):
        found.append("a message was claimed twice")
    return found
