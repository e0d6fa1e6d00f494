"""A file on its way through: written down, hashed and read again at one time, and nowhere to be found afterwards."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Protocol, Self

from worker.proof import Corrupt, TooLarge

# What is in memory of a file on its way out.
CHUNK = 256 * 1024
# What is hashed and written at one time, while as much comes in: each turn of the thread makes the loop wait for the
# interpreter, which at 256 KiB costs more than sending the bytes. The first is a CHUNK, which can be looked at sooner.
BLOCK = 1024 * 1024
# What is looked at to tell what a file is and how long it plays.
EDGE = 64 * 1024


class Stream(Protocol):
    """A file as it comes: `length` in bytes where the answer said, then the pieces."""

    length: int | None

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Spool:
    """An unlinked temporary file, filled once and readable up to where it has got. Use as a context manager.

    `limit`: more bytes than that are TooLarge. `expected`: where a size was announced, more bytes are Corrupt at once.
    """

    def __init__(self, limit: int, expected: int | None = None) -> None:
        self._limit, self._expected = limit, expected
        # It has no name from the start: whoever kills this process leaves nothing behind.
        self._file = tempfile.TemporaryFile(prefix="wabase-media-", buffering=0)  # noqa: SIM115 - closed at exit
        # A cancelled task leaves its thread behind; without the lock it could write by another file's descriptor.
        self._lock = threading.Lock()
        self._hash = hashlib.sha256()
        self._moved = asyncio.Event()
        self._ended = False
        self._failure: BaseException | None = None
        self.size = 0
        """Bytes that can be read."""
        self.length: int | None = None
        """What the answer says it will be, once something of it has come."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._file.close()

    async def fill(self, stream: AbstractAsyncContextManager[Stream]) -> None:
        """Takes the stream to its end. What it raises is raised here and to everybody who waits for more."""
        try:
            async with stream as chunks:
                self._check(chunks.length or 0)
                self.length = chunks.length
                await self._take(chunks)
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ended = True
            self._wake()

    async def _take(self, chunks: Stream) -> None:
        """While one block is hashed and written in a thread, which a slow disk may hold up, the next one comes in."""
        received = filled = 0
        # The same two all the time: new ones would be mapped and cleared by the kernel, page by page.
        block, other = memoryview(bytearray(BLOCK)), memoryview(bytearray(BLOCK))
        writing: asyncio.Task[None] | None = None
        try:
            async for chunk in chunks:
                received += len(chunk)
                self._check(received)
                rest = memoryview(chunk)
                while rest:
                    taken = min(len(rest), BLOCK - filled)
                    block[filled : filled + taken] = rest[:taken]
                    rest, filled = rest[taken:], filled + taken
                    if filled >= (BLOCK if writing else CHUNK):
                        if writing:
                            await writing
                        writing = asyncio.create_task(self._append(block[:filled]))
                        block, other, filled = other, block, 0
            if writing:
                await writing
            await self._append(block[:filled])
        finally:
            if writing:
                await end(writing)

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes")
        if self._expected is not None and size > self._expected:
            raise Corrupt(f"more than the {self._expected} bytes that were announced")

    async def _append(self, block: memoryview) -> None:
        await asyncio.to_thread(self._write, block)
        self.size += len(block)
        self._wake()

    def _write(self, block: memoryview) -> None:
        self._hash.update(block)
        with self._lock:
            while block:
                block = block[self._file.write(block) :]

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def reach(self, offset: int) -> None:
        """Returns once the first `offset` bytes can be read. Raises what has ended the filling, Corrupt for its end."""
        while self.size < offset and not self._ended:
            await self._moved.wait()
        if self.size < offset:
            raise self._failure or Corrupt(f"{self.size} bytes and no more")

    async def whole(self) -> int:
        """The size in bytes, once nothing more comes. Raises what has ended the filling before that."""
        while not self._ended:
            await self._moved.wait()
        if self._failure is not None:
            raise self._failure
        return self.size

    def digest(self) -> bytes:
        """The SHA-256 of what has come so far."""
        return self._hash.digest()

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, once all are there, at most CHUNK at a time. Raises as `reach`."""
        await self.reach(end)
        while start < end:
            chunk = self._read(start, min(CHUNK, end - start))
            yield chunk
            start += len(chunk)

    async def head(self) -> bytes:
        """The first bytes, EDGE at most: as soon as they are there, or all if there are fewer. Raises as `whole`."""
        while self.size < EDGE and not self._ended:
            await self._moved.wait()
        if self._failure is not None:
            raise self._failure
        return self._read(0, min(EDGE, self.size))

    async def tail(self) -> bytes:
        """The last bytes of the whole file, EDGE at most. Raises as `whole`."""
        size = await self.whole()
        length = min(EDGE, size)
        return self._read(size - length, length)

    def _read(self, start: int, length: int) -> bytes:
        # Written a moment ago, so it comes out of the system's memory: a thread would cost three times as much.
        return os.pread(self._file.fileno(), length, start)


async def end(task: asyncio.Task[None]) -> None:
    """Cancelled, and over. What it failed with is known otherwise."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
