"""Cost per webhook with a hundred thousand and a million conversations in the table, beside a thousand."""

from __future__ import annotations

import math
import secrets
import statistics
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

from bench import check
from bench.beside import another
from bench.journal import drained
from bench.load import Answers, send
from bench.outcome import Outcome, Target
from bench.populate import Tenant, emptied, fill, worn_in
from bench.processes import RECEIVING, spending
from bench.receivers import OURS, Receiver, running
from bench.stand import Stand
from bench.statements import inside
from bench.webhooks import TURNS, Webhooks

FEW = 1_000
SIZES = (100_000, 1_000_000)
QUICK_SIZES = (20_000, 100_000)
# The same load on the small table and on the large one, in turn, and the middle of the ratios: what a machine gives
# changes by a third within minutes, and by more between one second and the next.
ROUNDS, QUICK_ROUNDS = 15, 3
SLICE = 6_000
# Reports are on as many messages at every size: the ones sent last.
SENT = ROUNDS * SLICE // len(TURNS["statuses"])
# The first write to a page after a checkpoint puts the whole page into the log. A checkpoint comes every few minutes,
# and within the first of them a full load has written to most pages: so one load right after it, which shows what that
# costs, one that only goes on writing, and then those that are held against the target.
FIRST, WARMING, QUICK_FIRST = 18_000, 42_000, 6_000
# Nobody writes twice in one second, however few they are: each message is the newest of its thread and moves it to the
# top of the inbox, as in life. So a thousand people write for some minutes, which begin so many seconds ago.
LONG_AGO = 600


@dataclass
class Cost:
    """Of one load, per webhook, in microseconds."""

    cpu: dict[str, float]  # of each of RECEIVING
    sql: float  # inside record_inbound, by the clock
    rows_per_second: float

    @property
    def all(self) -> float:
        return sum(self.cpu.values())


@dataclass
class Table:
    """One of the two, with the receiver that writes into it."""

    stand: Stand
    receiver: Receiver
    tenant: Tenant
    people: int = 0
    sent: int = 0
    clock: int = 0  # when somebody writes next
    problems: list[str] = field(default_factory=list)

    async def grow(self, people: int) -> Webhooks:
        """Up to so many people; the reports of what was sent to the new ones."""
        fresh = people - self.people
        each = math.ceil(SENT / fresh)
        await fill(self.stand.database, self.tenant, first=self.people, people=fresh, each=each, sent=self.sent)
        reports = self._webhooks(
            "statuses",
            people,
            sent_first=self.sent,
            sent_count=SENT,
            recipient_first=self.people,
            recipients=fresh,
        )
        self.people, self.sent = people, self.sent + fresh * each
        self.clock = int(time.time()) - LONG_AGO
        return reports

    def messages(self, people: int, cycles: int) -> Webhooks:
        """From so many people spread over the table, each at another second than all before."""
        since, self.clock = self.clock, self.clock + math.ceil(cycles / people)
        return self._webhooks("messages", people, spread=self.people // people, since=since)

    def _webhooks(self, turn: str, people: int, **which: int) -> Webhooks:
        """As no other load on these tables has them."""
        run = secrets.token_hex(3).upper()
        return Webhooks(turn, self.tenant.number, self.tenant.waba, run, people=people, **which)

    async def take(self, webhooks: Webhooks, quota: int, answers: list[Answers]) -> Cost:
        """One load at full speed, everything applied."""
        database = self.stand.database
        calls_before = await inside(database, "record_inbound")
        load = self.stand.load(self.receiver, webhooks, quota=quota)
        async with spending(self.stand.parts(self.receiver)) as spent:
            began = time.monotonic()
            answers.append(await send(load))
            seconds = await drained(database) - began
        calls = await inside(database, "record_inbound")
        return Cost(
            cpu={part: spent.seconds[part] / quota * 1e6 for part in RECEIVING},
            sql=(calls[1] - calls_before[1]) / quota * 1e3,
            rows_per_second=quota / seconds,
        )

    async def checked(self, webhooks: Webhooks, answers: list[Answers]) -> None:
        """Every row of a load that was sent in slices; then an empty journal."""
        whole = replace(
            answers[0],
            **{name: sum(getattr(each, name) for each in answers) for name in ("answered", "ok", "sent", "refused")},
        )
        self.problems += await check.every_row(
            self.stand.database, self.tenant, webhooks, whole, known_before=self.people
        )
        # Not truncated: other tables might hang on it one day.
        await self.stand.database.execute("delete from webhook_events")


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    async with AsyncExitStack() as exits:
        beside = await exits.enter_async_context(another(stand))
        await worn_in(beside.database)
        small, large = [
            Table(each, await exits.enter_async_context(running(OURS, each.environment)), await emptied(each.database))
            for each in (beside, stand)
        ]
        for size in QUICK_SIZES if stand.quick else SIZES:
            await _of_size(outcome, small, large, size, stand.quick)
    outcome.problems += small.problems + large.problems
    return outcome


async def _of_size(outcome: Outcome, small: Table, large: Table, size: int, quick: bool) -> None:
    began = time.monotonic()
    # The small one is emptied and filled anew: it shall be as fresh as the large one.
    small.tenant, small.people, small.sent = await emptied(small.stand.database), 0, 0
    reports = {"small": await small.grow(FEW), "large": await large.grow(size)}
    outcome.figures[f"{size:,}: filled in s"] = round(time.monotonic() - began, 1)
    first, warming, rounds = (QUICK_FIRST, QUICK_FIRST, QUICK_ROUNDS) if quick else (FIRST, WARMING, ROUNDS)
    for quota, name in ((first, "messages from all, first seconds after a checkpoint"), (warming, "")):
        pairs = await _in_turn(
            (small, small.messages(FEW, quota)), (large, large.messages(size, quota)), quota, rounds=1
        )
        if name:
            _told(outcome, f"{size:,}: {name}", pairs)
    cycles = rounds * SLICE
    for name, of_small, of_large in (
        ("messages from all", small.messages(FEW, cycles), large.messages(size, cycles)),
        ("messages from 1,000", small.messages(FEW, cycles), large.messages(FEW, cycles)),
        ("statuses", reports["small"], reports["large"]),
    ):
        pairs = await _in_turn((small, of_small), (large, of_large), SLICE, rounds)
        _told(outcome, f"{size:,}: {name}", pairs)
        outcome.targets.append(
            Target(f"{size:,} over 1,000, {name}: CPU of all parts", _ratio(pairs, lambda cost: cost.all), 1.2)
        )


Pairs = list[tuple[Cost, Cost]]


async def _in_turn(small: tuple[Table, Webhooks], large: tuple[Table, Webhooks], quota: int, rounds: int) -> Pairs:
    """The same slices of a load on both, one after the other, and which comes first in turn, too."""
    pairs: Pairs = []
    answers: tuple[list[Answers], list[Answers]] = ([], [])
    for place in range(rounds):
        costs: dict[int, Cost] = {}
        for which in (0, 1) if place % 2 else (1, 0):
            table, webhooks = (small, large)[which]
            cycles = quota // len(TURNS[webhooks.turn])
            costs[which] = await table.take(replace(webhooks, first=place * cycles), quota, answers[which])
        pairs.append((costs[0], costs[1]))
    for (table, webhooks), of_table in zip((small, large), answers, strict=True):
        await table.checked(webhooks, of_table)
    return pairs


def _ratio(pairs: Pairs, of: Callable[[Cost], float]) -> float:
    return statistics.median(of(large) / of(small) for small, large in pairs)


def _told(outcome: Outcome, name: str, pairs: Pairs) -> None:
    for table, costs in (("1,000 beside it", [pair[0] for pair in pairs]), ("", [pair[1] for pair in pairs])):
        what = f"{name}{', ' + table if table else ''}"
        outcome.figures |= {
            f"{what}: CPU us": round(statistics.median(cost.all for cost in costs)),
            f"{what}: of it {', '.join(RECEIVING)}": [
                round(statistics.median(cost.cpu[part] for cost in costs)) for part in RECEIVING
            ],
            f"{what}: SQL us": round(statistics.median(cost.sql for cost in costs)),
            f"{what}: rows/s": round(statistics.median(cost.rows_per_second for cost in costs)),
        }
    outcome.figures |= {
        f"{name}: CPU over 1,000 in each round": [round(large.all / small.all, 2) for small, large in pairs],
        f"{name}: CPU of Postgres alone over 1,000": round(_ratio(pairs, lambda cost: cost.cpu["postgres"]), 2),
        f"{name}: SQL over 1,000": round(_ratio(pairs, lambda cost: cost.sql), 2),
    }
