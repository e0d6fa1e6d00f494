"""The receivers that are compared, each a process of its own, started as an operator would."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.load_client import Connection

ROOT = Path(__file__).parent.parent
START_LIMIT = 20.0
STOP_LIMIT = 30.0

OURS = ("webhook",)
EMPTY = ("bench.empty",)
EMPTY_READ = ("bench.empty", "--read")
NAIVE = ("bench.naive",)
PROVIDER = ("bench.fake_provider",)


class ReceiverFailure(Exception):
    """It did not start, or ended before its time; the message ends with its last words."""


@dataclass(frozen=True)
class Receiver:
    """A running one."""

    port: int
    process: Process

    @property
    def pid(self) -> int:
        return self.process.pid

    async def get(self, path: str) -> bytes:
        """The body of an answer."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(f"GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            return await reader.readexactly(length)
        finally:
            writer.close()

    async def until_first(self) -> None:
        """Of the fake provider: until something has been sent."""
        deadline = asyncio.get_running_loop().time() + START_LIMIT
        while await self.get("/count") == b"0":
            if asyncio.get_running_loop().time() > deadline:
                raise ReceiverFailure("nothing reached the provider")
            await asyncio.sleep(0.01)


@asynccontextmanager
async def running(command: Sequence[str], environment: Mapping[str, str] = os.environ) -> AsyncIterator[Receiver]:
    """`python -m <command>` on a free port, answering; ended by a signal as on a deploy."""
    with TemporaryDirectory(prefix="bench-") as folder:
        log = Path(folder) / "log"
        port = free_port()
        with log.open("wb") as output:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", *command),
                cwd=ROOT,
                env={**environment, "WEBHOOK_HOST": "127.0.0.1", "WEBHOOK_PORT": str(port)},
                stdin=DEVNULL,
                stdout=output,
                stderr=output,
            )
        try:
            await _until_alive(port, process, log)
            yield Receiver(port, process)
            if process.returncode is not None:
                raise ReceiverFailure(f"{command[0]} ended with status {process.returncode}{last_words(log)}")
        finally:
            await stop(process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _until_alive(port: int, process: Process, log: Path) -> None:
    connection = Connection(port)
    deadline = asyncio.get_running_loop().time() + START_LIMIT
    while process.returncode is None and asyncio.get_running_loop().time() < deadline:
        try:
            if await connection.post(b"GET /livez HTTP/1.1\r\nHost: bench\r\n\r\n") == 200:
                connection.close()
                return
        except (OSError, EOFError):
            await asyncio.sleep(0.05)
    raise ReceiverFailure(f"it does not answer{last_words(log)}")


async def stop(process: Process) -> None:
    if process.returncode is None:
        process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_LIMIT)
    except TimeoutError:
        process.kill()
        await process.wait()


def last_words(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()[-5:]
    return ": " + " | ".join(lines) if lines else ""
