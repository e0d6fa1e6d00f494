"""A connection that may replicate, and a temporary slot made on it.

The slot is made by the replication protocol's command, not by its SQL function: that one waits for log without
a look at its postmaster (`read_local_xlog_page`), so that a Postgres killed meanwhile leaves a process that keeps
the shared memory, and no new Postgres starts.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from psycopg import AsyncConnection


@asynccontextmanager
async def replicating(url: str) -> AsyncIterator[AsyncConnection]:
    """Open as long as the context. Takes SQL too, in the simple protocol only."""
    connection = await AsyncConnection.connect(
        url, autocommit=True, application_name="realtime", replication="database"
    )
    try:
        yield connection
    finally:
        await connection.close()


async def create_slot(connection: AsyncConnection, publication: str) -> str:
    """The name of a slot that lasts as long as the connection, once every open transaction has ended."""
    name = f"{publication}_slot_{secrets.token_hex(4)}"
    await connection.execute(f"""CREATE_REPLICATION_SLOT "{name}" TEMPORARY LOGICAL pgoutput (SNAPSHOT 'nothing')""")
    return name
