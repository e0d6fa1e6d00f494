"""The whole stack, put together: Postgres, migrations, PostgREST, gateway with its services, simulated WhatsApp."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from devstack import cluster, folders, gateway, migrate, staging
from devstack.account import Account, postgres_account
from devstack.children import Children, stop
from devstack.context import Context
from devstack.database import Database
from devstack.failure import StackFailure
from devstack.http_process import start_module
from devstack.ports import Ports
from devstack.postgres import Postgres, Server
from devstack.postgrest import PostgREST
from devstack.project import Project, Seed, without_proxy

T = TypeVar("T")
PORT_ATTEMPTS = 3


@dataclass(frozen=True)
class Stack:
    """A running one."""

    project: Project
    children: Children
    scratch: Path  # sockets and logs


@asynccontextmanager
async def temporary() -> AsyncIterator[Stack]:
    """A fresh stack on free ports, of which nothing remains."""
    async with _assembly(Seed()) as assembly:
        files = folders.private(assembly.scratch / "files", None)
        yield await assembly.start(assembly.scratch / "cluster", files, signal.SIGQUIT)


@asynccontextmanager
async def kept(home: Path, seed: Seed) -> AsyncIterator[Stack]:
    """A stack whose data lies in `home`. The ports it gets are noted in `seed`."""
    async with _assembly(seed) as assembly:
        yield await assembly.start(folders.cluster(home, assembly.account), home / "files", signal.SIGINT)


def wipe(home: Path) -> None:
    """Forget everything a kept stack has."""
    shutil.rmtree(folders.cluster(home, postgres_account()), ignore_errors=True)
    shutil.rmtree(home / "files", ignore_errors=True)
    (home / "project.json").unlink(missing_ok=True)


@asynccontextmanager
async def _assembly(seed: Seed) -> AsyncIterator[_Assembly]:
    """Everything a part needs to be started and stopped. What is started last is stopped first."""
    account = postgres_account()
    async with AsyncExitStack() as exits:
        children = await Children.open()
        exits.push_async_callback(children.close)
        scratch = folders.make(account)
        children.owns(scratch)
        yield _Assembly(seed, account, scratch, children, exits.enter_context(Ports()), exits)


@dataclass(frozen=True)
class _Assembly:
    seed: Seed
    account: Account | None
    scratch: Path
    children: Children
    ports: Ports
    exits: AsyncExitStack

    async def start(self, data: Path, files: Path, end: signal.Signals) -> Stack:
        """Start all parts; `end` is the signal that ends Postgres: with a checkpoint, or without."""
        self.seed.webhook_port = self._port(self.seed.webhook_port)
        listener = await self._on_port(self.seed.gateway_port, _listen)
        self.seed.gateway_port = listener.getsockname()[1]
        postgres = await self._outside(data, end)
        project = Project(self.seed, self.seed.keys(), postgres.server.url, postgres.pid)
        await self._services(project, postgres, files, listener)
        return Stack(project, self.children, self.scratch)

    async def _outside(self, data: Path, end: signal.Signals) -> Postgres:
        """What does not depend on each other, at once. If one part fails, the others are called off first."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._provider())
                database = group.create_task(self._database(data, end))
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from failures.exceptions[0].__cause__
        return database.result()

    async def _database(self, data: Path, end: signal.Signals) -> Postgres:
        """Postgres with the baseline and the migrations."""
        cache = folders.cache(self.account)
        binaries = await asyncio.to_thread(staging.binaries, cache)
        if not await asyncio.to_thread(data.exists):
            template = await cluster.template(cache, binaries, self.account, self.children)
            await cluster.copy(template, data, self.account, self.children)
        sockets = folders.private(self.scratch / "sockets", self.account)
        log = self.scratch / "postgres.log"

        async def start(port: int) -> Postgres:
            postgres = Postgres(Server(binaries, data, sockets, log, self.account, port), self.children)
            await postgres.start()
            return postgres

        postgres = await self._on_port(self.seed.postgres_port, start)
        self.exits.push_async_callback(postgres.stop, end)
        self.seed.postgres_port = postgres.server.port
        await migrate.push(postgres.server.url, self.scratch, self.children)
        return postgres

    async def _services(self, project: Project, postgres: Postgres, files: Path, listener: socket.socket) -> None:
        """PostgREST, and the gateway with the stand-ins."""
        database = Database(postgres.server.admin_url)
        await database.open()
        self.exits.push_async_callback(database.close)
        postgres.keep_alive(database.recover)
        url = postgres.server.socket_url("authenticator")
        postgrest = PostgREST(url, project.keys, self.scratch, self.children)
        self.exits.push_async_callback(postgrest.stop)
        context = Context(database, project.keys, files, project.url)
        runner = gateway.runner(gateway.build(context, postgrest.socket, postgres))
        self.exits.push_async_callback(runner.cleanup)
        await asyncio.gather(postgrest.start(), gateway.serve(runner, listener))

    async def _provider(self) -> None:
        """The simulated WhatsApp is a process of its own: as with the real one, only the network is between us."""
        data = folders.private(self.scratch / "provider", None)

        async def start(port: int) -> int:
            process = await start_module(
                *(self.children, "devstack.provider"),
                *("--host", "127.0.0.1", "--port", str(port), "--data", str(data)),
                env=without_proxy(os.environ),
                log=self.scratch / "provider.log",
                ready=f"http://127.0.0.1:{port}/_control/health",
            )
            self.exits.push_async_callback(stop, process)
            return port

        self.seed.provider_port = await self._on_port(self.seed.provider_port, start)

    async def _on_port(self, remembered: int, start: Callable[[int], Awaitable[T]]) -> T:
        """Start something on a port; if another program took it in that very moment, on another one."""
        for _ in range(1 if remembered else PORT_ATTEMPTS):
            try:
                return await start(self._port(remembered))
            except StackFailure as failure:
                reason = failure
        raise reason

    def _port(self, remembered: int) -> int:
        """The port a kept stack had before, because others wrote it down; else any."""
        if not remembered:
            return self.ports.reserve()
        if not self.ports.take(remembered):
            raise StackFailure(
                f"Port {remembered}, which this stack had before, is taken: stop the program that has it, "
                f"or set the port to 0 in project.json beside the data to get another."
            )
        return remembered


async def _listen(port: int) -> socket.socket:
    try:
        return gateway.bind(port)
    except OSError as error:
        raise StackFailure(f"Port {port} cannot be used: {error.strerror}.") from error
