"""`wabase media verify`: every stored file held against its message, and every object against whoever may name it.

Both are walked page by page, so memory does not grow with them. Reads only, unless it is told to repair. The worker
may go on meanwhile: a page is one statement and sees one moment, and bytes that differ are looked at once more.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from store.errors import Missing, Rejected, Unavailable
from store.files import Files
from store.rpc import Rpc

Row = dict[str, Any]
Answer = TypeVar("Answer")
Ask = Callable[[str | None, int, str | None], Awaitable[Row]]

# Rows or objects of one call, well within the time that the Data API gives a statement.
PAGE = 500
# Files whose bytes are read at one time: each takes one connection and one chunk of memory.
READS = 8
# How often a call is repeated that found Supabase away or the file changing, and the first of the waits, in seconds.
REPEATS, PAUSE = 3, 0.5


@dataclass
class Verdict:
    """How much was looked at: messages with a file, objects, files whose bytes were hashed; and what differed."""

    messages: int = 0
    objects: int = 0
    hashed: int = 0
    differences: int = 0


@dataclass(frozen=True)
class Verifier:
    """`tell` gets each difference, {problem, workspace_id, message_id, path, recorded, found}, once it is repaired.

    `count` gets what is looked at, and how many so far.
    """

    rpc: Rpc
    files: Files
    workspace_id: str | None
    hashes: bool
    repair: bool
    tell: Callable[[Row], None]
    count: Callable[[str, int], None]

    async def verify(self) -> Verdict:
        """Looks at everything once. Raises StoreError."""
        verdict = Verdict()
        async for after, page in self._pages("messages", self.rpc.verify_media):
            verdict.messages += page["checked"]
            found = page["differences"]
            if self.hashes:
                verdict.hashed += len(page["files"])
                found = await self._hashed(after, page)
            if self.repair and found:
                found = await self._fetched_anew(found)
            self._told(verdict, found)
        async for _, page in self._pages("objects", self.rpc.verify_media_objects):
            verdict.objects += page["checked"]
            found = page["differences"]
            if self.repair and found:
                found = await self._removed(found)
            self._told(verdict, found)
        return verdict

    async def _pages(self, noun: str, ask: Ask) -> AsyncIterator[tuple[str | None, Row]]:
        after, looked_at = None, 0
        while (page := await patiently(partial(ask, after, PAGE, self.workspace_id)))["after"] is not None:
            yield after, page
            looked_at += page["checked"]
            self.count(f"{noun} looked at", looked_at)
            after = page["after"]

    def _told(self, verdict: Verdict, found: Sequence[Row]) -> None:
        verdict.differences += len(found)
        for difference in found:
            self.tell(difference)

    async def _hashed(self, after: str | None, page: Row) -> list[Row]:
        """The page's differences and those of its files' bytes."""
        differing = await differing_bytes(self.files, page["files"])
        if not differing:
            return list(page["differences"])
        # Whoever deletes or stores a file meanwhile has done no wrong: what is told is so now as well. New rows may
        # have come between these.
        now = await patiently(partial(self.rpc.verify_media, after, 2 * PAGE, self.workspace_id))
        ours = {row["message_id"] for row in page["files"] + page["differences"]}
        same = {(row["message_id"], row["path"], row["sha256"]) for row in now["files"]}
        found = [row for row in now["differences"] if row["message_id"] in ours]
        return found + [row for row in differing if (row["message_id"], row["path"], row["recorded"]) in same]

    async def _fetched_anew(self, found: list[Row]) -> list[Row]:
        repairs = await patiently(partial(self.rpc.record_lost_media, found))
        of_each = {(row["message_id"], row["problem"]): row["repair"] for row in repairs}
        found = [row | {"repair": of_each[row["message_id"], row["problem"]]} for row in found]
        # What is there and wrong, and never to be replaced, must not stay.
        wrong = [row["path"] for row in found if row["repair"] == "expired" and row["problem"] in ("size", "hash")]
        if wrong:
            await patiently(partial(self.files.remove, wrong))
        return found

    async def _removed(self, found: list[Row]) -> list[Row]:
        await patiently(partial(self.files.remove, [row["path"] for row in found]))
        return [row | {"repair": "removed"} for row in found]


async def differing_bytes(files: Files, stored: Sequence[Row]) -> list[Row]:
    """Those of the files, {workspace_id, message_id, path, sha256 in hex}, whose bytes have another SHA-256.

    What has vanished meanwhile has none: `found` is None. Raises StoreError.
    """
    reads = asyncio.Semaphore(READS)

    async def look(file: Row) -> Row | None:
        async with reads:
            digest = await _digest(files, file["path"])
        if digest == file["sha256"].lower():
            return None
        told = {key: file[key] for key in ("workspace_id", "message_id", "path")}
        return {"problem": "hash", **told, "recorded": file["sha256"], "found": digest}

    try:
        async with asyncio.TaskGroup() as group:
            looks = [group.create_task(look(file)) for file in stored]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [difference for task in looks if (difference := task.result())]


async def _digest(files: Files, path: str) -> str | None:
    async def read() -> str:
        described = await files.describe(path)
        digest = hashlib.sha256()
        async with files.download(path, described) as content:
            async for chunk in content:
                digest.update(chunk)
        return digest.hexdigest()

    try:
        return await patiently(read)
    except Rejected:
        # Perhaps it went between being described and being read: Storage says so in its own words then.
        try:
            await files.describe(path)
        except Missing:
            return None
        raise


async def patiently(call: Callable[[], Awaitable[Answer]]) -> Answer:
    """The answer of a call that may be repeated. Raises StoreError when Storage or Postgres stays away."""
    for attempt in range(REPEATS):
        try:
            return await call()
        except Unavailable:
            await asyncio.sleep(PAUSE * 2**attempt)
    return await call()
