"""The command that `run` runs: it gets the terminal and the signals, and its exit status is the answer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Iterator, Mapping, Sequence

from devstack.children import Children
from devstack.failure import StackFailure

PATIENCE = 10.0  # seconds the command has after a signal
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def find(name: str) -> str:
    """The program's path. Raises StackFailure."""
    program = shutil.which(name)
    if program is None:
        raise StackFailure(f"There is no command `{name}`.")
    return program


async def run(command: Sequence[str], environment: Mapping[str, str], children: Children) -> int:
    """Run it to its end. A death by signal n is 128 + n, as in a shell."""
    with _terminal_kept():
        process = await children.spawn(*command, env=environment, stdin=None)
        _give_terminal(process.pid)
        with _forwarding(process):
            status = await process.wait()
    return 128 - status if status < 0 else status


@contextlib.contextmanager
def _forwarding(process: Process) -> Iterator[None]:
    """Signals go to the command's whole group; a second one, or ten seconds, and it is killed."""
    loop = asyncio.get_running_loop()
    timers: list[asyncio.TimerHandle] = []

    def kill(number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def forward(number: int) -> None:
        kill(signal.SIGKILL if timers else number)
        timers.append(loop.call_later(PATIENCE, kill, signal.SIGKILL))

    for number in SIGNALS:
        loop.add_signal_handler(number, forward, number)
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        for number in SIGNALS:  # what follows is short and ends by itself
            loop.add_signal_handler(number, lambda: None)


def _has_terminal() -> bool:
    """Whether we are a terminal's foreground job and may hand that on."""
    try:
        return sys.stdin.isatty() and os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


@contextlib.contextmanager
def _terminal_kept() -> Iterator[None]:
    """Take the terminal back afterwards; a background job may do that only while it ignores SIGTTOU."""
    if not _has_terminal():
        yield
        return
    former = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    try:
        yield
    finally:
        os.tcsetpgrp(0, os.getpgrp())
        signal.signal(signal.SIGTTOU, former)


def _give_terminal(group: int) -> None:
    """A command in a group of its own could not read the terminal (a debugger, a shell) unless it is in front."""
    if _has_terminal():
        os.tcsetpgrp(0, group)
        os.killpg(group, signal.SIGCONT)
