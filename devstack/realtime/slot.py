"""A temporary logical replication slot, read through the SQL interface.

The real service does the same with wal2json. Temporary means: whoever loses the connection (crash, restart)
loses the slot and everything between, and no write-ahead log piles up behind a reader that has gone.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import AsyncConnection

from devstack.realtime.pgoutput import Change, Decoder

# Per read. Begin and commit count too, so this is a hundred small transactions, the real service's 100 changes.
# Postgres looks at it between transactions only: a large one comes whole.
MAX_MESSAGES = 300


@dataclass(frozen=True)
class Read:
    """What one read brought."""

    changes: list[Change]
    more_waiting: bool


class LogicalSlot:
    """Reads a publication's changes in commit order, each once."""

    def __init__(self, connection: AsyncConnection[Any], name: str, publication: str) -> None:
        self._connection = connection
        self._name = name
        self._publication = publication

    async def read(self) -> Read:
        """What was committed since the last read. The slot moves on, whatever becomes of the changes."""
        cursor = self._connection.cursor(binary=True)
        await cursor.execute(
            """select data from pg_logical_slot_get_binary_changes(
                 %s::name, null, %s::int4, 'proto_version', '1', 'publication_names', %s::text)""",
            [self._name, MAX_MESSAGES, self._publication],
        )
        decoder = Decoder()
        decoded = [decoder.decode(bytes(data)) async for (data,) in cursor]
        changes = [change for change in decoded if change is not None]
        return Read(changes, more_waiting=len(decoded) >= MAX_MESSAGES)


@asynccontextmanager
async def open_slot(url: str, publication: str) -> AsyncIterator[LogicalSlot]:
    """A slot that lasts as long as the context. Postgres makes it once every open transaction has ended."""
    name = f"{publication}_slot_{secrets.token_hex(4)}"
    async with await AsyncConnection.connect(url, autocommit=True, application_name="realtime") as connection:
        await connection.execute("set statement_timeout = 0")
        await connection.execute("select pg_create_logical_replication_slot(%s, 'pgoutput', true)", [name])
        yield LogicalSlot(connection, name, publication)
