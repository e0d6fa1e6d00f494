"""The demo as a person runs it: its own process, its output, its exit status, and its manners at a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import struct
import sys
import zlib
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager

import pytest

from examples.demo.picture import HEIGHT, WIDTH, sunset
from tests.flows.own_stack import own_stack

DEMO = (sys.executable, "-m", "examples.demo")
HEADLINES = (
    "Setting up",
    "A customer writes",
    "The agent answers",
    "A picture arrives",
    "The 24 hours are over",
    "A forged webhook is refused",
    "A stranger sees nothing",
)
TICKS = ("queued", "sending", "sent", "delivered", "read")
ESCAPE = "\x1b["


@pytest.fixture(scope="module")
async def app() -> AsyncIterator[Mapping[str, str]]:
    """The environment of the running stack if it has webhook and worker, else of a new one."""
    if "WEBHOOK_URL" in os.environ:
        yield os.environ
        return
    async with own_stack("--app") as environment:
        yield environment


async def finished(*arguments: str, environment: Mapping[str, str]) -> tuple[int | None, str]:
    """Exit status and all output of a demo that ends by itself."""
    process = await asyncio.create_subprocess_exec(
        *(*DEMO, *arguments), env=environment, stdin=DEVNULL, stdout=PIPE, stderr=STDOUT
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode, output.decode()


class Terminal:
    """Somebody sits at a pseudo-terminal: types, and sees everything."""

    def __init__(self, descriptor: int, process: Process) -> None:
        self.process = process
        self.seen = ""
        self._descriptor = descriptor
        self._changed = asyncio.Event()

    def read(self) -> None:
        with contextlib.suppress(OSError):  # the other side has closed
            self.seen += os.read(self._descriptor, 65536).decode(errors="replace")
        self._changed.set()

    def type(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())

    async def until(self, pattern: str) -> None:
        """Until a line fits. What is typed is echoed, so a pattern must fit the answer only."""
        try:
            async with asyncio.timeout(30):
                while not re.search(pattern, self.seen):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pytest.fail(f"{pattern!r} was not seen in:\n{self.seen}")


@contextmanager
def pseudo_terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = os.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        with contextlib.suppress(OSError):
            os.close(theirs)


@asynccontextmanager
async def at_a_terminal(*arguments: str, environment: Mapping[str, str]) -> AsyncIterator[Terminal]:
    with pseudo_terminal() as (ours, theirs):
        process = await asyncio.create_subprocess_exec(
            *(*DEMO, *arguments), env=environment, stdin=theirs, stdout=theirs, stderr=theirs
        )
        terminal = Terminal(ours, process)
        asyncio.get_running_loop().add_reader(ours, terminal.read)
        try:
            yield terminal
        finally:
            asyncio.get_running_loop().remove_reader(ours)
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.fixture
def nowhere() -> Iterator[dict[str, str]]:
    """An environment that is complete, with nobody at its addresses: the port is taken, but does not listen."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        urls = dict.fromkeys(("SUPABASE_URL", "PROVIDER_URL", "WEBHOOK_URL"), address)
        keys = dict.fromkeys(("SUPABASE_ANON_KEY", "SUPABASE_SERVICE_ROLE_KEY", "WHATSAPP_WEBHOOK_SECRET"), "key")
        yield {**os.environ, **urls, **keys}


async def test_every_step_of_the_story_is_seen_and_told_plainly(app: Mapping[str, str]) -> None:
    status, output = await finished("--once", environment=app)
    assert status == 0, output
    assert re.findall(r"^\d  (.+)$", output, re.MULTILINE) == list(HEADLINES)
    assert output.count("seen in") == len(HEADLINES) + 1  # each step, and the summary of all
    assert ESCAPE not in output
    for told in re.findall(r"^ +status +(.+?) *$", output, re.MULTILINE):
        ticks = re.findall(r"[a-z]+", told)
        assert ticks == [status for status in TICKS if status in ticks], "only ever forward"
        assert ticks[-1] == "read"


async def test_without_a_worker_the_demo_fails_and_names_the_step() -> None:
    async with own_stack("--app") as environment:
        os.kill(int(environment["WORKER_PID"]), signal.SIGKILL)
        status, output = await finished("--once", "--deadline", "10", environment=environment)
    assert status == 1
    assert output.rstrip().endswith("✗ The agent answers: the status read did not come within 10 s")
    assert "A picture arrives" not in output


async def test_at_a_terminal_one_plays_on_until_ctrl_c(app: Mapping[str, str]) -> None:
    async with at_a_terminal(environment=app) as terminal:
        await terminal.until("begin it with >")
        assert re.search(r"inbox .*(http://127\.0\.0\.1:\d+/demo\.html|run `make inbox`)", terminal.seen)
        terminal.type("Is there cake?")
        await terminal.until(r"Noa.*text: Is there cake\?")
        terminal.type("> Plenty.")
        await terminal.until(r"Dana.*text: Plenty\. .*read")
        terminal.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(terminal.process.wait(), 10) == 0


@pytest.mark.parametrize("no_color", ["", "1"])
async def test_a_terminal_is_given_colour_unless_no_color_is_set(nowhere: dict[str, str], no_color: str) -> None:
    async with at_a_terminal("--once", environment={**nowhere, "NO_COLOR": no_color}) as terminal:
        await terminal.until("✗ Setting up: ")
        assert await asyncio.wait_for(terminal.process.wait(), 10) == 1
        assert (ESCAPE in terminal.seen) is (no_color == "")


async def test_all_missing_settings_are_named_at_once(nowhere: dict[str, str]) -> None:
    for name in ("PROVIDER_URL", "WEBHOOK_URL"):
        del nowhere[name]
    status, output = await finished("--once", environment=nowhere)
    assert status == 2
    assert output.startswith("demo: not set: PROVIDER_URL, WEBHOOK_URL\n")


def test_the_picture_is_a_real_png() -> None:
    png = sunset()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    position, data, names = 8, b"", []
    while position < len(png):
        size, name = struct.unpack_from(">I4s", png, position)
        body = png[position + 8 : position + 8 + size]
        assert struct.unpack_from(">I", png, position + 8 + size) == (zlib.crc32(name + body),)
        data += body if name == b"IDAT" else b""
        names.append(name)
        position += size + 12
    assert names == [b"IHDR", b"IDAT", b"IEND"]
    assert len(zlib.decompress(data)) == HEIGHT * (1 + 3 * WIDTH)
