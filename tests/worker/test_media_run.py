"""A download that meets what nobody has thought of: the loop goes on, and nobody reads what was not meant for him."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from io import FileIO
from typing import Any, NoReturn, cast

import pytest
from structlog.testing import capture_logs

from store.errors import Rejected
from store.files import Files
from store.resumable import Proven
from store.rpc import Rpc
from tests.flows.arriving import Arriving
from whatsapp.client import MediaUrl
from whatsapp.errors import Refused
from worker.clients import Clients
from worker.media import Media
from worker.spool import CHUNK, EDGE, Spool

JOB = {"message_id": "m", "connection_id": "c", "attempts": 1, "type": "document", "object_name": "w/c/m"}


class Surprising:
    """In the place of the clients."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    async def of(self, job: dict[str, Any]) -> NoReturn:
        raise self._error


def media(error: BaseException) -> Media:
    return Media(cast(Rpc, None), cast(Clients, Surprising(error)), cast(Files, None), slots=1, limit=1)


async def test_an_unforeseen_error_is_tried_again_and_logged_by_its_place_only() -> None:
    with capture_logs() as logs:
        result = await media(KeyError("key-123 of +972501234567 at https://host/?hash=1")).run(JOB)
    assert result is not None
    assert (result["outcome"], result["error"]["code"]) == ("retry", "unexpected")
    (entry,) = logs
    assert (entry["event"], entry["error"], entry["raised_at"].split(":")[0]) == ("media.failed", "KeyError", "of")
    assert not [word for word in ("key-123", "972501234567", "hash=1") if word in str(entry)]


async def test_who_is_stopped_gives_the_job_back() -> None:
    assert await media(asyncio.CancelledError()).run(JOB) is None


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt()])
async def test_the_end_of_the_process_is_nobodys_result(error: BaseException) -> None:
    with pytest.raises(type(error)):
        await media(error).run(JOB)


class Locked:
    """A number's client with a key that is refused; `renewed` is what comes of asking for another."""

    def __init__(self, renewed: Callable[[], Awaitable[bool]]) -> None:
        self._renewed = renewed

    async def of(self, job: dict[str, Any]) -> Locked:
        return self

    async def get_media_url(self, media_id: str) -> NoReturn:
        raise Refused(401, {})

    async def renewed(self, job: dict[str, Any], refused: object) -> bool:
        return await self._renewed()


async def yes() -> bool:
    return True


async def surprise() -> bool:
    raise ZeroDivisionError


@pytest.mark.parametrize(("renewed", "at_once"), [(yes, True), (surprise, False)])
async def test_a_refused_key_is_replaced_at_once_if_there_is_another(
    renewed: Callable[[], Awaitable[bool]], at_once: bool
) -> None:
    queue = Media(cast(Rpc, None), cast(Clients, Locked(renewed)), cast(Files, None), slots=1, limit=1)
    result = await queue.run(JOB | {"media_id": "1"})
    assert result is not None
    assert (result["outcome"], result["retry_after"] == 0) == ("retry", at_once)


async def test_who_is_stopped_while_asking_for_another_key_gives_the_job_back() -> None:
    asking = asyncio.Event()

    async def slow() -> bool:
        asking.set()
        await asyncio.Event().wait()
        return True

    queue = Media(cast(Rpc, None), cast(Clients, Locked(slow)), cast(Files, None), slots=1, limit=1)
    running = asyncio.create_task(queue.run(JOB | {"media_id": "1"}))
    await asking.wait()
    running.cancel()
    assert await running is None


class Endless:
    """A number's client at which one file never comes to its end."""

    def __init__(self) -> None:
        self.left = asyncio.Event()

    async def of(self, job: dict[str, Any]) -> Endless:
        return self

    async def get_media_url(self, media_id: str) -> MediaUrl:
        return MediaUrl("https://host/", "text/plain", None, None)

    @asynccontextmanager
    async def download_media(self, media: MediaUrl) -> AsyncIterator[Arriving]:
        async def pieces() -> AsyncIterator[bytes]:
            yield bytes(EDGE)
            yield bytes(CHUNK)
            await asyncio.Event().wait()

        try:
            yield Arriving(pieces())
        finally:
            self.left.set()


class Plentiful(Endless):
    """One at which a file goes on and on."""

    @asynccontextmanager
    async def download_media(self, media: MediaUrl) -> AsyncIterator[Arriving]:
        async def pieces() -> AsyncIterator[bytes]:
            while True:
                yield bytes(CHUNK)

        try:
            yield Arriving(pieces())
        finally:
            self.left.set()


class Waiting:
    """A Storage that wants the whole of a file before it takes any of it."""

    async def upload(self, path: str, source: Spool, content_type: str, *, size: int | None, proven: Proven) -> None:
        await proven()


async def test_without_room_for_the_temporary_file_it_waits_and_is_not_fetched_any_further(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = Plentiful()
    # The kernel's own full disk.
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FileIO("/dev/full", "r+"))
    queue = Media(cast(Rpc, None), cast(Clients, client), cast(Files, Waiting()), slots=1, limit=2**40)
    async with asyncio.timeout(5):
        result = await queue.run(JOB | {"media_id": "1", "sha256": None, "mime_type": None, "object_name": "a"})
    assert result is not None
    assert (result["outcome"], result["error"]["code"], client.left.is_set()) == ("retry", "unavailable", True)
    assert "No space left" in result["error"]["title"]


class Refusing:
    """In the place of the bucket."""

    async def upload(self, *args: object, **options: object) -> NoReturn:
        raise Rejected("too_large", "this bucket takes less")


async def test_a_file_that_is_refused_is_not_fetched_any_further() -> None:
    client = Endless()
    queue = Media(cast(Rpc, None), cast(Clients, client), cast(Files, Refusing()), slots=1, limit=10 * CHUNK)
    async with asyncio.timeout(5):
        result = await queue.run(JOB | {"media_id": "1", "sha256": None, "mime_type": None, "object_name": "a/b/c"})
    assert (result and result["error"]["code"], client.left.is_set()) == ("too_large", True)
