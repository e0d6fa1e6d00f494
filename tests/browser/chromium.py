"""A real Chromium, spoken to in its own language: the Chrome DevTools Protocol over one WebSocket."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import shutil
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

JSON = dict[str, Any]
NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
START_SECONDS = 30
LARGEST_ANSWER = 64 * 1024 * 1024
FLAGS = (
    "--headless=new",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--force-color-profile=srgb",
    "--lang=en-GB",
    "--remote-debugging-port=0",
)


def program() -> str | None:
    """Where this machine's Chromium is; `CHROMIUM` may name another."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """One browser process. Commands are answered by id, events go to the page they are about."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[JSON]] = {}
        self.events: dict[str, list[JSON]] = {}  # by session, in their order

    async def call(self, method: str, session: str | None = None, **parameters: Any) -> JSON:
        """What a command answers. Raises RuntimeError with the browser's words."""
        command = {"id": next(self._ids), "method": method, "params": parameters}
        answer = asyncio.get_running_loop().create_future()
        self._waiting[command["id"]] = answer
        await self._socket.send_json(command | ({"sessionId": session} if session else {}))
        told: JSON = await answer
        if "error" in told:
            raise RuntimeError(f"{method}: {told['error']['message']}")
        result: JSON = told["result"]
        return result

    async def listen(self) -> None:
        """Until the browser ends."""
        async for message in self._socket:
            told = json.loads(message.data)
            if "id" in told:
                self._waiting.pop(told["id"]).set_result(told)
            else:
                session = told.get("sessionId", "")
                self.events.setdefault(session, []).append(told)

    async def profile(self) -> str:
        """A browser context of its own: no cookie and no storage of anybody else."""
        return str((await self.call("Target.createBrowserContext"))["browserContextId"])


@asynccontextmanager
async def chromium(command: str, folder: Path) -> AsyncIterator[Chromium]:
    """A running browser whose profile lies in `folder`."""
    process = await asyncio.create_subprocess_exec(
        *(command, *FLAGS, f"--user-data-dir={folder}"),
        *(["--no-sandbox"] if os.geteuid() == 0 else []),
        "about:blank",
        stdin=DEVNULL,
        stdout=DEVNULL,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            address = await _address(process)
        async with aiohttp.ClientSession() as http, http.ws_connect(address, max_msg_size=LARGEST_ANSWER) as socket:
            browser = Chromium(socket)
            listening = asyncio.create_task(browser.listen())
            drained = asyncio.create_task(_drain(process))
            yield browser
            listening.cancel()
            drained.cancel()
    finally:
        process.kill()
        await process.wait()


async def _address(process: Process) -> str:
    """What it says on its standard error once it listens."""
    said = []
    assert process.stderr is not None
    while line := (await process.stderr.readline()).decode(errors="replace"):
        said.append(line)
        if line.startswith("DevTools listening on "):
            return line.removeprefix("DevTools listening on ").strip()
    raise RuntimeError(f"Chromium did not start: {''.join(said)}")


async def _drain(process: Process) -> None:
    """A pipe that nobody empties would stop the browser."""
    assert process.stderr is not None
    while await process.stderr.read(65536):
        pass


def decoded(data: str) -> bytes:
    return base64.b64decode(data)
