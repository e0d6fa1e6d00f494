"""A temporary logical replication slot that streams, as the real service reads realtime.messages.

psycopg offers no COPY in both directions, so this speaks to libpq below it.
Format: PostgreSQL documentation, "Streaming Replication Protocol".
"""

from __future__ import annotations

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import ExecStatus

from devstack.realtime.pgoutput import POSTGRES_EPOCH, Change, Decoder
from devstack.realtime.replication import create_slot, replicating

# How long a read waits for something, and how often Postgres hears that somebody listens: it hangs up after 60 s.
WAIT_SECONDS = 1.0
DATA_HEAD, ALIVE_HEAD = struct.Struct("!cqqq"), struct.Struct("!cqqb")
CONFIRMED = struct.Struct("!cqqqqb")


class LogicalStream:
    """Reads a publication's changes in commit order, each once, as they are committed."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection
        self._decoder = Decoder()
        self._seen = 0
        self._confirm_at = time.monotonic() + WAIT_SECONDS

    async def read(self) -> list[Change]:
        """What came since the last read, or comes within a second."""
        messages = self._arrived()
        if not messages:
            await self._readable()
            self._connection.pgconn.consume_input()
            messages = self._arrived()
        if time.monotonic() >= self._confirm_at:
            self._confirm()
        decoded = [self._decoder.decode(message) for message in messages]
        return [change for change in decoded if change is not None]

    def _arrived(self) -> list[bytes]:
        messages: list[bytes] = []
        while True:
            size, view = self._connection.pgconn.get_copy_data(1)
            if size == 0:
                return messages
            if size < 0:
                raise psycopg.OperationalError("the stream has ended")
            data = bytes(view)
            if data[:1] == b"w":
                self._seen = max(self._seen, DATA_HEAD.unpack_from(data)[1])
                messages.append(data[DATA_HEAD.size :])
            else:
                _, seen, _, asked = ALIVE_HEAD.unpack_from(data)
                self._seen = max(self._seen, seen)
                if asked:  # Postgres waits: it is stopping, perhaps.
                    self._confirm_at = 0.0

    async def _readable(self) -> None:
        """Until something has come, or for a while."""
        loop, arrived, socket = asyncio.get_running_loop(), asyncio.Event(), self._connection.pgconn.socket
        loop.add_reader(socket, arrived.set)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(arrived.wait(), WAIT_SECONDS)
        finally:
            loop.remove_reader(socket)

    def _confirm(self) -> None:
        """Written, flushed and applied up to what has come: Postgres may forget it."""
        self._confirm_at = time.monotonic() + WAIT_SECONDS
        now = int((time.time() - POSTGRES_EPOCH.timestamp()) * 1e6)
        self._connection.pgconn.put_copy_data(CONFIRMED.pack(b"r", *[self._seen] * 3, now, 0))
        self._connection.pgconn.flush()


@asynccontextmanager
async def open_stream(url: str, publication: str) -> AsyncIterator[LogicalStream]:
    """A stream that lasts as long as the context. Postgres begins it once every open transaction has ended."""
    async with replicating(url) as connection:
        name = await create_slot(connection, publication)
        options = f"proto_version '1', publication_names '{publication}'"
        begun = connection.pgconn.exec_(f'START_REPLICATION SLOT "{name}" LOGICAL 0/0 ({options})'.encode())
        if begun.status != ExecStatus.COPY_BOTH:
            raise psycopg.OperationalError(begun.get_error_message())
        yield LogicalStream(connection)
