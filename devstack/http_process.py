"""A process that serves HTTP: started, and waited for until it says that it is ready."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path

import aiohttp

from devstack.children import Children
from devstack.failure import StackFailure
from devstack.packages import ROOT

START_LIMIT = 20.0
TAIL = 8


async def start_module(
    children: Children,
    module: str,
    *arguments: str,
    env: Mapping[str, str],
    log: Path | None,
    ready: str | None,
) -> Process:
    """`python -m module`, ready when `ready` answers 200. Its output goes to `log`, or to the terminal if None."""
    output = log.open("ab") if log else None
    process = await children.spawn(
        *(sys.executable, "-m", module, *arguments),
        env={**env, "PYTHONUNBUFFERED": "1"},
        output=output,
        cwd=ROOT,
    )
    if output:
        output.close()
    if ready:
        try:
            await asyncio.wait_for(_until_ready(process, module, ready, log), START_LIMIT)
        except TimeoutError:
            raise StackFailure(f"`python -m {module}` was not ready after {START_LIMIT:.0f} s{tail(log)}") from None
    return process


async def _until_ready(process: Process, module: str, ready: str, log: Path | None) -> None:
    async with aiohttp.ClientSession() as session:
        while True:
            if process.returncode is not None:
                raise StackFailure(f"`python -m {module}` ended with status {process.returncode}{tail(log)}")
            try:
                async with session.get(ready) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)


def tail(log: Path | None) -> str:
    """The last lines a process wrote, as the end of a sentence."""
    lines = log.read_text(errors="replace").strip().splitlines()[-TAIL:] if log else []
    return ":\n  " + "\n  ".join(lines) if lines else "."
