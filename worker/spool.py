"""A file on its way through: what has come and not yet gone is in memory, and what is too much for that in a file."""

from __future__ import annotations

import asyncio
import hashlib
import os
import tempfile
import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from math import inf
from types import TracebackType
from typing import Protocol, Self

from store.resumable import PIECE
from worker.proof import Corrupt, TooLarge

# A piece that goes out and may have to go again, and the one that comes in meanwhile.
WINDOW = 2 * PIECE
# The most that goes out at one time, and the least where more is there: small ones cost as much as large ones.
CHUNK = 256 * 1024
LEAST = 64 * 1024
# What comes in crumbs is kept in larger ones: each has a price in memory.
CRUMB = 8 * 1024
# What is looked at to tell what a file is and how long it plays.
EDGE = 64 * 1024


class Stream(Protocol):
    """A file as it comes: `length` in bytes where the answer said, then the pieces."""

    length: int | None

    def __aiter__(self) -> AsyncIterator[bytes]: ...


class Spool:
    """Filled once, hashed, and readable from what was last released up to where it has got. Use as a context manager.

    The stream is a piece ahead of what is given out, and WINDOW bytes of what is released at most. What somebody waits
    for is taken in all the same: beyond the window into a temporary file.

    `limit`: more bytes than that are TooLarge. `expected`: where a size was announced, more are Corrupt at once.
    """

    def __init__(self, limit: int, expected: int | None = None) -> None:
        self._limit, self._expected = limit, expected
        self._kept: deque[bytes] = deque()
        # Where the first of the kept begins.
        self._start = 0
        self._released = self._given = 0
        self._overflow: _Overflow | None = None
        self._hash = hashlib.sha256()
        # The furthest that anybody has waited for, and the next that somebody does.
        self._wanted: float = 0
        self._next: float = inf
        self._moved, self._room = asyncio.Event(), asyncio.Event()
        self._ended = False
        self._failure: BaseException | None = None
        self.size = 0
        """Bytes that have come, and can be read unless they were released."""
        self.length: int | None = None
        """What the answer says it will be, once something of it has come."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._overflow is not None:
            self._overflow.close()

    async def fill(self, stream: AbstractAsyncContextManager[Stream]) -> None:
        """Takes the stream to its end. What it raises is raised here and to everybody who waits for more."""
        try:
            async with stream as chunks:
                self._check(chunks.length or 0)
                self.length = chunks.length
                async for chunk in chunks:
                    self._check(self.size + len(chunk))
                    await self._append(chunk)
        except BaseException as error:
            self._failure = error
            raise
        finally:
            self._ended = True
            self._wake()

    def _check(self, size: int) -> None:
        if size > self._limit:
            raise TooLarge(f"more than {self._limit} bytes")
        if self._expected is not None and size > self._expected:
            raise Corrupt(f"more than the {self._expected} bytes that were announced")

    async def _append(self, chunk: bytes) -> None:
        # As it goes out: all at once would hold up the request of the next piece, and take a core from Storage's look
        # at it.
        while self.size >= max(self._wanted, min(self._given + PIECE, self._released + WINDOW)):
            self._room.clear()
            await self._room.wait()
        # Some 0.2 ms: handed to a thread, it would wait as long for the interpreter.
        self._hash.update(chunk)
        if self._overflow is None and self.size >= self._released + WINDOW:
            self._overflow = _Overflow(self.size)
        if self._overflow is not None:
            await self._overflow.append(chunk)
        elif self._kept and len(self._kept[-1]) < CRUMB:
            self._kept[-1] += chunk
        else:
            self._kept.append(chunk)
        self.size += len(chunk)
        if self.size >= self._next:
            self._wake()

    def _wake(self) -> None:
        self._next = inf
        self._moved.set()
        self._moved = asyncio.Event()

    async def _come(self, offset: float) -> None:
        """Returns once the first `offset` bytes have come, or no more do."""
        while self.size < offset and not self._ended:
            self._wanted, self._next = max(self._wanted, offset), min(self._next, offset)
            self._room.set()
            await self._moved.wait()

    async def reach(self, offset: int) -> None:
        """Returns once the first `offset` bytes have come. Raises what has ended the filling, Corrupt for its end."""
        await self._come(offset)
        if self.size < offset:
            raise self._failure or Corrupt(f"{self.size} bytes and no more")

    async def whole(self) -> int:
        """The size in bytes, once nothing more comes. Raises what has ended the filling before that."""
        await self._come(inf)
        if self._failure is not None:
            raise self._failure
        return self.size

    def digest(self) -> bytes:
        """The SHA-256 of what has come so far."""
        return self._hash.digest()

    def release(self, offset: int) -> None:
        """Nobody asks for what is before `offset` any more, but for the file's last bytes by `tail`."""
        self._released = max(self._released, offset)
        while self._kept and self._start + len(self._kept[0]) <= self._released - EDGE:
            self._start += len(self._kept.popleft())
        self._room.set()

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, once all are there, at most CHUNK at a time. Raises as `reach`."""
        await self.reach(end)
        for chunk in _joined(self._parts(start, end)):
            start += len(chunk)
            self._given = max(self._given, start)
            self._room.set()
            yield chunk

    async def head(self) -> bytes:
        """The first bytes, EDGE at most: as soon as they are there, or all if there are fewer. Raises as `whole`."""
        await self._come(EDGE)
        if self._failure is not None:
            raise self._failure
        return b"".join(self._parts(0, min(EDGE, self.size)))

    async def tail(self) -> bytes:
        """The last bytes of the whole file, EDGE at most. Raises as `whole`."""
        size = await self.whole()
        return b"".join(self._parts(max(size - EDGE, 0), size))

    def _parts(self, start: int, end: int) -> Iterator[bytes]:
        """What is there of these bytes, none of the parts larger than CHUNK."""
        if start < self._start:
            raise ValueError(f"{start} was released, up to {self._released}")
        # As they are now: more come, and others are released, while what is given out here is on its way.
        begin, overflow = self._start, self._overflow
        for kept in tuple(self._kept):
            for place in range(max(start - begin, 0), min(end - begin, len(kept)), CHUNK):
                yield kept[place : min(place + CHUNK, end - begin)]
            begin += len(kept)
        if overflow is not None:
            for place in range(max(start, begin), end, CHUNK):
                yield overflow.read(place, min(CHUNK, end - place))


def _joined(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, none of the parts but the last shorter than LEAST."""
    few: list[bytes] = []
    for part in parts:
        few.append(part)
        if sum(map(len, few)) >= LEAST:
            yield b"".join(few)
            few.clear()
    if few:
        yield b"".join(few)


class _Overflow:
    """The bytes of a file from `start` on, in a temporary one that has no name: who kills us leaves nothing behind."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._file = tempfile.TemporaryFile(prefix="wabase-media-", buffering=0)  # noqa: SIM115 - closed with the spool
        # A cancelled task leaves its thread behind; without the lock it could write by another file's descriptor.
        self._lock = threading.Lock()

    async def append(self, chunk: bytes) -> None:
        """In a thread: the disk may take its time."""
        await asyncio.to_thread(self._write, memoryview(chunk))

    def _write(self, chunk: memoryview) -> None:
        with self._lock:
            while chunk:
                chunk = chunk[self._file.write(chunk) :]

    def read(self, offset: int, length: int) -> bytes:
        # Written a moment ago, so it comes out of the system's memory: a thread would cost three times as much.
        return os.pread(self._file.fileno(), length, offset - self._start)

    def close(self) -> None:
        with self._lock:
            self._file.close()


async def end(task: asyncio.Task[None]) -> None:
    """Cancelled, and over. What it failed with is known otherwise."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        task.exception()
