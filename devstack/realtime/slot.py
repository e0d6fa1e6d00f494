"""A temporary logical replication slot, read through the SQL interface at the real service's pace.

The real service does the same with wal2json. Temporary means: whoever loses the connection (crash, restart)
loses the slot and everything between, and no write-ahead log piles up behind a reader that has gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncClientCursor, AsyncConnection

from devstack.realtime.pgoutput import Change, Decoder
from devstack.realtime.replication import create_slot, replicating

# Per read. Begin and commit count too, so this is a hundred small transactions, the real service's 100 changes.
# Postgres looks at it between transactions only: a large one comes whole.
MAX_MESSAGES = 300
# Seconds between two reads: after one that brought something, after one that did not.
BUSY_SECONDS, IDLE_SECONDS = 0.1, 0.5


class LogicalSlot:
    """Reads a publication's changes in commit order, each once."""

    def __init__(self, connection: AsyncConnection, name: str, publication: str) -> None:
        # A connection that can replicate has no extended protocol: values are written into the statement.
        self._cursor = AsyncClientCursor(connection)
        self._name = name
        self._publication = publication
        self._wait = 0.0

    async def read(self) -> list[Change]:
        """What was committed since the last read. The slot moves on, whatever becomes of the changes."""
        await asyncio.sleep(self._wait)
        await self._cursor.execute(
            """select data from pg_logical_slot_get_binary_changes(
                 %s, null, %s, 'proto_version', '1', 'publication_names', %s)""",
            [self._name, MAX_MESSAGES, self._publication],
        )
        decoder = Decoder()
        decoded = [decoder.decode(data) async for (data,) in self._cursor]
        changes = [change for change in decoded if change is not None]
        self._wait = 0.0 if len(decoded) >= MAX_MESSAGES else BUSY_SECONDS if changes else IDLE_SECONDS
        return changes


@asynccontextmanager
async def open_slot(url: str, publication: str) -> AsyncIterator[LogicalSlot]:
    """A slot that lasts as long as the context. Postgres makes it once every open transaction has ended."""
    async with replicating(url) as connection:
        await connection.execute("set statement_timeout = 0")
        yield LogicalSlot(connection, await create_slot(connection, publication), publication)
