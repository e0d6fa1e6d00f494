"""Objects' bytes on disk: one immutable file per version, written aside and moved into place when complete.

A row of `storage.objects` names its version; the file is in place before the row is committed and removed
after the row is gone. So a crash may leave a file without a row, which nobody sees, but never a row without
its file.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from aiohttp import web

# Bytes are hashed and written in a thread this many at a time: large enough that the switch costs nothing,
# small enough that a hundred uploads fit into memory.
BLOCK = 1024 * 1024
GRACE_SECONDS = 5


def _md5() -> hashlib._Hash:
    """Not a signature: S3's ETag of an object is the MD5 of its bytes."""
    return hashlib.md5(usedforsecurity=False)


@dataclass(frozen=True)
class StoredFile:
    """A complete file: what the row says about it."""

    version: str
    size: int
    etag: str
    stored_at: datetime


class Writer:
    """Bytes on their way in, appended to a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._block = bytearray()
        self._md5 = _md5()

    async def write(self, chunk: bytes) -> None:
        self.size += len(chunk)
        self._block += chunk
        if len(self._block) >= BLOCK:
            await self._flush()

    async def finish(self) -> str:
        """Everything is in the file; the ETag of what was written."""
        await self._flush()
        self.close()
        return f'"{self._md5.hexdigest()}"'

    def close(self) -> None:
        self._file.close()

    async def _flush(self) -> None:
        block, self._block = self._block, bytearray()
        await asyncio.to_thread(self._put, block)

    def _put(self, block: bytearray) -> None:
        self._md5.update(block)
        view = memoryview(block)
        while view:
            view = view[self._file.write(view) :]


class Files:
    """The folder of one project."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.aside = root / "aside"
        self.resumable = root / "resumable"
        # What was on its way in when the stack last stopped will never be complete.
        shutil.rmtree(self.aside, ignore_errors=True)
        self.aside.mkdir(parents=True)
        self.resumable.mkdir(exist_ok=True)

    def path(self, version: str) -> Path:
        return self._root / version[:2] / version

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[Writer]:
        """A file aside, gone at the end unless it was adopted."""
        writer = Writer(self.aside / str(uuid.uuid4()))
        try:
            yield writer
        finally:
            writer.close()
            writer.path.unlink(missing_ok=True)

    async def adopt(self, writer: Writer) -> StoredFile:
        """The writer's bytes as a new version."""
        etag = await writer.finish()
        return self.adopt_path(writer.path, writer.size, etag)

    def adopt_path(self, path: Path, size: int, etag: str) -> StoredFile:
        """A complete file on the same disk as a new version."""
        stored = StoredFile(str(uuid.uuid4()), size, etag, datetime.now(UTC))
        self.path(stored.version).parent.mkdir(parents=True, exist_ok=True)
        path.replace(self.path(stored.version))
        return stored

    def copy(self, version: str) -> str:
        """The same bytes under a new version. Files never change, so a second name for them is a copy."""
        duplicate = str(uuid.uuid4())
        self.path(duplicate).parent.mkdir(parents=True, exist_ok=True)
        os.link(self.path(version), self.path(duplicate))
        return duplicate

    def remove_later(self, version: str | None) -> None:
        """Forget a replaced version, once those who have just read its row have had time to open it."""
        asyncio.get_running_loop().call_later(GRACE_SECONDS, self.remove, version)

    def remove(self, version: str | None) -> None:
        """Forget a version. Rows that SQL inserted have none."""
        if version:
            self.path(version).unlink(missing_ok=True)


async def blocks(file: IO[bytes], start: int, length: int) -> AsyncIterator[bytes]:
    """`length` bytes of an open file from `start`, read in a thread."""
    file.seek(start)
    while length > 0 and (block := await asyncio.to_thread(file.read, min(BLOCK, length))):
        length -= len(block)
        yield block


FILES = web.AppKey("files", Files)
