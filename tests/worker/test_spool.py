"""A file that is filled and read at one time, in bounded memory, and leaves no trace."""

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

from store.resumable import PIECE
from tests.flows.arriving import Arriving
from worker.proof import Corrupt, TooLarge
from worker.spool import CHUNK, CRUMB, EDGE, LEAST, WINDOW, Spool

CONTENT = random.Random(3).randbytes(3 * CHUNK + 7)
LIMIT = 10 * CHUNK
LARGE = random.Random(4).randbytes(2 * WINDOW + 7)


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
        assert (b"".join(chunks), max(map(len, chunks)) <= CHUNK) == (CONTENT[5:], True)
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


async def settled(spool: Spool) -> int:
    """How far it has got, once it goes no further."""
    size = -1
    while size != spool.size:
        size = spool.size
        await asyncio.sleep(0.02)
    return size


async def test_a_stream_is_a_piece_ahead_of_what_goes_out_and_a_window_of_what_is_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    step = PIECE // 2
    with Spool(len(LARGE)) as spool:
        filling = asyncio.create_task(spool.fill(stream(LARGE)))
        got, released = b"", 0
        while len(got) < len(LARGE):
            held = await settled(spool)
            most = min(len(got) + PIECE, released + WINDOW, len(LARGE))
            assert most <= held < most + 16_384
            assert sum(map(len, spool._kept)) <= held - released + EDGE + CHUNK
            end = min(len(got) + step, len(LARGE))
            got += b"".join(await read(spool, len(got), end))
            if len(got) - released >= 3 * step:  # a piece and a half, as after a line that was cut
                released = len(got)
                spool.release(released)
        await filling
        assert (got, await spool.tail(), spool.digest()) == (LARGE, LARGE[-EDGE:], hashlib.sha256(LARGE).digest())


async def test_a_reader_who_waits_for_more_than_a_window_waits_in_vain_for_nothing() -> None:
    with Spool(len(LARGE)) as spool:
        filling = asyncio.create_task(spool.fill(stream(LARGE)))
        async with asyncio.timeout(10):
            await spool.reach(WINDOW + CHUNK)
        assert await settled(spool) < WINDOW + CHUNK + 16_384
        filling.cancel()
        await asyncio.wait([filling])


def files_open_in(folder: Path) -> list[str]:
    """What this process has open below a folder; without a name there if it ends in ` (deleted)`."""
    opened = (str(link.readlink()) for link in Path("/dev/fd").iterdir() if link.is_symlink())
    return [path for path in opened if path.startswith(str(folder))]


@pytest.mark.parametrize("released", [0, WINDOW // 2, WINDOW])
async def test_the_whole_of_a_file_beyond_the_window_lies_on_disk_without_a_name(
    released: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Spool(len(LARGE)) as spool:
        filling = asyncio.create_task(spool.fill(stream(LARGE)))
        await spool.reach(released)
        spool.release(released)
        assert (await spool.whole(), spool.digest()) == (len(LARGE), hashlib.sha256(LARGE).digest())
        await filling
        (opened,) = files_open_in(tmp_path)
        assert opened.endswith(" (deleted)")
        assert sum(map(len, spool._kept)) <= WINDOW + 16_384 + EDGE
        chunks = await read(spool, released, len(LARGE))
        assert (b"".join(chunks), max(map(len, chunks)) <= CHUNK) == (LARGE[released:], True)
        assert await spool.tail() == LARGE[-EDGE:]
    assert files_open_in(tmp_path) == []


async def test_what_was_released_is_not_given_out_as_something_else() -> None:
    with Spool(len(LARGE)) as spool:
        filling = asyncio.create_task(spool.fill(stream(LARGE)))
        await spool.reach(WINDOW)
        spool.release(WINDOW)
        with pytest.raises(ValueError, match="released"):
            await read(spool, 0, CHUNK)
        assert b"".join(await read(spool, WINDOW, WINDOW + CHUNK)) == LARGE[WINDOW : WINDOW + CHUNK]
        filling.cancel()
        await asyncio.wait([filling])


async def test_what_comes_in_crumbs_is_neither_kept_nor_given_out_so() -> None:
    with Spool(LIMIT) as spool:
        await spool.fill(stream(CONTENT, piece=10))
        assert len(spool._kept) <= len(CONTENT) // CRUMB + 1
        chunks = await read(spool, 0, len(CONTENT))
        assert (b"".join(chunks), min(map(len, chunks[:-1])) >= LEAST) == (CONTENT, True)


async def test_who_reads_is_not_disturbed_by_what_comes_and_goes_meanwhile() -> None:
    with Spool(len(LARGE)) as spool:
        filling = asyncio.create_task(spool.fill(stream(LARGE)))
        got = b""
        async for chunk in spool.chunks(0, WINDOW):
            got += chunk
            spool.release(len(got))
            await asyncio.sleep(0)
        assert got == LARGE[:WINDOW]
        filling.cancel()
        await asyncio.wait([filling])


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


async def test_a_file_is_not_closed_under_a_thread_that_writes_as_its_number_would_be_another_files(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryFile() as real:
        slow = SlowFile(cast(BinaryIO, real))
        monkeypatch.setattr("worker.spool.WINDOW", CHUNK)
        monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: cast(Any, slow))
        with Spool(LIMIT) as spool:
            filling = asyncio.create_task(spool.fill(stream(CONTENT)))
            waiting = asyncio.create_task(spool.whole())
            await asyncio.to_thread(slow.begun.wait, 5)
            for task in (filling, waiting):
                task.cancel()
                await asyncio.wait([task])
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
