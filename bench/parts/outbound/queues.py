"""Outside queues, for the queueing alone: on the same Postgres, as many jobs, each of which sends to the same provider.

Once more with jobs that only wait as long as the provider takes to answer, which is what the queue itself can do; and
with each conversation's jobs one after the other, as WhatsApp needs them and ours sends them.
"""

from __future__ import annotations

import asyncio
import importlib.util
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import LiteralString
from urllib.parse import urlsplit, urlunsplit

import psycopg

from bench.outcome import Figure, Outcome
from bench.parts.outbound.flat_out import EACH, PEOPLE, per_message
from bench.processes import spending
from bench.receivers import PROVIDER, ROOT, ReceiverFailure, running, stop
from bench.sends import Sends
from bench.stand import Stand

WAITING: dict[str, LiteralString] = {
    "procrastinate": "select count(*) from procrastinate_jobs where status in ('todo', 'doing')",
    "pgqueuer": "select count(*) from pgqueuer where status in ('queued', 'picked')",
}
LIMIT = 300.0
INSTALL = "python -m pip install --require-hashes -r requirements-bench.lock"


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    jobs = PEOPLE * (15 if stand.quick else EACH)
    for name in WAITING:
        if importlib.util.find_spec(name) is None:
            outcome.figures[f"{name}: not measured"] = f"it is not installed: {INSTALL}"
            continue
        await _sending(stand, outcome, name, jobs)
        await _sending(stand, outcome, name, jobs, PEOPLE)
        async with _database(stand) as url:
            waited = await _measured(stand, name, jobs, url)
        outcome.figures |= {f"{name} that only waits: {figure}": value for figure, value in waited.items()}
    async with running(PROVIDER) as provider:
        outcome.figures |= await _without(stand, jobs, f"http://127.0.0.1:{provider.port}")
    return outcome


async def _sending(stand: Stand, outcome: Outcome, name: str, jobs: int, conversations: int = 0) -> None:
    kind = f"{name} in order" if conversations else name
    async with running(PROVIDER) as provider, _database(stand) as url:
        address, more = f"http://127.0.0.1:{provider.port}", [str(conversations)] if conversations else []
        told = await _measured(stand, name, jobs, url, address, *more)
        sent = [int(number) for number in (await Sends.at(provider)).ids]
    outcome.figures |= {f"{kind}: {figure}": value for figure, value in told.items()}
    if len(sent) != jobs:
        outcome.problems.append(f"{kind}: {len(sent)} sends of {jobs} jobs")
    for place in range(conversations):
        if (numbers := [number for number in sent if number % conversations == place]) != sorted(numbers):
            outcome.problems.append(f"{kind}: conversation {place} came as {numbers}")


async def _without(stand: Stand, jobs: int, provider: str) -> dict[str, Figure]:
    """What the sends take by themselves: the most that any queue could come to."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.queue_none", str(jobs), provider), cwd=ROOT, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        began = float(await asyncio.wait_for(process.stdout.readline(), LIMIT) or "nan")
        async with spending(stand.spending_of(sends=[process.pid])) as spent:
            ended = float(await asyncio.wait_for(process.stdout.readline(), LIMIT) or "nan")
    finally:
        await stop(process)
    return {"no queue: sends/s": round(jobs / (ended - began)), "no queue: CPU us per send": per_message(spent, jobs)}


@asynccontextmanager
async def _database(stand: Stand) -> AsyncIterator[str]:
    """An empty one of its own, by its address."""
    await stand.database.execute("drop database if exists bench_queue with (force)")
    await stand.database.execute("create database bench_queue")
    try:
        yield urlunsplit(urlsplit(stand.project.db_url)._replace(path="/bench_queue"))
    finally:
        await stand.database.execute("drop database if exists bench_queue with (force)")


async def _measured(stand: Stand, name: str, jobs: int, url: str, *more: str) -> dict[str, Figure]:
    """`more`: the provider's address if anything is to be sent, and in how many conversations if in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"bench.queue_{name}", url, str(jobs), *more), cwd=ROOT, stdout=PIPE
    )
    assert process.stdout is not None
    try:
        began = float(await asyncio.wait_for(process.stdout.readline(), LIMIT) or "nan")
        async with (
            spending(stand.spending_of(queue=[process.pid])) as spent,
            await psycopg.AsyncConnection.connect(url, autocommit=True) as looking,
        ):
            ended = await _empty(looking, WAITING[name])
    except ValueError as error:
        raise ReceiverFailure(f"{name} ended before its first job") from error
    finally:
        await stop(process)
    return {
        "jobs/s": round(jobs / (ended - began)),
        "CPU seconds": spent.seconds,
        "CPU us per job": per_message(spent, jobs),
    }


async def _empty(looking: psycopg.AsyncConnection[tuple[int]], waiting: LiteralString) -> float:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        row = await (await looking.execute(waiting)).fetchone()
        if row is not None and not row[0]:
            return time.time()
        await asyncio.sleep(0.02)
    raise TimeoutError(f"jobs still waited after {LIMIT:.0f} s")
