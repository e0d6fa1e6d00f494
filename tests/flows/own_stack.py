"""A stack of a test's own: for what would change the shared one under the feet of other tests."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg.rows import DictRow, dict_row

from tests.conftest import Connect
from tests.devstack.conftest import SHOW_AND_WAIT, OwnStack

# Its app must not be sent to the outer stack's simulated WhatsApp.
OF_THE_OUTER_STACK = ("WHATSAPP_360_BASE_URL", "META_GRAPH_BASE_URL")


@asynccontextmanager
async def own_stack(*options: str) -> AsyncIterator[dict[str, str]]:
    """The environment of a fresh stack; with `--app` webhook and worker run in it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devstack", "run", *options, "--", *SHOW_AND_WAIT),
        env={name: value for name, value in os.environ.items() if name not in OF_THE_OUTER_STACK},
        stdin=PIPE,
        stdout=PIPE,
    )
    stack = await OwnStack.told_by(process)
    try:
        yield stack.environment
    finally:
        await stack.end()


def database_of(environment: dict[str, str]) -> Connect:
    """Like the fixture `database`, of this stack."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        connection = await psycopg.AsyncConnection.connect(
            environment["SUPABASE_DB_URL"], autocommit=True, row_factory=dict_row
        )
        try:
            yield connection
        finally:
            await connection.close()

    return connect
