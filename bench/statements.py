"""Time inside SQL functions, by pg_stat_statements: a wall clock that waits for the other processes, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import LiteralString

from psycopg import sql

from bench.populate import Database

SCHEMA = (
    "select nspname from pg_extension join pg_namespace on pg_namespace.oid = extnamespace"
    " where extname = 'pg_stat_statements'"
)
STATEMENTS: LiteralString = """
select coalesce(sum(calls), 0)::integer, coalesce(sum(total_exec_time), 0)::float
from {}.pg_stat_statements where query ~ ('"' || %s || '\\w*"')"""


async def inside(database: Database, function: str) -> tuple[int, float]:
    """Calls through PostgREST of functions whose name begins so, and milliseconds in them, so far."""
    schema = await (await database.execute(SCHEMA)).fetchone()
    assert schema is not None
    row = await (await database.execute(sql.SQL(STATEMENTS).format(sql.Identifier(schema[0])), (function,))).fetchone()
    assert row is not None
    return row[0], row[1]


@asynccontextmanager
async def counted(database: Database, functions: Sequence[str]) -> AsyncIterator[dict[str, tuple[int, float]]]:
    """Calls and milliseconds of each from here to the end of the block."""
    before = {name: await inside(database, name) for name in functions}
    spent: dict[str, tuple[int, float]] = {}
    yield spent
    for name in functions:
        calls, milliseconds = await inside(database, name)
        spent[name] = (calls - before[name][0], milliseconds - before[name][1])
