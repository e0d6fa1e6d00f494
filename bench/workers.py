"""Workers under load, each a process of its own, started as an operator would."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.journal import NotDrained
from bench.populate import Database
from bench.receivers import ROOT, START_LIMIT, Receiver, ReceiverFailure, free_port, last_words, stop

# Canaries of the doorbell lie there, too.
WAITING = "select exists (select from outbox where workspace_id is not null)"
SENT = "select extract(epoch from max(sent_at))::float from messages where direction = 'outbound'"


@dataclass(frozen=True)
class Workers:
    """One or several that send to the same provider."""

    processes: list[Process]
    logs: list[Path]
    ports: list[int]

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self.processes]

    @property
    def answering(self) -> list[Receiver]:
        """Their status servers, of those that were started with one."""
        return [Receiver(port, process) for port, process in zip(self.ports, self.processes, strict=True)]

    async def live(self) -> None:
        """Until each hears the doorbell."""
        deadline = time.monotonic() + START_LIMIT
        while not all(b"doorbell.live" in log.read_bytes() for log in self.logs):
            if time.monotonic() > deadline:
                raise ReceiverFailure(f"a worker does not hear the doorbell{last_words(self.logs[0])}")
            await asyncio.sleep(0.05)

    def warnings(self) -> int:
        """Lines of their logs that speak of something unusual."""
        return sum(log.read_bytes().count(b"warning") + log.read_bytes().count(b"error") for log in self.logs)


@asynccontextmanager
async def working(
    provider: Receiver | None, count: int = 1, sends: int | None = None, status: bool = False
) -> AsyncIterator[Workers]:
    """So many `python -m worker`, ended by a signal as on a deploy.

    `provider` None is the simulated WhatsApp of the stack; `sends` on the wire of each, None: its default; with
    `status` each answers at a port of its own.
    """
    with TemporaryDirectory(prefix="bench-") as folder:
        logs = [Path(folder) / f"worker-{number}" for number in range(count)]
        environment = dict(os.environ)
        ports = [free_port() for _ in logs] if status else []
        if provider:
            environment["WHATSAPP_360_BASE_URL"] = f"http://127.0.0.1:{provider.port}"
        if sends:
            environment["WORKER_SENDS"] = str(sends)
        processes = []
        try:
            for number, log in enumerate(logs):
                if status:
                    environment |= {"WORKER_STATUS_HOST": "127.0.0.1", "WORKER_STATUS_PORT": str(ports[number])}
                with log.open("wb") as output:
                    processes.append(
                        await asyncio.create_subprocess_exec(
                            *(sys.executable, "-m", "worker"),
                            cwd=ROOT,
                            env=environment,
                            stdin=DEVNULL,
                            stdout=output,
                            stderr=output,
                        )
                    )
            yield Workers(processes, logs, ports)
            for process, log in zip(processes, logs, strict=True):
                if process.returncode is not None:
                    raise ReceiverFailure(f"a worker ended with status {process.returncode}{last_words(log)}")
        finally:
            for process in processes:
                await stop(process)


async def all_sent(database: Database, limit: float = 600.0) -> float:
    """Waits until the outbox is empty; the moment on the wall clock at which the last message was recorded."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        row = await (await database.execute(WAITING)).fetchone()
        if row is not None and not row[0]:
            row = await (await database.execute(SENT)).fetchone()
            assert row is not None
            return float(row[0])
        await asyncio.sleep(0.05)
    raise NotDrained(f"messages still waited after {limit:.0f} s")
