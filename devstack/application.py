"""The product's two processes, started beside the stack with `--app`. They may die: that is what tests do to them."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from devstack.children import stop
from devstack.failure import StackFailure
from devstack.http_process import start_module, tail
from devstack.packages import ROOT
from devstack.stack import Stack


def check() -> None:
    """Raises StackFailure if there is no app to start."""
    for module in ("webhook", "worker"):
        if not (ROOT / module / "__main__.py").exists():
            raise StackFailure(f"The app cannot be started: {module}/__main__.py does not exist.")


class Application:
    """`python -m webhook` and `python -m worker`."""

    def __init__(self, stack: Stack, logs: Path | None) -> None:
        self._stack = stack
        self._logs = logs
        self._watchers: set[asyncio.Task[None]] = set()

    async def start(self, environment: Mapping[str, str], exits: AsyncExitStack) -> dict[str, str]:
        """Start both; return what a command has to know about them."""
        url = self._stack.project.webhook_url
        worker = await self._start("worker", environment, None, exits)
        webhook = await self._start("webhook", environment, f"{url}/readyz", exits)
        return {"WEBHOOK_URL": url, "WEBHOOK_PID": str(webhook.pid), "WORKER_PID": str(worker.pid)}

    async def _start(
        self, module: str, environment: Mapping[str, str], ready: str | None, exits: AsyncExitStack
    ) -> Process:
        log = self._logs / f"{module}.log" if self._logs else None
        process = await start_module(self._stack.children, module, env=environment, log=log, ready=ready)
        watcher = asyncio.create_task(_report_failure(process, module, log))
        self._watchers.add(watcher)

        async def end() -> None:
            watcher.cancel()
            await stop(process)

        exits.push_async_callback(end)
        return process


async def _report_failure(process: Process, module: str, log: Path | None) -> None:
    """A process that fails by itself says why in its log, which is gone when the stack is. Killed ones are silent."""
    status = await process.wait()
    if status > 0:
        print(f"devstack: `python -m {module}` ended with status {status}{tail(log)}", file=sys.stderr)
