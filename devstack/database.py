"""How the stand-ins reach Postgres: as the platform's superuser, or as a caller under row level security."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from psycopg import AsyncConnection, sql
from psycopg.rows import DictRow, dict_row
from psycopg_pool import AsyncConnectionPool

from devstack.keys import Caller

Connection = AsyncConnection[DictRow]


class Database:
    """A small pool of superuser connections (`supabase_admin`), rows as dicts, one transaction per use."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            url,
            connection_class=AsyncConnection[DictRow],
            kwargs={"row_factory": dict_row, "autocommit": False},
            min_size=1,
            max_size=8,
            open=False,
        )

    async def open(self) -> None:
        await self._pool.open()

    async def close(self) -> None:
        await self._pool.close()

    async def recover(self) -> None:
        """Replace the connections that a restart of Postgres has broken, before anybody is given one."""
        await self._pool.check()

    @asynccontextmanager
    async def as_admin(self) -> AsyncIterator[Connection]:
        """One transaction as the platform itself: no row level security."""
        async with self._pool.connection() as connection:
            yield connection

    @asynccontextmanager
    async def as_caller(self, caller: Caller, **settings: Any) -> AsyncIterator[Connection]:
        """One transaction as the caller's role with its claims, so policies and grants decide. Rolled back on error.

        `settings` are further GUCs for the transaction, with `__` for the dot (`storage__operation="..."`). One
        statement sets everything, as in supabase/storage (`setScope`, src/internal/database/connection.ts): each round
        trip counts where a file comes in many requests.
        """
        wanted = {"role": caller.role, "request.jwt.claims": json.dumps(caller.claims)}
        wanted |= {name.replace("__", "."): str(value) for name, value in settings.items()}
        calls = sql.SQL(", ").join([sql.SQL("set_config(%s, %s, true)")] * len(wanted))
        async with self._pool.connection() as connection:
            await connection.execute(
                sql.SQL("select {}").format(calls), [text for pair in wanted.items() for text in pair]
            )
            yield connection
