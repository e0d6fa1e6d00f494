"""The product's two processes, as an operator runs them: started, watched, signalled, killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.flows.waiting import until
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
STARTS_WITHIN = 30.0  # on a machine that does much else
ENDS_WITHIN = 50.0  # docs/settings.md: at most 5 s later than twice WORKER_GRACE_SECONDS


@dataclass
class Program:
    """A running `python -m webhook` or `python -m worker`; everything it says goes to `log`."""

    process: Process
    log: Path
    url: str = ""

    @property
    def said(self) -> str:
        return self.log.read_text()

    async def until_said(self, word: str, within: float = 20, times: int = 1) -> None:
        async def said() -> str:
            assert self.process.returncode is None, f"ended: {self.said}"
            return self.said

        await until(said, lambda text: text.count(word) >= times, within)

    async def until_answering(self, path: str) -> None:
        async with httpx.AsyncClient() as http:

            async def status() -> int:
                assert self.process.returncode is None, f"ended: {self.said}"
                with contextlib.suppress(httpx.HTTPError):
                    return (await http.get(self.url + path)).status_code
                return 0

            await until(status, lambda status: status == 200, STARTS_WITHIN)

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, within: float = ENDS_WITHIN) -> int:
        """The exit status, once it has ended by itself."""
        try:
            return await asyncio.wait_for(self.process.wait(), within)
        except TimeoutError:
            raise AssertionError(f"still there after {within} s: {self.said}") from None

    async def kill(self) -> None:
        """SIGKILL: no farewell of any kind."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()


@dataclass
class Programs:
    """Starts programs; whatever still runs at the end is killed. `tree` is where their code is."""

    folder: Path
    tree: Path = ROOT
    started: list[Program] = field(default_factory=list)

    async def webhook(self, ready: str = "/readyz", port: int = 0, **settings: str) -> Program:
        """A receiver that answers."""
        port = port or free_port()
        program = await self.start("webhook", WEBHOOK_PORT=str(port), **settings)
        program.url = f"http://127.0.0.1:{port}"
        await program.until_answering(ready)
        return program

    async def worker(self, ready: str = "doorbell.live", **settings: str) -> Program:
        """A worker whose doorbell works."""
        program = await self.start("worker", **settings)
        await program.until_said(ready, STARTS_WITHIN)
        return program

    async def start(self, module: str, *arguments: str, **settings: str) -> Program:
        """Starts a module and waits for nothing. An empty setting counts as not set."""
        log = self.folder / f"{module}-{len(self.started)}.log"
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", module, *arguments),
                cwd=self.tree,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **settings},
                stdout=output,
                stderr=output,
            )
        self.started.append(Program(process, log))
        return self.started[-1]


@asynccontextmanager
async def programs_in(folder: Path, tree: Path = ROOT) -> AsyncIterator[Programs]:
    programs = Programs(folder, tree)
    try:
        yield programs
    finally:
        for program in programs.started:
            await program.kill()
