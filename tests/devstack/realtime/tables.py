"""Test tables, identities and switches for the Realtime scenarios. Works on any project with a database URL."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import jwt
import psycopg

Connection = psycopg.AsyncConnection[Any]
COLUMNS = "id uuid primary key default gen_random_uuid(), owner uuid, body text, amount int"


@dataclass(frozen=True)
class User:
    """A signed-in user of the project, made of a token alone."""

    id: str
    token: str


def make_user(jwt_secret: str, expires_in: float = 3600) -> User:
    user_id = str(uuid.uuid4())
    now = int(time.time())
    claims = {
        "sub": user_id,
        "role": "authenticated",
        "aud": "authenticated",
        "iat": now,
        "exp": now + int(expires_in),
    }
    return User(user_id, jwt.encode(claims, jwt_secret, algorithm="HS256"))


class Table:
    """A table of one test in schema public, published, dropped afterwards."""

    def __init__(self, connection: Connection, database_url: str, name: str) -> None:
        self.connection = connection
        self.database_url = database_url
        self.name = name

    async def reconnect(self) -> None:
        """After the database was gone."""
        await self.connection.close()
        self.connection = await connect(self.database_url)

    async def sql(self, statement: str, *parameters: Any) -> list[Any]:
        """Run SQL; `{table}` stands for the table."""
        cursor = await self.connection.execute(statement.replace("{table}", f"public.{self.name}"), parameters)
        return await cursor.fetchall() if cursor.description else []

    async def insert(self, **values: Any) -> str:
        names, places = ", ".join(values), ", ".join("%s" for _ in values)
        rows = await self.sql(f"insert into {{table}} ({names}) values ({places}) returning id::text", *values.values())
        return str(rows[0][0])

    def changes(self, event: str = "*", **more: Any) -> dict[str, Any]:
        """A binding for this table."""
        return {"event": event, "schema": "public", "table": self.name, **more}

    async def owned(self) -> None:
        """Row level security on: everyone signed in sees the own rows only."""
        await self.sql("alter table {table} enable row level security")
        await self.sql("create policy own on {table} for select to authenticated using (owner = (select auth.uid()))")


async def connect(database_url: str) -> Connection:
    return await psycopg.AsyncConnection.connect(database_url, autocommit=True)


@asynccontextmanager
async def published_table(database_url: str, columns: str = COLUMNS) -> AsyncIterator[Table]:
    table = Table(await connect(database_url), database_url, f"realtime_{uuid.uuid4().hex[:10]}")
    await table.sql(f"create table {{table}} ({columns})")
    try:
        await table.sql("grant select on {table} to anon, authenticated, service_role")
        await table.sql("alter publication supabase_realtime add table {table}")
        yield table
    finally:
        await table.sql("drop table {table}")
        await table.connection.close()
