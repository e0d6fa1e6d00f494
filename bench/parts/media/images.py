"""Two thousand pictures of 100 kB that wait: files a second of the worker, and of the naive way."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE

from bench import arrivals
from bench.arrivals import Line
from bench.media_files import File, files
from bench.outcome import Figure, Outcome, Target
from bench.parts.media.document import PROVIDER
from bench.populate import Tenant, switch_triggers
from bench.processes import memory_of, spending
from bench.receivers import OURS, ROOT, Receiver, ReceiverFailure, running, stop
from bench.stand import Stand
from bench.workers import working

SIZE = 100_000
COUNT = 2_000
# The worker's slots as they are set by default: the naive way gets as many.
SLOTS = 4
# Whose bytes are fetched again from Storage and hashed.
LOOKED_AT = 100
STORED = (
    "select count(*), coalesce(sum(media_size), 0)::bigint, count(distinct media_path)"
    " from messages where media_status = 'stored'"
)


async def ours(stand: Stand) -> Outcome:
    arrived = files("image", SIZE, COUNT // 5 if stand.quick else COUNT)
    tenant = await _queued(stand, arrived)
    async with running(PROVIDER) as provider, working(provider) as at_work:
        first = await arrivals.first_asked(provider)
        parts = stand.spending_of(worker=at_work.pids, provider=[provider.pid])
        async with memory_of(at_work.pids[0], every=0.1) as memory, spending(parts) as spent:
            ended = await arrivals.all_stored(stand.database)
        lookups = first + await arrivals.asked(provider)
        warnings = at_work.warnings()
    problems = await arrivals.problems(stand, tenant, arrived, LOOKED_AT)
    if len({media_id for _, media_id in lookups}) != len(lookups) or len(lookups) != len(arrived):
        problems.append(f"{len(lookups)} lookups of {len(arrived)} files")
    await arrivals.cleared(stand)
    figures: dict[str, Figure] = {
        "files": len(arrived),
        "files/s": round(len(arrived) / (ended - lookups[0][0]), 1),
        "memory MB, first and most": [memory[0], max(memory)],
        "CPU seconds": spent.seconds,
        "CPU ms per file": {name: round(value / len(arrived) * 1000) for name, value in spent.seconds.items()},
        "warnings of the worker": warnings,
    }
    return Outcome(figures, [Target("worker's memory above the first, MB", max(memory) - memory[0], 32)], problems)


async def naive(stand: Stand) -> Outcome:
    """Our triggers are off: they neither help nor burden it."""
    outcome = Outcome()
    arrived = files("image", SIZE, COUNT)
    for name, at_once in (("one by one", 1), (f"gather of {SLOTS}", SLOTS)):
        await _queued(stand, arrived)
        await switch_triggers(stand.database, on=False)
        try:
            async with running(PROVIDER) as provider:
                told, spent = await _run(stand, provider, at_once)
        finally:
            await switch_triggers(stand.database, on=True)
        outcome.figures[f"{name}: files/s"] = round(told["stored"] / told["seconds"], 1)
        outcome.figures[f"{name}: CPU seconds"] = spent
        row = await (await stand.database.execute(STORED)).fetchone()
        if row != (told["stored"], told["stored"] * SIZE, told["stored"]):
            outcome.problems.append(f"{name}: {told['stored']} stored, the table has {row}")
        await arrivals.cleared(stand)
    return outcome


async def _queued(stand: Stand, arrived: list[File]) -> Tenant:
    tenant = await arrivals.shop(stand)
    async with running(OURS) as receiver:
        line = Line(stand, tenant, receiver)
        await line.queue(stand.database, arrived)
        line.close()
    return tenant


async def _run(stand: Stand, provider: Receiver, at_once: int) -> tuple[dict[str, float], Figure]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.naive_media", str(at_once), "4" if stand.quick else "20"),
        cwd=ROOT,
        env=arrivals.environment(provider),
        stdout=PIPE,
    )
    try:
        parts = stand.spending_of(provider=[provider.pid])
        async with spending(parts) as spent:  # the loop itself is `load`: a process of ours that has ended
            output, _ = await process.communicate()
    finally:
        await stop(process)
    if process.returncode:
        raise ReceiverFailure(f"the naive loop ended with status {process.returncode}")
    return json.loads(output), spent.seconds
