"""Mixed traffic for SOAK_MINUTES: `python -m devstack run -- python -m bench.soak [--json FILE]`.

A receiver and two workers at a pace this machine carries with room. In the end every row is right, all lags are 0
again, and memory, file descriptors and threads of each process are in the last quarter what they were in the second.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import psycopg

from bench import check, report
from bench.journal import NotDrained, drained
from bench.load import Answers, LoadFailure, send
from bench.outcome import Figure, Outcome, Target
from bench.processes import spending
from bench.project import Project
from bench.receivers import OURS, ReceiverFailure, running
from bench.soak_traffic import Shop, whatsapp
from bench.soak_watch import DOORBELL, HELD, QUEUES, Seen, idle, lags, watching
from bench.stand import PEOPLE, Stand, connected
from bench.workers import all_sent, working

# Of messages and reports that the load makes up; the simulated WhatsApp's own come on top: about 65 a second.
WEBHOOKS = 140
EVERY = 5.0
GROWTH = 1.1
# Idle connections are closed after 30 seconds. A quiet process makes a call every five, and whichever connections these
# go round on stay.
FIRST_IDLE, LAST_IDLE = 20.0, 120.0
LEFT = 6
# Before that it is all beginning: pools fill, code is loaded, the allocator finds its size.
HELD_FROM_MINUTES = 10.0


def main() -> int:
    """1 when a promise was broken or a process has grown: here that is what is looked for."""
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures for programs, too")
    chosen = parser.parse_args()
    minutes = float(os.environ.get("SOAK_MINUTES", "20"))
    about = report.machine() | {"minutes": minutes}
    print("  ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcome = _outcome(minutes)
    except KeyboardInterrupt:
        return 130
    print(report.show("soak", outcome))
    if chosen.json:
        report.write(chosen.json, about, {"soak": outcome})
    return 1 if outcome.problems or not all(target.met for target in outcome.targets) else 0


def _outcome(minutes: float) -> Outcome:
    """What cannot be brought to its end is a broken promise, too."""
    outcome = Outcome()
    try:
        outcome = asyncio.run(_soaked(minutes))
    except* (LoadFailure, ReceiverFailure, NotDrained, OSError, EOFError, psycopg.Error, httpx.HTTPError) as failures:
        outcome.problems += [f"{type(failure).__name__}: {failure}" for failure in failures.exceptions]
    return outcome


async def _soaked(minutes: float) -> Outcome:
    project = Project.from_environment()
    async with connected(project) as database, whatsapp() as http, AsyncExitStack() as exits:
        stand = Stand(project, database, quick=False)
        seconds = round(minutes * 60)
        quota = WEBHOOKS * seconds
        each = max(1, quota // 4 // PEOPLE)
        tenant = await stand.shop(each)
        webhooks = stand.webhooks(tenant, sent_count=each * PEOPLE)
        receiver = await exits.enter_async_context(running(OURS))
        workers = await exits.enter_async_context(working(None, count=2, status=True))
        await workers.live()
        shop = await Shop.new(database, project, receiver, http)
        seen = [Seen("receiver", receiver), *(Seen(f"worker {n + 1}", one) for n, one in enumerate(workers.answering))]
        load = stand.load(receiver, webhooks, rate=WEBHOOKS, quota=quota, connections=8, seconds=seconds * 2)
        parts = stand.spending_of(receiver=[receiver.pid], workers=workers.pids)
        begun = await idle(seen, within=FIRST_IDLE)
        print(f"{seconds} s of traffic begin", flush=True)
        async with watching(seen, EVERY), spending(parts) as spent, asyncio.TaskGroup() as group:
            sending = group.create_task(send(load))
            for task in (shop.sends(database, seconds), shop.replies(seconds), shop.receive_pictures(seconds)):
                group.create_task(task)
        answers = sending.result()
        print("They are over; what waits comes to its end", flush=True)
        ended = time.monotonic()
        left = await _quiet(stand, shop, seen)
        quiet = time.monotonic() - ended
        over = await idle(seen, within=LAST_IDLE, begun=begun)
        problems = await check.load_applied(database, tenant, webhooks, answers) + await shop.problems(database)
        problems += await check.statistics(database)
        figures = _figures(answers, shop, seen) | {
            "CPU seconds per second": {name: round(used / seconds, 2) for name, used in spent.seconds.items()},
            "everything ended after s": round(quiet, 1),
            "file descriptors idle, before": begun,
            "file descriptors idle, after": over,
            "warnings of the workers": workers.warnings(),
        }
    if left:
        problems.append(f"not 0 in the end: {left}")
    targets = _targets(seen, answers, minutes)
    targets += [Target(f"{name}: descriptors left behind", count - begun[name], LEFT) for name, count in over.items()]
    return Outcome(figures, targets, problems)


async def _quiet(stand: Stand, shop: Shop, seen: list[Seen]) -> dict[str, float]:
    """Waits until all queues are empty and all reports are there; what the processes still say of lags then."""
    await all_sent(stand.database)
    await shop.settled(stand.database)
    await drained(stand.database)
    # What a process says of queues is up to ten seconds old.
    return await lags(seen, within=60)


def _figures(answers: Answers, shop: Shop, seen: list[Seen]) -> dict[str, Figure]:
    receiver, *workers = seen
    figures: dict[str, Figure] = {
        "webhooks of the load": answers.ok,
        "sends, replies, pictures": [float(len(each)) for each in (shop.sent, shop.written, shop.pictures)],
        "ack p50 ms": answers.latency["p50"],
        "ack p99 ms": answers.latency["p99"],
        "looked at, times": len(receiver.held["memory MB"]),
    }
    for process in seen:
        figures |= {f"{process.name}: {what}, by quarter": process.by_quarter(what) for what in HELD}
    figures |= {f"most: {name}": round(receiver.most(name), 2) for name in QUEUES}
    return figures | {f"most: {name}": round(max(one.most(name) for one in workers), 3) for name in DOORBELL[:2]}


def _targets(seen: list[Seen], answers: Answers, minutes: float) -> list[Target]:
    targets = [Target("webhooks without 200", answers.failed, 0)]
    if minutes >= HELD_FROM_MINUTES:
        targets += [
            Target(f"{process.name}: memory MB, last quarter over the second", process.growth("memory MB"), GROWTH)
            for process in seen
        ]
    return targets


if __name__ == "__main__":
    sys.exit(main())
