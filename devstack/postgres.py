"""The Postgres server of one stack: started, watched, and brought back when it dies, as the platform does."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from devstack.account import Account
from devstack.children import Children, stop
from devstack.failure import StackFailure

START_LIMIT = 30.0
RESTART_DELAY = 0.5
TAIL = 6  # log lines shown when it does not start

SETTINGS = {
    # hosted: Realtime decodes the WAL; a stack has several short-lived slots at once
    "wal_level": "logical",
    "max_replication_slots": "20",
    "max_wal_senders": "20",
    "max_connections": "200",
    "shared_preload_libraries": "pg_stat_statements",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # hosted: what Supabase sets for Medium, two cores and 4 GB, as a list of one of its engineers has it
    # (gist.github.com/egor-romanov/323e2847851bbd758081511785573c08)
    "shared_buffers": "1GB",
    "effective_cache_size": "3GB",
    "max_wal_size": "4GB",
    "min_wal_size": "1GB",
    "wal_buffers": "16MB",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "200",
    "max_parallel_workers_per_gather": "1",
    "log_min_messages": "warning",
    "unix_socket_permissions": "0700",
}


@dataclass(frozen=True)
class Server:
    """What it takes to start Postgres: binaries, data, socket folder, port (0: socket only), user, durability."""

    binaries: Path
    data: Path
    sockets: Path
    log: Path
    account: Account | None = None
    port: int = 0
    fsync: bool = True

    @property
    def admin_url(self) -> str:
        """The platform's superuser over the socket, which only this stack's own user can open."""
        return f"postgresql://supabase_admin@/postgres?host={self.sockets}&port={self.port or 5432}"

    def socket_url(self, role: str) -> str:
        """Another role over the socket."""
        return self.admin_url.replace("supabase_admin", role, 1)

    @property
    def url(self) -> str:
        """What SUPABASE_DB_URL says: role postgres over TCP. `sslmode` spares clients the try with TLS."""
        return f"postgresql://postgres:postgres@127.0.0.1:{self.port}/postgres?sslmode=disable"

    def command(self) -> list[str]:
        """The server's command line; the data folder holds no settings of ours."""
        settings = {
            **SETTINGS,
            "unix_socket_directories": str(self.sockets),
            "listen_addresses": "127.0.0.1" if self.port else "",
            "port": str(self.port or 5432),
            "fsync": "on" if self.fsync else "off",
        }
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return [str(self.binaries / "bin" / "postgres"), "-D", str(self.data), *options]

    def tail(self) -> str:
        """The last log lines, for the sentence that says why it did not start."""
        return " | ".join(self.log.read_text(errors="replace").strip().splitlines()[-TAIL:])


class Postgres:
    """A running server."""

    def __init__(self, server: Server, children: Children) -> None:
        self.server = server
        self._children = children
        self._process: Process | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        """The postmaster's; another one after a restart."""
        return self._process.pid if self._process else 0

    async def start(self) -> None:
        """Return once it takes connections. Raises StackFailure with the log's last lines."""
        with self.server.log.open("ab") as log:
            self._process = await self._children.spawn(
                *self.server.command(),
                env={"PATH": os.defpath, "LC_ALL": "C"},
                account=self.server.account,
                output=log,
                verb="postgres",
                cwd=self.server.data,
            )
        try:
            await asyncio.wait_for(self._until_ready(self._process), START_LIMIT)
        except TimeoutError:
            await stop(self._process, signal.SIGQUIT)
            raise StackFailure(f"Postgres took more than {START_LIMIT:.0f} s to start: {self.server.tail()}") from None

    async def stop(self, number: int = signal.SIGINT) -> None:
        """SIGINT writes a checkpoint; SIGQUIT does not and is for data that is thrown away."""
        if self._keeper:
            self._keeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._keeper
        await stop(self._process, number, patience=20)

    def keep_alive(self, on_restart: Callable[[], Awaitable[None]]) -> None:
        """Start it again, on the same port, whenever it dies. Committed data survives: only a process was killed."""
        self._keeper = asyncio.create_task(self._keep_alive(on_restart))

    async def _keep_alive(self, on_restart: Callable[[], Awaitable[None]]) -> None:
        while self._process:
            await self._process.wait()
            await asyncio.sleep(RESTART_DELAY)
            # the dead server's backends may hold its shared memory for a moment longer: try again then
            with contextlib.suppress(StackFailure):
                await self.start()
                await on_restart()

    async def _until_ready(self, process: Process) -> None:
        while True:
            if process.returncode is not None:
                raise StackFailure(f"Postgres did not start: {self.server.tail()}")
            try:
                async with await psycopg.AsyncConnection.connect(self.server.admin_url):
                    return
            except psycopg.OperationalError:
                await asyncio.sleep(0.02)
