"""Where the CPU goes and how memory grows, out of /proc."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
MEGABYTE = 1024 * 1024
# What a webhook costs: everything but the load and the looking.
RECEIVING = ("receiver", "postgres", "postgrest", "gateway")


@dataclass(frozen=True)
class Parts:
    """The process ids of what shares this machine's cores; `measured` by the names they are shown with."""

    measured: Mapping[str, Sequence[int]]
    postgres: int
    devstack: int


def cpu_seconds(parts: Parts) -> dict[str, float]:
    """CPU time used so far, by part; `load` is what has ended below us, `observer` is ourselves."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    ourselves = resource.getrusage(resource.RUSAGE_SELF)
    below = list(_descendants(parts.devstack))
    return {
        **{name: sum(map(_cpu, pids)) for name, pids in parts.measured.items()},
        "postgres": _cpu(parts.postgres, ended_below=True)
        + sum(_cpu(pid, ended_below=True) for pid in _descendants(parts.postgres)),
        "postgrest": sum(_cpu(pid) for pid in below if _name(pid).startswith("postgrest")),
        "gateway": _cpu(parts.devstack),
        "load": children.ru_utime + children.ru_stime,
        "observer": ourselves.ru_utime + ourselves.ru_stime,
        "machine": _machine(),
    }


@dataclass
class Spent:
    """CPU seconds by part, over a stretch of time. What the machine did besides is `others`."""

    seconds: dict[str, float] = field(default_factory=dict)


@asynccontextmanager
async def spending(parts: Parts) -> AsyncIterator[Spent]:
    """Counts from here to the end of the block."""
    before, spent = cpu_seconds(parts), Spent()
    yield spent
    after = cpu_seconds(parts)
    used = {name: after[name] - before[name] for name in before}
    used["others"] = max(0.0, used["machine"] - sum(value for name, value in used.items() if name != "machine"))
    spent.seconds = {name: round(value, 2) for name, value in used.items()}


@asynccontextmanager
async def memory_of(pid: int, every: float) -> AsyncIterator[list[float]]:
    """Its resident memory in MB: now, every so many seconds, and at the end of the block."""
    seen = [memory(pid)]

    async def look() -> None:
        while True:
            await asyncio.sleep(every)
            seen.append(memory(pid))

    task = asyncio.create_task(look())
    try:
        yield seen
    finally:
        task.cancel()
        seen.append(memory(pid))


def running_time(pid: int) -> float:
    """CPU seconds of one process, to the microsecond; by ticks where the kernel does not count so finely."""
    try:
        finely = int((PROC / str(pid) / "schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        finely = 0
    return finely / 1e9 if finely else _cpu(pid)


def memory(pid: int) -> float:
    """Resident now, in MB."""
    pages = int((PROC / str(pid) / "statm").read_text().split()[1])
    return round(pages * resource.getpagesize() / MEGABYTE, 1)


def _stat(pid: int) -> list[str]:
    """The fields from the third on; a name may contain anything, so they begin behind its last bracket."""
    try:
        return (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _name(pid: int) -> str:
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except OSError:
        return ""


def _cpu(pid: int, ended_below: bool = False) -> float:
    fields = _stat(pid)
    return sum(map(int, fields[11 : 15 if ended_below else 13])) / TICKS


def _machine() -> float:
    """All that all cores have done: user, nice, system, irq, softirq."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, (PROC / "stat").read_text().split()[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def _descendants(pid: int) -> Iterator[int]:
    parents = {int(path.name): _stat(int(path.name)) for path in PROC.iterdir() if path.name.isdigit()}
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        for child, fields in parents.items():
            if fields and int(fields[1]) == parent:
                waiting.append(child)
                yield child
