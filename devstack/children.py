"""Starts the stack's processes so that none of them, and no folder of theirs, outlives the stack."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from devstack import reaper
from devstack.account import Account

STOP_PATIENCE = 5.0  # seconds between the polite signal and SIGKILL


class Children:
    """Every process here leads its own group, carries the stack's mark, and is known to the reaper."""

    def __init__(self, watcher: Process, mark: str) -> None:
        self._watcher = watcher
        self._mark = mark
        self._waiters: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls) -> Children:
        """Start the reaper. It must not carry the mark of a stack around this one: it has to survive that one's end."""
        mark = secrets.token_hex(8)
        environment = {name: value for name, value in os.environ.items() if name != reaper.MARK}
        watcher = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", reaper.__file__, mark),
            env=environment,
            stdin=PIPE,
            stdout=DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        return cls(watcher, mark)

    def owns(self, folder: Path) -> None:
        """Have this folder removed when the stack is gone."""
        self._tell(f"folder {folder}")

    async def spawn(
        self,
        program: str | Path,
        *arguments: str | Path,
        env: Mapping[str, str],
        account: Account | None = None,
        output: IO[Any] | int | None = None,
        verb: str = "group",
        **options: Any,
    ) -> Process:
        """Start a process in its own group. `verb` is how the reaper ends it; `account` runs it as another user."""
        process = await asyncio.create_subprocess_exec(
            str(program),
            *map(str, arguments),
            env={**env, reaper.MARK: self._mark},
            stdin=options.pop("stdin", DEVNULL),
            stdout=output,
            stderr=output,
            process_group=0,
            **(account.popen_options() if account else {}),
            **options,
        )
        self._tell(f"{verb} {process.pid}")
        waiter = asyncio.create_task(self._forget(process))
        self._waiters.add(waiter)
        waiter.add_done_callback(self._waiters.discard)
        return process

    async def close(self) -> None:
        """Let the reaper finish: it kills what is left, removes the folders, and ends."""
        if self._watcher.stdin is not None:
            self._watcher.stdin.close()
        await self._watcher.wait()
        await asyncio.gather(*self._waiters)

    async def _forget(self, process: Process) -> None:
        """A dead process's id may be given to a stranger: the reaper must not hold on to it."""
        await process.wait()
        self._tell(f"forget {process.pid}")

    def _tell(self, line: str) -> None:
        if self._watcher.stdin is not None and not self._watcher.stdin.is_closing():
            self._watcher.stdin.write(f"{line}\n".encode())


async def stop(process: Process | None, number: int = signal.SIGTERM, patience: float = STOP_PATIENCE) -> None:
    """Signal a process's whole group and wait; SIGKILL after `patience` seconds."""
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        await asyncio.wait_for(process.wait(), patience)
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
