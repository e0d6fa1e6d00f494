"""Objects out of Storage: described without being fetched, streamed, and every trouble a StoreError."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from store.connect import connect
from store.errors import Missing, Rejected, StoreError, Unavailable
from store.files import Files, Stored
from tests.conftest import Project
from tests.whatsapp.scripted import Answer, answer, serving

INFO = {"size": 4, "content_type": "image/jpeg", "etag": '"abc"', "version": "7"}


@pytest.fixture
async def files(project: Project) -> AsyncIterator[Files]:
    async with connect(project.url, project.service_role_key) as http:
        yield Files(http, "whatsapp-media")


async def _put(project: Project, http: httpx.AsyncClient, path: str, raw: bytes) -> None:
    headers = project.headers(project.service_role_key) | {"content-type": "image/jpeg", "x-upsert": "true"}
    address = f"{project.url}/storage/v1/object/whatsapp-media/{path}"
    assert (await http.post(address, content=raw, headers=headers)).status_code == 200


async def test_an_object_is_described_and_then_streamed(
    project: Project, http: httpx.AsyncClient, files: Files
) -> None:
    path = f"{uuid.uuid4()}/outgoing/photo.jpg"
    await _put(project, http, path, b"a picture")
    stored = await files.describe(path)
    assert (stored.size, stored.content_type) == (9, "image/jpeg")
    async with files.download(path, stored) as content:
        assert b"".join([chunk async for chunk in content]) == b"a picture"
    await _put(project, http, path, b"retouched")
    assert (await files.describe(path)).version != stored.version
    with pytest.raises(Unavailable, match="overwritten"):
        async with files.download(path, stored):
            pass


async def test_what_is_not_there_is_missing(files: Files) -> None:
    with pytest.raises(Missing):
        await files.describe(f"{uuid.uuid4()}/outgoing/photo.jpg")
    with pytest.raises(Rejected):
        async with files.download(f"{uuid.uuid4()}/outgoing/photo.jpg", Stored(1, "image/jpeg", "1")):
            pass


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (INFO, "abc"),
        (INFO | {"etag": 'W/"abc"'}, "abc"),
        (INFO | {"etag": None}, "7"),
        ({"size": 4, "last_modified": "2026-11-01"}, "2026-11-01"),
    ],
)
async def test_an_etag_is_the_version_or_whatever_else_there_is(told: dict[str, Any], version: str) -> None:
    async with serving(answer(200, told)) as server, connect(server.url, "key") as http:
        stored = await Files(http, "bucket").describe("a/b c?.jpg")
        assert (stored.size, stored.version) == (4, version)
        assert server.requests[0][0].startswith("GET /storage/v1/object/info/bucket/a/b%20c%3F.jpg ")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(400, {"statusCode": "404", "error": "not_found", "message": "Object not found"}), Missing),
        (answer(400, {"statusCode": "404", "code": "NoSuchKey", "error": "x", "message": "x"}), Missing),
        (answer(404, {"message": "no Route matched with those values"}), Rejected),
        (answer(503, "<html>"), Unavailable),
        (answer(200, "<html>"), Unavailable),
        (answer(200, {"size": None, "etag": "x"}), Unavailable),
        (answer(200, []), Unavailable),
    ],
)
async def test_only_storages_own_word_makes_an_object_missing(said: Answer, expected: type[StoreError]) -> None:
    async with serving(said) as server, connect(server.url, "key") as http:
        with pytest.raises(expected) as raised:
            await Files(http, "bucket").describe("a")
    assert type(raised.value) is expected


async def test_a_stream_that_breaks_off_is_the_stores_error() -> None:
    half = Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it", then_closes=True)
    async with serving(half) as server, connect(server.url, "key") as http:
        with pytest.raises(Unavailable):
            async with Files(http, "bucket").download("a", Stored(100, "image/jpeg", "abc")) as content:
                assert [chunk async for chunk in content]
        assert "accept-encoding: identity" in server.requests[0][0].lower()


class Bytes:
    """Four bytes, all of them there."""

    async def reach(self, offset: int) -> None:
        assert offset <= 4

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        yield b"film"[start:end]


async def _four() -> int:
    return 4


@pytest.mark.parametrize("said", ["<html>Under maintenance</html>", "", [], {"message": "ok"}])
async def test_an_upload_that_nobody_confirms_is_the_stores_error(said: Any) -> None:
    async with serving(answer(200, said)) as server, connect(server.url, "key") as http:
        with pytest.raises(Unavailable):
            await Files(http, "bucket").upload("a.mp4", Bytes(), "video/mp4", size=4, proven=_four)
    assert server.requests[0][1] == b"film"


async def test_a_page_in_the_place_of_an_object_is_not_taken_for_it() -> None:
    async with serving(answer(200, "<html>Under maintenance</html>")) as server, connect(server.url, "key") as http:
        with pytest.raises(Unavailable):
            async with Files(http, "bucket").download("a", Stored(4, "image/jpeg", "abc")):
                pass


async def test_objects_are_removed_and_what_is_not_there_is_no_trouble(
    project: Project, http: httpx.AsyncClient, files: Files
) -> None:
    folder = f"{uuid.uuid4()}/none"
    paths = [f"{folder}/{name}" for name in ("one.jpg", "two (2).jpg", "three.jpg")]
    for path in paths:
        await _put(project, http, path, b"a picture")
    assert await files.remove([*paths[:2], f"{folder}/never.jpg"]) == set(paths[:2])
    for path in paths[:2]:
        with pytest.raises(Missing):
            await files.describe(path)
    assert (await files.describe(paths[2])).size == 9
    assert await files.remove(paths[:2]) == set()


@pytest.mark.parametrize("said", [answer(503, "<html>"), answer(200, "<html>"), answer(200, {"data": []})])
async def test_a_removal_that_nobody_confirms_is_the_stores_error(said: Answer) -> None:
    async with serving(said) as server, connect(server.url, "key") as http:
        with pytest.raises(Unavailable):
            await Files(http, "bucket").remove(["a"])
    assert server.requests[0][0].startswith("DELETE /storage/v1/object/bucket ")
    assert server.bodies == [{"prefixes": ["a"]}]
