"""Keeps a slot open while somebody listens, and reads it.

Copied: a lost connection means a new slot, a gap nobody is told about, and a new "Subscribed to PostgreSQL" for
those who listen.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol

import psycopg

from devstack.realtime.pgoutput import Change

log = logging.getLogger(__name__)

RECONNECT_DELAY = 0.5


class Source(Protocol):
    """A slot of Postgres' that is open."""

    async def read(self) -> list[Change]:
        """What came since the last read. Waits a while where nothing did."""
        ...


class Feed:
    """One publication's changes. `deliver` gets every batch; `lost` hears that a slot went under listeners.

    `open_source` opens a slot for it.
    """

    def __init__(
        self,
        publication: str,
        open_source: Callable[[], AbstractAsyncContextManager[Source]],
        deliver: Callable[[list[Change]], Awaitable[None]],
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self._publication = publication
        self._open_source = open_source
        self._deliver = deliver
        self._lost = lost
        self._listeners: set[object] = set()
        self._wanted = asyncio.Event()
        self._live = asyncio.Event()

    def listen(self, listener: object) -> None:
        """Want the stream. `live()` tells when it flows."""
        self._listeners.add(listener)
        self._wanted.set()

    def unlisten(self, listener: object) -> None:
        """With the last listener gone the slot is dropped."""
        self._listeners.discard(listener)
        if not self._listeners:
            self._wanted.clear()

    async def live(self) -> None:
        """Wait until changes committed from now on will be read."""
        await self._live.wait()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._wanted.wait()
            try:
                async with self._open_source() as source:
                    await self._stream(source)
            except psycopg.Error as error:
                log.warning("%s: %s; a new slot follows", self._publication, str(error).partition("\n")[0])
                await self._recover()
            except Exception:
                log.exception("%s: a change could not be delivered; a new slot follows", self._publication)
                await self._recover()

    async def _stream(self, source: Source) -> None:
        """Not live from the moment the loop ends: who comes while the slot is closing waits for the next one."""
        self._live.set()
        try:
            while self._wanted.is_set():
                changes = await source.read()
                if changes:
                    await self._deliver(changes)
        finally:
            self._live.clear()

    async def _recover(self) -> None:
        await asyncio.sleep(RECONNECT_DELAY)
        self._lost()
