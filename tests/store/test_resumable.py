"""Large files into the real stand-in of Storage: in pieces, going on after a cut line, never half of one to be seen."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from store.connect import connect
from store.errors import Missing, Unavailable
from store.files import Files
from tests.conftest import Project
from tests.flows.arriving import Arriving
from tests.flows.waiting import until
from worker.spool import Spool

MEBIBYTE = 1024 * 1024
PIECE = 6 * MEBIBYTE
CONTENT = os.urandom(2 * PIECE + MEBIBYTE)
Orders = Callable[..., Awaitable[dict[str, Any]]]


class Refuted(Exception):
    """The file turned out to be wrong."""


@pytest.fixture
async def files(project: Project) -> AsyncIterator[Files]:
    async with connect(project.url, project.service_role_key) as http:
        yield Files(http, "whatsapp-media")


@pytest.fixture
async def order(project: Project, http: httpx.AsyncClient) -> AsyncIterator[Orders]:
    """Tells the stand-in how to behave, counting from now on; its `counts` come back. Kind again afterwards."""

    async def tell(**orders: Any) -> dict[str, Any]:
        answer = await http.post(f"{project.url}/_devstack/storage", json=orders)
        counts: dict[str, Any] = answer.json()["counts"]
        return counts

    await tell(reset=True)
    yield tell
    await tell(reset=True)


def a_path() -> str:
    return f"{uuid.uuid4()}/film.mp4"


@asynccontextmanager
async def spooled(content: bytes, rest: asyncio.Event | None = None, held_back: int = 0) -> AsyncIterator[Spool]:
    """`content` as it arrives; its last bytes, so many, only after `rest`."""

    @asynccontextmanager
    async def stream() -> AsyncIterator[Arriving]:
        async def pieces() -> AsyncIterator[bytes]:
            yield content[: len(content) - held_back]
            if rest is not None:
                await rest.wait()
                yield content[len(content) - held_back :]

        yield Arriving(pieces())

    with Spool(limit=100 * MEBIBYTE) as spool:
        filling = asyncio.create_task(spool.fill(stream()))
        yield spool
        filling.cancel()
        await asyncio.wait([filling])


async def store(files: Files, path: str, spool: Spool, size: int | None = len(CONTENT)) -> None:
    await files.upload(path, spool, "video/mp4", size=size, proven=spool.whole)


async def stored(files: Files, path: str) -> bytes:
    described = await files.describe(path)
    assert described.content_type == "video/mp4"
    async with files.download(path, described) as content:
        return b"".join([chunk async for chunk in content])


async def test_a_large_file_goes_in_pieces_and_is_whole(files: Files, order: Orders) -> None:
    path = a_path()
    async with spooled(CONTENT) as spool:
        await store(files, path, spool)
    counts = await order()
    assert (counts["POST resumable"], counts["PATCH resumable"], counts["bytes"]) == (1, 3, len(CONTENT))
    assert await stored(files, path) == CONTENT


@pytest.mark.parametrize("size", [2 * PIECE, PIECE + 1])
async def test_a_file_that_ends_with_a_piece_or_just_after_one_is_whole(files: Files, order: Orders, size: int) -> None:
    path = a_path()
    async with spooled(CONTENT[:size]) as spool:
        await store(files, path, spool, size)
    assert (await order())["PATCH resumable"] == 2
    assert await stored(files, path) == CONTENT[:size]


@pytest.mark.parametrize("size", [0, 1, PIECE])
async def test_a_small_file_goes_in_one_request(files: Files, order: Orders, size: int) -> None:
    path = a_path()
    # The second time over the first: nobody is to find half of each, or two.
    for content in (b"before", CONTENT[:size]):
        async with spooled(content) as spool:
            await store(files, path, spool, None)
    assert {key: count for key, count in (await order()).items() if key != "bytes"} == {"POST object": 2}
    assert await stored(files, path) == CONTENT[:size]


async def test_pieces_go_out_while_the_rest_still_comes_in(files: Files, order: Orders) -> None:
    path, rest = a_path(), asyncio.Event()
    async with spooled(CONTENT, rest, held_back=MEBIBYTE + 1) as spool:
        storing = asyncio.create_task(store(files, path, spool))
        await until(order, lambda counts: counts.get("bytes", 0) == PIECE)
        with pytest.raises(Missing):
            await files.describe(path)
        rest.set()
        await storing
    assert await stored(files, path) == CONTENT


async def test_a_line_that_is_cut_in_every_piece_costs_no_byte_twice(files: Files, order: Orders) -> None:
    path = a_path()
    await order(cut_uploads_after=4 * MEBIBYTE)
    async with spooled(CONTENT) as spool:
        await store(files, path, spool)
    counts = await order()
    assert counts["POST resumable"] == 1, "gone on, not begun anew"
    assert counts["HEAD resumable"] >= 3
    assert counts["bytes"] == len(CONTENT)
    assert await stored(files, path) == CONTENT


async def test_a_storage_that_fails_for_a_moment_is_outlived_within_the_upload(files: Files, order: Orders) -> None:
    path = a_path()
    await order(fail_next=3)
    async with spooled(CONTENT) as spool:
        await store(files, path, spool)
    assert (await order())["bytes"] == len(CONTENT)
    assert await stored(files, path) == CONTENT


async def test_a_storage_without_room_is_given_up_for_now_and_shows_nothing(
    files: Files, order: Orders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.resumable.LONGEST_PAUSE_SECONDS", 0.0)
    path = a_path()
    await order(full=True)
    async with spooled(CONTENT) as spool:
        with pytest.raises(Unavailable):
            await store(files, path, spool)
    counts = await order(full=False)
    assert (counts["PATCH resumable"] < 10, counts["DELETE resumable"], "bytes" in counts) == (True, 1, False)
    with pytest.raises(Missing):
        await files.describe(path)


async def test_the_last_piece_of_a_file_that_is_wrong_never_leaves(files: Files, order: Orders) -> None:
    path = a_path()

    async def refuted() -> int:
        raise Refuted

    async with spooled(CONTENT) as spool:
        with pytest.raises(Refuted):
            await files.upload(path, spool, "video/mp4", size=len(CONTENT), proven=refuted)
    counts = await order()
    assert (counts["bytes"], counts["PATCH resumable"], counts["DELETE resumable"]) == (2 * PIECE, 2, 1)
    with pytest.raises(Missing):
        await files.describe(path)


async def test_who_is_stopped_in_the_middle_ends_the_upload_too(files: Files, order: Orders) -> None:
    async with spooled(CONTENT, asyncio.Event(), held_back=MEBIBYTE) as spool:
        storing = asyncio.create_task(store(files, a_path(), spool))
        await until(order, lambda counts: counts.get("bytes", 0) == 2 * PIECE)
        storing.cancel()
        await asyncio.wait([storing])
    assert ((await order())["DELETE resumable"], storing.cancelled()) == (1, True)


async def test_a_server_without_the_protocol_gets_one_request_and_is_not_asked_each_time(
    files: Files, order: Orders
) -> None:
    await order(no_resumable=True)
    for path in (a_path(), a_path()):
        async with spooled(CONTENT) as spool:
            await store(files, path, spool)
        assert await stored(files, path) == CONTENT
    counts = await order()
    assert (counts["POST resumable"], counts["POST object"], counts["bytes"]) == (1, 2, 2 * len(CONTENT))


async def test_two_who_store_the_same_at_once_leave_one_object(files: Files, order: Orders) -> None:
    path = a_path()
    async with spooled(CONTENT) as one, spooled(CONTENT) as other:
        await asyncio.gather(store(files, path, one), store(files, path, other))
    assert (await order())["POST resumable"] == 2
    assert await stored(files, path) == CONTENT
