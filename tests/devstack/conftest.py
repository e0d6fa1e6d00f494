"""Stacks of one's own, for tests that stop and kill them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from devstack import reaper
from devstack.packages import ROOT

# Shows its environment, then stays until its standard input ends.
SHOW_AND_WAIT = (
    sys.executable,
    "-c",
    "import json, os, sys; print(json.dumps(dict(os.environ)), flush=True); sys.stdin.read()",
)


@dataclass
class OwnStack:
    """A `python -m devstack run` whose command has told its environment and waits."""

    process: Process
    environment: dict[str, str]

    @classmethod
    async def told_by(cls, process: Process) -> OwnStack:
        """Wait until the command has shown its environment."""
        assert process.stdout is not None
        async with asyncio.timeout(90):
            return cls(process, json.loads(await process.stdout.readline()))

    @property
    def leftovers(self) -> list[object]:
        """Processes and folders of this stack that are still there."""
        folder = Path(self.environment["DEVSTACK_LOGS"])
        return [*reaper.marked(self.environment[reaper.MARK]), *([folder] if folder.exists() else [])]

    async def end(self) -> int:
        """Let the command end by itself."""
        if self.process.stdin:
            self.process.stdin.close()
        return await self.process.wait()


async def eventually(condition: Callable[[], Awaitable[bool]], within: float) -> None:
    """Wait for a condition with a deadline."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - it comes true outside this process
            await asyncio.sleep(0.02)


async def devstack(*arguments: str | Path, env: dict[str, str], **options: object) -> Process:
    """`python -m devstack …` with pipes on all sides."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devstack", *map(str, arguments)),
        env={**os.environ, **env},
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
    )


@pytest.fixture
def no_migrations(tmp_path: Path) -> dict[str, str]:
    """An environment in which the stack finds a project without migrations: quicker, and ours to change."""
    (tmp_path / "supabase" / "migrations").mkdir(parents=True)
    return {"SUPABASE_WORKDIR": str(tmp_path)}


@pytest.fixture
async def own_stack(no_migrations: dict[str, str]) -> AsyncIterator[Callable[[], Awaitable[OwnStack]]]:
    """Start a stack that the test may do to what it likes. Nothing of it outlives the test."""
    started: list[Process] = []

    async def start() -> OwnStack:
        process = await devstack("run", "--", *SHOW_AND_WAIT, env=no_migrations)
        started.append(process)
        return await OwnStack.told_by(process)

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
