"""A project of one's own, for tests that break it: a stack beside the shared one, looked at by `wabase doctor`."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import psycopg

from ops.doctor import examine
from ops.findings import Finding
from ops.project import opened
from ops.settings import Settings
from tests.devstack.conftest import SHOW_AND_WAIT, OwnStack, devstack
from tests.devstack.provider.simulator import Business, Simulator
from tests.ops.conftest import Answer, wabase

PUBLIC_URL = "https://hooks.example"
# Seconds for each look: these tests are about what is found, on a machine that may be busy.
PATIENCE = 60.0


@dataclass(frozen=True)
class OwnProject:
    """`environment` is that of a command run in the stack."""

    environment: dict[str, str]
    simulator: Simulator

    def settings(self, **changes: Any) -> Settings:
        known = {
            "supabase_url": self.environment["SUPABASE_URL"],
            "supabase_service_role_key": self.environment["SUPABASE_SERVICE_ROLE_KEY"],
            "whatsapp_360_base_url": self.environment["PROVIDER_URL"],
            "meta_graph_base_url": f"{self.environment['PROVIDER_URL']}/v25.0",
            "whatsapp_webhook_secret": self.environment["WHATSAPP_WEBHOOK_SECRET"],
            "meta_app_secret": self.environment["META_APP_SECRET"],
            "webhook_public_url": PUBLIC_URL,
        }
        return Settings(**known | changes)

    async def look(self, **changes: Any) -> list[Finding]:
        """What the doctor finds."""
        async with opened(self.settings(**changes)) as project:
            return (await examine(project, PATIENCE))[0]

    async def wrong(self, **changes: Any) -> list[Finding]:
        """What is not well."""
        return [finding for finding in await self.look(**changes) if finding.state != "ok"]

    async def wabase(self, *arguments: str, **environment: str) -> Answer:
        return await wabase(*arguments, **self.environment | {"WEBHOOK_PUBLIC_URL": PUBLIC_URL} | environment)

    async def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """Runs it as role postgres, committed at once; several statements only without values."""
        url = self.environment["SUPABASE_DB_URL"]
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            cursor = await connection.execute(text.encode(), values or None)
            return await cursor.fetchall() if cursor.description else []

    async def sql_as_admin(self, text: str) -> None:
        """Runs it as the role to which Supabase's own schemas belong."""
        ((sockets, port),) = await self.sql(
            "select current_setting('unix_socket_directories'), current_setting('port')"
        )
        url = f"host={sockets} port={port} user=supabase_admin dbname=postgres"
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            await connection.execute(text.encode())

    async def connect(self, business: Business, provider: str = "360dialog") -> str:
        """A connection with its key, in a workspace of its own; gives its id."""
        ((workspace,),) = await self.sql("insert into workspaces (name) values ('a shop') returning id")
        ((connection,),) = await self.sql(
            "insert into whatsapp_connections (workspace_id, provider, phone_number_id, waba_id)"
            " values (%s, %s, %s, %s) returning id",
            *(workspace, provider, business.id, business.waba_id),
        )
        key = business.api_key if provider == "360dialog" else business.access_token
        await self.sql("select set_connection_credential(%s, %s)", connection, key)
        return str(connection)


@asynccontextmanager
async def own_project(**environment: str) -> AsyncIterator[OwnProject]:
    """A stack that is there as long as somebody is inside."""
    process = await devstack("run", "--", *SHOW_AND_WAIT, env=environment)
    try:
        stack = await OwnStack.told_by(process)
        async with aiohttp.ClientSession() as session:
            yield OwnProject(stack.environment, Simulator(stack.environment["PROVIDER_URL"], session))
        assert await stack.end() == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
