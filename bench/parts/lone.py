"""A webhook alone on an idle system: how long until its 200, how long until its row."""

from __future__ import annotations

import asyncio
import time

from bench import check
from bench.journal import drained
from bench.load import Answers
from bench.load_client import Connection, request_of, spread
from bench.outcome import Outcome
from bench.populate import Database, Tenant
from bench.receivers import OURS, running
from bench.stand import PEOPLE, Stand

ROW = (
    "select exists (select from messages where workspace_id = %s and connection_id = %s"
    " and wamid = 'wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgW' || %s || lpad(%s::text, 10, '0') || 'AA==')"
)
ROW_LIMIT = 30.0


async def measure(stand: Stand) -> Outcome:
    count = 100 if stand.quick else 500
    tenant = await stand.shop(1)
    webhooks = stand.webhooks(tenant, PEOPLE, turn="messages")
    acks, rows = [], []
    async with running(OURS) as receiver:
        load = stand.load(receiver, webhooks)
        connection = Connection(receiver.port)
        for number in range(count):
            request = request_of(load, number)
            began = time.monotonic()
            status = await connection.post(request)
            acks.append(time.monotonic() - began)
            if status != 200:
                return Outcome(problems=[f"answered with {status}"])
            await _until_row(stand.database, tenant, webhooks.run, number)
            rows.append(time.monotonic() - began)
        connection.close()
        await drained(stand.database)
    answers = Answers(count, count, sum(acks), count, 0, {}, spread(acks))
    problems = await check.every_row(stand.database, tenant, webhooks, answers, known_before=PEOPLE)
    ack, row = spread(acks), spread(rows)
    return Outcome(
        {
            "webhooks": count,
            **{f"ack {name} ms": ack[name] for name in ("p50", "p99", "max")},
            **{f"row {name} ms": row[name] for name in ("p50", "p99", "max")},
        },
        problems=problems,
    )


async def _until_row(database: Database, tenant: Tenant, run: str, number: int) -> None:
    values = (tenant.workspace_id, tenant.connection_id, run, number)
    deadline = time.monotonic() + ROW_LIMIT
    while time.monotonic() < deadline:
        row = await (await database.execute(ROW, values)).fetchone()
        if row is not None and row[0]:
            return
        await asyncio.sleep(0.0005)
    raise TimeoutError(f"no row within {ROW_LIMIT:.0f} s")
