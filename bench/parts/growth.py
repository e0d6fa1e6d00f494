"""Cost per webhook with a thousand, a hundred thousand and a million conversations in the table."""

from __future__ import annotations

import asyncio
import math
import secrets
import time
from dataclasses import dataclass, replace

from bench import check
from bench.journal import drained
from bench.load import send
from bench.outcome import Figure, Outcome, Target
from bench.populate import Database, Tenant, emptied, fill
from bench.processes import spending
from bench.receivers import OURS, running
from bench.stand import Stand
from bench.statements import inside
from bench.webhooks import Webhooks

SIZES = (1_000, 100_000, 1_000_000)
QUICK_SIZES = (1_000, 20_000, 100_000)
FEW = 1_000
# Each kind of batch is run so often, in turn with the others, and the cheapest counts: what the machine does beside it
# only ever adds.
ROUNDS = 3
# Before and after each batch, on every core at once: how fast the machine is just then. It changes by a third within
# minutes, and a million conversations come minutes after a thousand.
YARDSTICK = "select sum(n) from (select generate_series(1, 2000000) as n) as numbers"
# Reports are on as many messages at every size: the ones sent last, others in each round.
SENT_A_ROUND = 12_000
SENT = ROUNDS * SENT_A_ROUND
# The first write to a page after a checkpoint puts the whole page into the log. A checkpoint comes every few minutes,
# and within the first of them a full load has written to most pages: so one batch right after it, which shows what that
# costs, one that only goes on writing and is not shown, and then those that are held against the target.
AFTER_CHECKPOINT = "messages from all, first seconds after a checkpoint"
QUOTA, WARMING, QUICK_QUOTA = 18_000, 42_000, 6_000


@dataclass
class Cost:
    """Of one batch, per webhook, in microseconds."""

    cpu: float  # everything but the load and the looking
    sql: float  # inside record_inbound
    yardstick: float  # milliseconds of the same work, whatever the size
    webhooks_per_call: float
    rows_per_second: float
    problems: list[str]


@dataclass
class Table:
    """What has been filled in so far."""

    tenant: Tenant
    people: int = 0
    sent: int = 0

    async def grow(self, database: Database, people: int) -> tuple[Webhooks, list[dict[str, Webhooks]]]:
        """Up to so many people; messages from all of them, and the rounds to be measured then."""
        fresh = people - self.people
        each = math.ceil(SENT / fresh)
        await fill(database, self.tenant, first=self.people, people=fresh, each=each, sent=self.sent)
        everybody = Webhooks("messages", self.tenant.number, self.tenant.waba, "", people=people)
        reports = replace(everybody, turn="statuses", recipient_first=self.people, recipients=fresh)
        rounds = [
            {
                "messages from all": everybody,
                "messages from 1,000": replace(everybody, people=FEW, spread=people // FEW),
                "statuses": replace(reports, sent_first=self.sent + place * SENT_A_ROUND, sent_count=SENT_A_ROUND),
            }
            for place in range(ROUNDS)
        ]
        self.people, self.sent = people, self.sent + fresh * each
        return everybody, rounds


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    costs: dict[str, list[Cost]] = {}
    table = Table(await emptied(stand.database))
    sizes = QUICK_SIZES if stand.quick else SIZES
    for size in sizes:
        began = time.monotonic()
        everybody, rounds = await table.grow(stand.database, size)
        outcome.figures[f"{size:,}: filled in s"] = round(time.monotonic() - began, 1)
        quota, warming = (QUICK_QUOTA, QUICK_QUOTA) if stand.quick else (QUOTA, WARMING)
        first = await _batch(stand, table, everybody, quota)
        warm = await _batch(stand, table, everybody, warming)
        of_size: dict[str, list[Cost]] = {}
        for batches in rounds:
            for name, webhooks in batches.items():
                of_size.setdefault(name, []).append(await _batch(stand, table, webhooks, quota))
        for cost in (first, warm, *(cost for of_name in of_size.values() for cost in of_name)):
            outcome.problems += cost.problems
        outcome.figures |= _figures(f"{size:,}: {AFTER_CHECKPOINT}", first)
        for name, of_name in of_size.items():
            cheapest = min(of_name, key=lambda cost: cost.cpu / cost.yardstick)
            costs.setdefault(name, []).append(cheapest)
            outcome.figures |= _figures(f"{size:,}: {name}", cheapest)
            outcome.figures[f"{size:,}: {name}, CPU us of each round"] = [round(cost.cpu) for cost in of_name]
            outcome.figures[f"{size:,}: {name}, yardstick ms of each round"] = [
                round(cost.yardstick) for cost in of_name
            ]
    for name, of_sizes in costs.items():
        outcome.targets += _targets(name, of_sizes)
    return outcome


async def _batch(stand: Stand, table: Table, webhooks: Webhooks, quota: int) -> Cost:
    """One receiver, one batch at full speed, everything applied."""
    webhooks = replace(webhooks, run=secrets.token_hex(3).upper())
    # Not truncated: other tables might hang on it one day.
    await stand.database.execute("delete from webhook_events")
    calls, spent_before = await inside(stand.database, "record_inbound")
    yardstick = await _yardstick(stand)
    async with running(OURS) as receiver:
        load = stand.load(receiver, webhooks, quota=quota)
        async with spending(stand.parts(receiver)) as spent:
            began = time.monotonic()
            answers = await send(load)
            seconds = await drained(stand.database) - began
    calls_after, spent_after = await inside(stand.database, "record_inbound")
    busy = sum(spent.seconds[part] for part in ("receiver", "postgres", "postgrest", "gateway"))
    return Cost(
        cpu=busy / quota * 1e6,
        sql=(spent_after - spent_before) / quota * 1e3,
        yardstick=(yardstick + await _yardstick(stand)) / 2,
        webhooks_per_call=quota / max(1, calls_after - calls),
        rows_per_second=quota / seconds,
        problems=await check.every_row(stand.database, table.tenant, webhooks, answers, known_before=table.people),
    )


async def _yardstick(stand: Stand) -> float:
    async with stand.observer() as another:
        began = time.monotonic()
        await asyncio.gather(*(each.execute(YARDSTICK) for each in (stand.database, another)))
        return (time.monotonic() - began) * 1e3


def _figures(name: str, cost: Cost) -> dict[str, Figure]:
    return {
        f"{name}, SQL us per webhook": round(cost.sql),
        f"{name}, CPU us per webhook": round(cost.cpu),
        f"{name}, rows/s": round(cost.rows_per_second),
        f"{name}, webhooks per call": round(cost.webhooks_per_call),
    }


def _targets(name: str, costs: list[Cost]) -> list[Target]:
    """The largest table against the cheapest, so that a dear small one hides nothing; each by its yardstick."""
    return [
        Target(f"{name}: {what}, largest over cheapest", of_sizes[-1] / min(of_sizes), 1.2)
        for what, of_sizes in (
            ("SQL time", [cost.sql / cost.yardstick for cost in costs]),
            ("CPU", [cost.cpu / cost.yardstick for cost in costs]),
        )
    ]
