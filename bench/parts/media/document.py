"""A document of 100 MB, alone: through the worker and through `curl | curl`, in turn, same provider, same gateway."""

from __future__ import annotations

import asyncio
import statistics
import time
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import arrivals
from bench.arrivals import BUCKET, Line
from bench.fake_media import PATH
from bench.journal import drained
from bench.media_files import File
from bench.outcome import Figure, Outcome, Target
from bench.processes import spending
from bench.receivers import OURS, Receiver, ReceiverFailure, running
from bench.stand import Stand
from bench.workers import working

MEGABYTE = 1024 * 1024
SIZE = 100 * MEGABYTE
# Sixty files of 100 MiB: after some two gigabytes the kernel writes them to the disk beside us, as it does wherever
# files keep coming, and no longer only takes them into memory.
ROUNDS = 30
PROVIDER = ("bench.fake_media",)
# What comes before anybody is timed, one after the other: each of PostgREST's ten sessions reads and plans what it is
# asked for the first time, which is up to 15 ms more, and a worker that has been at it for a minute is past that.
BEFORE = [File("image", 100_000, number) for number in range(40)]


async def measure(stand: Stand) -> Outcome:
    rounds = 3 if stand.quick else ROUNDS
    tenant = await arrivals.shop(stand)
    files = [File("document", SIZE, number) for number in range(rounds)]
    rates: dict[str, list[float]] = {"from the lookup": [], "from the webhook": [], "curl | curl": []}
    peaks, problems = [], []
    waits: list[tuple[float, float, float]] = []
    async with running(PROVIDER) as provider, running(OURS) as receiver, working(provider) as at_work:
        await at_work.live()
        line = Line(stand, tenant, receiver)
        for file in files:  # its hash is known to the provider before anybody is timed
            await provider.get(f"/{file.id}")
        for file in BEFORE:
            await line.arrive([file])
            await arrivals.stored(stand.database, file)
        await arrivals.asked(provider)
        idle = _status(at_work.pids[0], "VmRSS")
        parts = stand.spending_of(worker=at_work.pids, provider=[provider.pid])
        async with spending(parts) as spent:
            for file in files:
                rates["curl | curl"].append(SIZE / MEGABYTE / await _curl(stand, provider, file))
                with _peak(at_work.pids[0]) as peak:
                    came = await line.arrive([file])
                    stored = await arrivals.stored(stand.database, file)
                peaks += peak
                (looked_up, _), *more = await arrivals.asked(provider)
                if more:
                    problems.append(f"file {file.number} was looked up {1 + len(more)} times")
                row, claimed = await arrivals.stages(stand.database, tenant, file)
                waits.append((row - came, claimed - row, looked_up - claimed))
                rates["from the lookup"].append(SIZE / MEGABYTE / (stored - looked_up))
                rates["from the webhook"].append(SIZE / MEGABYTE / (stored - came))
        await drained(stand.database)
        line.close()
        warnings = at_work.warnings()
    problems += await arrivals.problems(stand, tenant, files + BEFORE, looked_at=rounds + len(BEFORE))
    await arrivals.cleared(stand)
    figures: dict[str, Figure] = {
        f"{name}, ms": [round(wait[place] * 1000) for wait in waits]
        for place, name in enumerate(("webhook to row", "row to claim", "claim to lookup"))
    }
    figures["worker's memory idle, MB"] = idle
    figures["CPU seconds, curl | curl and worker together"] = spent.seconds
    figures["warnings of the worker"] = warnings
    return _outcome(rates, [peak - idle for peak in peaks], figures, problems)


def _outcome(
    rates: dict[str, list[float]], above: list[float], others: dict[str, Figure], problems: list[str]
) -> Outcome:
    figures: dict[str, Figure] = {}
    for name, values in rates.items():
        figures[f"{name}, MiB/s: median"] = statistics.median(values)
        figures[f"{name}, MiB/s: each"] = values
    curl = rates["curl | curl"]
    ratios = {}
    for name in ("from the lookup", "from the webhook"):
        each = [ours / theirs for ours, theirs in zip(rates[name], curl, strict=True)]
        figures[f"{name}, over curl | curl: each"] = each
        ratios[name] = statistics.median(each)
    figures["rate from the webhook over curl | curl's"] = ratios["from the webhook"]
    # What is measured beside others is theirs as well: the fastest of each had the machine to itself the most.
    figures["fastest from the lookup over fastest curl | curl"] = max(rates["from the lookup"]) / max(curl)
    figures["worker's peak above idle, MB"] = above
    targets = [
        Target("rate from the lookup over curl | curl's", ratios["from the lookup"], 0.8, at_least=True),
        Target("worker's peak above idle, MB", max(above), 32),
    ]
    return Outcome(figures | others, targets, problems)


async def _curl(stand: Stand, provider: Receiver, file: File) -> float:
    """Seconds. The address is known and nothing is looked up, hashed or recorded. What it stores is removed again."""
    key, path = stand.project.service_role_key, f"/object/{BUCKET}/bench/{file.number}"
    down = f"curl -sSf -H 'D360-API-KEY: key' 'http://127.0.0.1:{provider.port}{PATH}?mid={file.id}&ext=1&hash=1'"
    # Without `Expect`, which would make it wait for leave to send.
    up = (
        f"curl -sSf -X POST -T - -H 'Expect:' -H 'apikey: {key}' -H 'Authorization: Bearer {key}'"
        f" -H 'Content-Type: {file.mime_type}' -H 'x-upsert: true' '{stand.project.url}/storage/v1{path}'"
    )
    command = ("bash", "-c", f"set -o pipefail; {down} | {up}")
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(*command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
    _, errors = await process.communicate()
    took = time.monotonic() - began
    if process.returncode:
        raise ReceiverFailure(f"curl ended with status {process.returncode}: {errors.decode()[:300]}")
    async with arrivals.storage(stand.project) as http:
        (await http.delete(path)).raise_for_status()
    return took


@contextmanager
def _peak(pid: int) -> Iterator[list[float]]:
    """The most memory that a process had within the block, in MB, as the kernel has kept it."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    seen: list[float] = []
    yield seen
    seen.append(_status(pid, "VmHWM"))


def _status(pid: int, field: str) -> float:
    """A field of a process's status in MB."""
    text = Path(f"/proc/{pid}/status").read_text()
    return round(int(text.partition(f"{field}:")[2].split()[0]) / 1024, 1)
