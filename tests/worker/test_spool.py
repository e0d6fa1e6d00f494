"""A file that is written and read at one time, within its bounds, and leaves no trace."""

from __future__ import annotations

import asyncio
import hashlib
import random
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import pytest

from tests.flows.arriving import Arriving
from worker.proof import Corrupt, TooLarge
from worker.spool import CHUNK, EDGE, Spool

CONTENT = random.Random(3).randbytes(3 * CHUNK + 7)
LIMIT = 10 * CHUNK


class Broken(Exception):
    """The line is cut."""


@asynccontextmanager
async def stream(
    content: bytes, *, piece: int = 16_384, breaks: bool = False, length: int | None = None
) -> AsyncIterator[Arriving]:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), piece):
            yield content[start : start + piece]
        if breaks:
            raise Broken

    yield Arriving(pieces(), length)


async def read(spool: Spool, start: int, end: int) -> list[bytes]:
    return [chunk async for chunk in spool.chunks(start, end)]


@pytest.mark.parametrize("piece", [1000, CHUNK, len(CONTENT)])
async def test_what_went_in_comes_out_in_small_pieces_and_is_hashed(piece: int) -> None:
    with Spool(LIMIT) as spool:
        await spool.fill(stream(CONTENT, piece=piece))
        assert (await spool.whole(), spool.digest()) == (len(CONTENT), hashlib.sha256(CONTENT).digest())
        chunks = await read(spool, 5, len(CONTENT))
        assert (b"".join(chunks), max(map(len, chunks))) == (CONTENT[5:], CHUNK)
        assert (await spool.head(), await spool.tail()) == (CONTENT[:EDGE], CONTENT[-EDGE:])


@pytest.mark.parametrize("content", [b"", b"x"])
async def test_a_tiny_file_is_its_own_head_and_tail(content: bytes) -> None:
    with Spool(LIMIT) as spool:
        await spool.fill(stream(content))
        assert (await spool.head(), await spool.tail(), await read(spool, 0, len(content))) == (
            content,
            content,
            [content] if content else [],
        )


async def test_a_reader_gets_what_is_there_while_the_rest_is_on_its_way() -> None:
    more = asyncio.Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[Arriving]:
        async def pieces() -> AsyncIterator[bytes]:
            yield CONTENT[:CHUNK]
            await more.wait()
            yield CONTENT[CHUNK:]

        yield Arriving(pieces())

    with Spool(LIMIT) as spool:
        filling = asyncio.create_task(spool.fill(slow()))
        await spool.reach(CHUNK)
        assert (await spool.head(), b"".join(await read(spool, 0, CHUNK))) == (CONTENT[:EDGE], CONTENT[:CHUNK])
        reaching = asyncio.create_task(spool.reach(len(CONTENT)))
        whole = asyncio.create_task(spool.whole())
        await asyncio.sleep(0)
        assert not reaching.done()
        more.set()
        await reaching
        assert await whole == len(CONTENT)
        await filling


async def test_a_stream_that_ends_early_is_corrupt_for_who_waits_for_more() -> None:
    with Spool(LIMIT) as spool:
        await spool.fill(stream(CONTENT))
        await spool.reach(len(CONTENT))
        with pytest.raises(Corrupt):
            await spool.reach(len(CONTENT) + 1)


async def test_a_stream_that_breaks_is_told_to_all_who_wait() -> None:
    with Spool(LIMIT) as spool:
        waiting = [asyncio.create_task(each) for each in (spool.reach(LIMIT), spool.whole(), spool.tail())]
        await asyncio.sleep(0)
        with pytest.raises(Broken):
            await spool.fill(stream(CONTENT, breaks=True))
        for one in waiting:
            with pytest.raises(Broken):
                await one


async def test_no_byte_above_the_limit_is_written() -> None:
    with Spool(2 * CHUNK) as spool:
        with pytest.raises(TooLarge):
            await spool.fill(stream(CONTENT))
        assert spool.size <= 2 * CHUNK
        with pytest.raises(TooLarge):
            await spool.whole()
    with Spool(len(CONTENT)) as spool:
        await spool.fill(stream(CONTENT))


async def test_more_than_was_announced_is_corrupt_before_all_of_it_has_come() -> None:
    with Spool(LIMIT, expected=CHUNK) as spool:
        with pytest.raises(Corrupt, match="announced"):
            await spool.fill(stream(CONTENT))
        assert spool.size <= CHUNK


def entries(folder: Path) -> int:
    return len(list(folder.iterdir()))


async def test_nothing_lies_in_the_temporary_folder_and_nothing_stays_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = entries(Path("/dev/fd"))
    with Spool(LIMIT) as spool:
        await spool.fill(stream(CONTENT))
        assert entries(tmp_path) == 0
    assert entries(Path("/dev/fd")) == before


class SlowFile:
    """A file on a slow disk: the first write begins and ends when the test says."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.begun, self.goes_on, self.closed_meanwhile = threading.Event(), threading.Event(), False

    def write(self, block: bytes) -> int:
        self.begun.set()
        self.goes_on.wait(5)
        self.closed_meanwhile |= self._file.closed
        return len(block)

    def close(self) -> None:
        self._file.close()


async def test_a_file_is_not_closed_under_a_thread_that_writes_as_its_number_would_be_another_files() -> None:
    with tempfile.TemporaryFile() as real:
        slow = SlowFile(cast(BinaryIO, real))
        with Spool(LIMIT) as spool:
            spool._file.close()
            spool._file = cast(Any, slow)
            filling = asyncio.create_task(spool.fill(stream(CONTENT)))
            await asyncio.to_thread(slow.begun.wait, 5)
            filling.cancel()
            await asyncio.wait([filling])
            threading.Timer(0.1, slow.goes_on.set).start()
        assert (slow.goes_on.is_set(), slow.closed_meanwhile) == (True, False)


async def test_an_answer_that_names_more_than_the_limit_is_not_even_begun() -> None:
    with Spool(LIMIT) as spool:
        with pytest.raises(TooLarge):
            await spool.fill(stream(CONTENT, length=LIMIT + 1))
        assert spool.size == 0


async def test_the_length_that_an_answer_names_is_known_with_its_first_bytes() -> None:
    with Spool(LIMIT) as spool:
        filling = asyncio.create_task(spool.fill(stream(CONTENT, length=len(CONTENT))))
        await spool.head()
        assert spool.length == len(CONTENT)
        await filling
