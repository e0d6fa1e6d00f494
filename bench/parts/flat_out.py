"""As fast as it goes, many connections: the empty handler, this receiver, the naive one. Same bodies for each."""

from __future__ import annotations

import time

from bench import check
from bench.journal import drained
from bench.load import CONNECTIONS, Answers, send
from bench.outcome import Figure, Outcome, Target
from bench.populate import Database, emptied, settle, switch_triggers
from bench.processes import RECEIVING, spending
from bench.receivers import EMPTY, EMPTY_READ, NAIVE, OURS, running
from bench.stand import Stand

FEW_CONNECTIONS = 8
COMPANY = (1, 8, 64, CONNECTIONS)
EACH = 3
SENT = 60_000
# What the naive receiver looks things up by. Ours has its own, for other queries.
NAIVE_INDEXES = {
    "bench_phone": "create index bench_phone on conversations (connection_id, phone)",
    "bench_contact": "create index bench_contact on contacts (workspace_id, phone)",
    "bench_wamid": "create index bench_wamid on messages (wamid)",
}


async def empty(stand: Stand) -> Outcome:
    """The ceiling: what the server itself can do."""
    figures: dict[str, Figure] = {}
    for name, command in (("", EMPTY), (", body read", EMPTY_READ)):
        tenant = await emptied(stand.database)
        async with running(command) as receiver, spending(stand.parts(receiver)) as spent:
            answers = await send(stand.load(receiver, stand.webhooks(tenant, SENT), seconds=_seconds(stand)))
        figures |= {
            f"requests/s{name}": round(answers.rate),
            f"p99 ms{name}": answers.latency["p99"],
            f"CPU seconds{name}": spent.seconds,
        }
        if answers.refused or any(answers.broken.values()):
            return Outcome(figures, problems=[f"{answers.refused} refused, broken: {answers.broken}"])
    return Outcome(figures)


async def ours(stand: Stand) -> Outcome:
    """Acknowledged after commit, and how the rows follow."""
    tenant = await stand.shop(EACH)
    async with running(OURS) as receiver, spending(stand.parts(receiver)) as spent:
        answers = await send(stand.load(receiver, stand.webhooks(tenant, SENT), seconds=_seconds(stand)))
        ended = time.monotonic()
        behind = await drained(stand.database) - ended
    problems = await check.consistent(stand.database, answers)
    messages, statuses, _ = await check.rows(stand.database)
    figures = _figures(answers) | {
        "rows/s": round((messages + statuses) / (answers.seconds + behind)),
        "rows complete after s": round(behind, 2),
        "CPU seconds": spent.seconds,
    }
    return Outcome(figures, problems=problems)


async def company(stand: Stand) -> Outcome:
    """What a webhook costs by how many come at once: they are committed together, recorded together."""
    figures: dict[str, Figure] = {}
    costs: list[float] = []
    problems: list[str] = []
    for connections in COMPANY:
        tenant = await stand.shop(EACH)
        async with running(OURS) as receiver, spending(stand.parts(receiver)) as spent:
            load = stand.load(receiver, stand.webhooks(tenant, SENT), seconds=_seconds(stand), connections=connections)
            answers = await send(load)
            await drained(stand.database)
        busy = sum(spent.seconds[part] for part in RECEIVING)
        costs.append(busy / answers.ok * 1e6)
        problems += await check.consistent(stand.database, answers)
        figures |= {
            f"{connections} at once: acknowledged/s": round(answers.rate),
            f"{connections} at once: ack p50 ms": answers.latency["p50"],
            f"{connections} at once: CPU us per webhook, rows included": round(costs[-1]),
        }
    falls = Target(f"CPU per webhook, {COMPANY[-1]} at once over one alone", costs[-1] / costs[0], 0.5)
    return Outcome(figures, [falls], problems)


async def naive(stand: Stand) -> Outcome:
    """One supabase-py call per step. Our triggers are off: they neither help nor burden it."""
    outcome = await _naive(stand, CONNECTIONS)
    # httpx, below supabase-py, is at its best with few at once: the naive way gets its best case, too.
    at_best = await _naive(stand, FEW_CONNECTIONS)
    outcome.figures |= {f"{name}, {FEW_CONNECTIONS} connections": value for name, value in at_best.figures.items()}
    outcome.problems += at_best.problems
    return outcome


async def _naive(stand: Stand, connections: int) -> Outcome:
    tenant = await stand.shop(EACH)
    await _furnish(stand.database)
    try:
        async with running(NAIVE) as receiver, spending(stand.parts(receiver)) as spent:
            load = stand.load(receiver, stand.webhooks(tenant, SENT), seconds=_seconds(stand), connections=connections)
            answers = await send(load)
    finally:
        await _clear(stand.database)
    messages, _, _ = await check.rows(stand.database)
    problems = []
    # Each fourth webhook is a message; what was under way at the end may have got its row and no answer.
    if abs(messages - answers.ok / 4) > 2 * connections:
        problems.append(f"{messages} messages from {answers.ok} webhooks of which each fourth was one")
    return Outcome(_figures(answers) | {"CPU seconds": spent.seconds}, problems=problems)


async def _furnish(database: Database) -> None:
    await switch_triggers(database, on=False)
    for statement in NAIVE_INDEXES.values():
        await database.execute(statement.encode())
    await settle(database)


async def _clear(database: Database) -> None:
    for name in NAIVE_INDEXES:
        await database.execute(f"drop index if exists {name}".encode())
    await switch_triggers(database, on=True)


def _figures(answers: Answers) -> dict[str, Figure]:
    return {
        "acknowledged/s": round(answers.rate),
        "ack p50 ms": answers.latency["p50"],
        "ack p99 ms": answers.latency["p99"],
        "refused": answers.refused,
        "broken connections": sum(answers.broken.values()),
    }


def _seconds(stand: Stand) -> int:
    return 4 if stand.quick else 10
