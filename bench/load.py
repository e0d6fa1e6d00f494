"""Sends a load from a process of its own: `wrk` where there is one, else load_client.py. Both answer in one form."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.webhooks import BEHIND, NEWCOMERS, STRIDE, TURNS, Webhooks, pieces

SCRIPT = Path(__file__).with_name("load.lua")
PERCENTILES = (50, 90, 99, 99.9)
# An answer that takes longer is an error. Beyond the 5 s that providers wait: what is slow shall be seen as slow.
TIMEOUT = 20
# Enough that groups form while one is on its way: with 64 a sixth of two cores waits for the load.
CONNECTIONS = 256


class LoadFailure(Exception):
    """The load could not be produced; the message says why."""


@dataclass(frozen=True)
class Load:
    """How webhooks are sent: `seconds` at full speed; or `quota` of them, at full speed or `rate` a second."""

    port: int
    path: str
    token: str
    webhooks: Webhooks
    seconds: int
    connections: int = CONNECTIONS
    threads: int = 1
    rate: int = 0
    quota: int = 0

    def head(self, length: int) -> str:
        """A request up to its body."""
        return (
            f"POST {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        )


@dataclass(frozen=True)
class Answers:
    """What came back. Latencies and lateness in milliseconds."""

    answered: int
    ok: int
    seconds: float
    sent: int  # begun: more than answered when the load was cut off
    refused: int  # any status but 2xx and 3xx
    broken: dict[str, int]  # connections: connect, read, write, timeout
    latency: dict[str, float]  # p50, p90, p99, p99.9, max
    lateness: dict[str, float] = field(default_factory=dict)  # of the sends, against the schedule
    since_due: bool = False  # latency counts from when a request was due, not from when it was sent
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return self.ok / self.seconds if self.seconds else 0.0

    @property
    def felt_p99(self) -> float:
        """What 99 of 100 requests waited at most, counted from when they were due: never less than the truth."""
        return self.latency["p99"] + (0.0 if self.since_due else self.lateness["p99"])

    @property
    def failed(self) -> int:
        """Whatever did not get its 200."""
        return self.sent - self.ok


def generator() -> str:
    return "wrk" if shutil.which("wrk") else "load_client.py"


async def send(load: Load) -> Answers:
    """The load from beginning to end."""
    return await (_wrk(load) if shutil.which("wrk") else _client(load))


async def _client(load: Load) -> Answers:
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.load_client", stdin=PIPE, stdout=PIPE)
    async with _ended(process):
        output, _ = await process.communicate(json.dumps(asdict(load)).encode())
    if process.returncode:
        raise LoadFailure(f"load_client.py ended with status {process.returncode}")
    return Answers(**json.loads(output))


async def _wrk(load: Load) -> Answers:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        settings, result = folder / "settings.lua", folder / "result.json"
        settings.write_text(
            "return " + lua({**_settings(load), "result": str(result), "finished": str(folder / "finished")})
        )
        process = await asyncio.create_subprocess_exec(
            *("wrk", f"-t{load.threads}", f"-c{load.connections}", f"-d{load.seconds}", f"--timeout={TIMEOUT}"),
            *("-s", str(SCRIPT), f"http://127.0.0.1:{load.port}/", "--", str(settings)),
            stdout=DEVNULL,
            stderr=PIPE,
        )
        async with _ended(process):
            if load.quota:
                await _interrupt_when_finished(process, [folder / f"finished{t}" for t in range(load.threads)])
            _, errors = await process.communicate()
        if not result.exists():
            raise LoadFailure(f"wrk: {errors.decode(errors='replace').strip() or 'no result'}")
        return _answers(load, json.loads(result.read_text()))


async def _interrupt_when_finished(process: Process, marks: list[Path]) -> None:
    """wrk sleeps through its whole duration, whatever its threads say; a signal wakes it."""
    while process.returncode is None and not all(mark.exists() for mark in marks):  # noqa: ASYNC110 - not our events
        await asyncio.sleep(0.02)
    if process.returncode is None:
        process.send_signal(signal.SIGINT)


@asynccontextmanager
async def _ended(process: Process) -> AsyncIterator[None]:
    """Whatever happens, it does not outlive this."""
    try:
        yield
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def _settings(load: Load) -> dict[str, Any]:
    """What load.lua has to know. Lengths are fixed for each kind, so the heads are, too."""
    webhooks = load.webhooks
    known = {"number": webhooks.number, "waba": webhooks.waba, "run": webhooks.run}
    kinds = {}
    for kind in TURNS[webhooks.turn]:
        place = TURNS[webhooks.turn].index(kind)
        cut = pieces(kind, known)
        cut[0] = load.head(len(webhooks.body(place))) + cut[0]
        kinds[kind] = {"pieces": cut, "behind": BEHIND[kind]}
    return {
        "threads": load.threads,
        "connections": load.connections,
        "rate": load.rate,
        "quota": load.quota,
        "turns": list(TURNS[webhooks.turn]),
        "kinds": kinds,
        "stride": STRIDE,
        "newcomers": NEWCOMERS,
        "percentiles": list(PERCENTILES),
        **{name: value for name, value in asdict(webhooks).items() if isinstance(value, int)},
    }


def _answers(load: Load, told: dict[str, Any]) -> Answers:
    """wrk's numbers in the common form."""
    seconds = told["span"] if load.quota else told["duration"]
    return Answers(
        answered=told["answered"],
        ok=told["answered"] - told["refused"],
        seconds=seconds,
        sent=told["sent"],
        refused=told["refused"],
        broken=told["broken"],
        latency=told["latency"],
        lateness=told["lateness"],
        # At full speed wrk is asked for no more than these two.
        statuses=told["statuses"] or {"200": told["answered"] - told["refused"], "4xx, 5xx": told["refused"]},
    )


def lua(value: Any) -> str:
    """A value as a Lua expression, whole settings as a file that returns them."""
    if isinstance(value, dict):
        inner = ", ".join(f"[{lua(key)}] = {lua(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return "{" + ", ".join(lua(item) for item in value) + "}"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "\\r").replace("\n", "\\n")
        return f'"{escaped}"'
    return json.dumps(value)
