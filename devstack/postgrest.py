"""PostgREST, the real one, with the settings of a hosted project, on a unix socket that only the gateway knows."""

from __future__ import annotations

import asyncio
import os
from asyncio.subprocess import Process
from pathlib import Path

import aiohttp

from devstack import packages
from devstack.children import Children, stop
from devstack.failure import StackFailure
from devstack.keys import Keys

START_LIMIT = 30.0

SETTINGS = {
    "PGRST_DB_SCHEMAS": "public,graphql_public",
    "PGRST_DB_EXTRA_SEARCH_PATH": "public,extensions",
    "PGRST_DB_MAX_ROWS": "1000",
    "PGRST_DB_POOL": "10",
    "PGRST_DB_ANON_ROLE": "anon",
    "PGRST_LOG_LEVEL": "error",
}


class PostgREST:
    """A running PostgREST."""

    def __init__(self, database_url: str, keys: Keys, folder: Path, children: Children) -> None:
        self.socket = folder / "postgrest.sock"
        self._environment = {
            **SETTINGS,
            "PATH": os.defpath,
            "PGRST_DB_URI": database_url,
            "PGRST_JWT_SECRET": keys.jwt_secret,
            "PGRST_SERVER_UNIX_SOCKET": str(self.socket),
        }
        self._log = folder / "postgrest.log"
        self._children = children
        self._process: Process | None = None

    async def start(self) -> None:
        """Return once its schema cache is loaded."""
        self.socket.unlink(missing_ok=True)
        with self._log.open("ab") as log:
            self._process = await self._children.spawn(packages.postgrest(), env=self._environment, output=log)
        try:
            await asyncio.wait_for(self._until_ready(self._process), START_LIMIT)
        except TimeoutError:
            raise StackFailure(f"PostgREST took more than {START_LIMIT:.0f} s to start: {self._tail()}") from None

    async def stop(self) -> None:
        await stop(self._process)

    async def _until_ready(self, process: Process) -> None:
        """Until its schema cache is loaded it answers 503."""
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.socket))) as session:
            while True:
                if process.returncode is not None:
                    raise StackFailure(f"PostgREST did not start: {self._tail()}")
                try:
                    async with session.head("http://postgrest/") as answer:
                        if answer.status < 500:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    def _tail(self) -> str:
        return " | ".join(self._log.read_text(errors="replace").strip().splitlines()[-4:])
