"""Twenty pictures a second for a minute, a webhook each, into an idle system: from the webhook to the stored file."""

from __future__ import annotations

import asyncio
import time

from bench import arrivals
from bench.arrivals import Line, Watch
from bench.load_client import spread
from bench.media_files import File, files
from bench.outcome import Outcome
from bench.parts.media.document import PROVIDER
from bench.parts.media.images import LOOKED_AT, SIZE
from bench.processes import spending
from bench.receivers import OURS, running
from bench.stand import Stand
from bench.workers import working

RATE = 20


async def measure(stand: Stand) -> Outcome:
    arrived = files("image", SIZE, RATE * (10 if stand.quick else 60))
    tenant = await arrivals.shop(stand)
    async with running(PROVIDER) as provider, running(OURS) as receiver, working(provider) as at_work:
        await at_work.live()
        line = Line(stand, tenant, receiver)
        parts = stand.spending_of(worker=at_work.pids, provider=[provider.pid], receiver=[receiver.pid])
        async with spending(parts) as spent, stand.observer() as looking:
            came, acks, stored = await _arrive(line, Watch(looking), arrived)
        lookups = {media_id: moment for moment, media_id in await arrivals.asked(provider)}
        line.close()
        warnings = at_work.warnings()
    problems = await arrivals.problems(stand, tenant, arrived, LOOKED_AT)
    await arrivals.cleared(stand)
    return Outcome(
        {
            "files": len(arrived),
            "webhook to its 200, ms": spread(acks),
            "webhook to lookup, ms": spread([lookups[file.id] - came[file.wamid] for file in arrived]),
            "lookup to stored, ms": spread([stored[file.wamid] - lookups[file.id] for file in arrived]),
            "webhook to stored, ms": spread([stored[wamid] - moment for wamid, moment in came.items()]),
            "CPU seconds": spent.seconds,
            "warnings of the worker": warnings,
        },
        problems=problems,
    )


async def _arrive(
    line: Line, watch: Watch, arrived: list[File]
) -> tuple[dict[str, float], list[float], dict[str, float]]:
    """When each webhook was due to be sent, how long its answer took from then, and when its file was seen stored."""
    came: dict[str, float] = {}
    acks = []
    pending = {arrived[0].wamid}
    watching = asyncio.create_task(watch.until(pending, limit=120 + len(arrived) / RATE))
    began = time.time() + 0.05
    for place, file in enumerate(arrived):
        due = began + place / RATE
        await asyncio.sleep(max(0.0, due - time.time()))
        pending.add(file.wamid)
        if watching.done():
            await watching  # it may have failed
            watching = asyncio.create_task(watch.until(pending))
        await line.arrive([file])
        came[file.wamid] = due
        acks.append(time.time() - due)
    await watching
    await watch.until(pending)
    return came, acks, watch.stored
