"""What a server may answer to a resumable upload, word by word: where the key goes, and what is tried again."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator

import pytest

from store.connect import connect
from store.errors import Denied, Rejected, StoreError, Unavailable
from store.files import Files
from store.resumable import TRIES, NotOffered, Resumable, transfer
from tests.whatsapp.scripted import Answer, Line, Server, answer, serving

CONTENT = b"ten bytes."
PATH = "/storage/v1/upload/resumable"
NO_CONTENT = "HTTP/1.1 204 X\r\n"


class Whole:
    """All of CONTENT, at once, but for what was released."""

    def __init__(self) -> None:
        self.released = 0

    async def reach(self, offset: int) -> None:
        assert offset <= len(CONTENT)

    async def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        assert start >= self.released
        yield CONTENT[start:end]

    def release(self, offset: int) -> None:
        self.released = offset


async def proven() -> int:
    return len(CONTENT)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.resumable.PIECE", 4)
    monkeypatch.setattr("store.files.PIECE", 4)
    monkeypatch.setattr("store.resumable.LONGEST_PAUSE_SECONDS", 0.0)


def begun(location: str = f"{PATH}/abc") -> Answer:
    return answer(201, "", f"Location: {location}")


def taken(offset: int | str) -> Answer:
    return Answer(f"{NO_CONTENT}Upload-Offset: {offset}\r\n\r\n".encode())


def told(offset: int | str) -> Answer:
    """To HEAD."""
    return answer(200, "", f"Upload-Offset: {offset}")


def asked(server: Server) -> list[str]:
    """Method, the path's last word, and the offset where a piece begins."""
    words = []
    for head, _ in server.requests:
        method, path, _ = head.split(" ", 2)
        offset = re.search(r"upload-offset: (\d+)", head, re.IGNORECASE)
        words.append(f"{method} {path.rsplit('/', 1)[-1]}" + (f" {offset[1]}" if offset else ""))
    return words


async def upload(*script: Answer | Line) -> Server:
    async with serving(*script) as server, connect(server.url, "key") as http:
        await Resumable(http, "bucket").upload("a/b.mp4", Whole(), len(CONTENT), "video/mp4", proven)
    return server


async def refused(kind: type[Exception], *script: Answer | Line) -> tuple[Exception, Server]:
    async with serving(*script) as server, connect(server.url, "key") as http:
        with pytest.raises(kind) as raised:
            await Resumable(http, "bucket").upload("a/b.mp4", Whole(), len(CONTENT), "video/mp4", proven)
    return raised.value, server


async def test_what_is_said_at_the_beginning_and_with_each_piece() -> None:
    server = await upload(begun(), taken(4), taken(8), taken(10))
    assert asked(server) == ["POST resumable", "PATCH abc 0", "PATCH abc 4", "PATCH abc 8"]
    creation, piece = server.requests[0][0].lower(), server.requests[1][0].lower()
    for header in ("upload-length: 10", "x-upsert: true", "tus-resumable: 1.0.0", "apikey: key"):
        assert header in creation
    metadata = re.search(r"upload-metadata: (.*)\r", server.requests[0][0], re.IGNORECASE)
    assert metadata is not None
    assert metadata[1].split(",") == [
        "bucketName YnVja2V0",
        "objectName YS9iLm1wNA==",
        "contentType dmlkZW8vbXA0",
        "cacheControl MzYwMA==",
    ]
    for header in ("content-type: application/offset+octet-stream", "content-length: 4", "tus-resumable: 1.0.0"):
        assert header in piece
    assert b"".join(body for _, body in server.requests) == CONTENT


async def test_of_an_address_at_another_host_only_the_path_is_used() -> None:
    server = await upload(begun(f"https://public.example{PATH}/abc?x=1"), taken(4), taken(8), taken(10))
    assert asked(server)[1:] == ["PATCH abc 0", "PATCH abc 4", "PATCH abc 8"]


@pytest.mark.parametrize(
    "location",
    ["", "/elsewhere/abc", f"{PATH}/../../rest/v1/x", f"{PATH}/..", f"{PATH}/%2e%2e", "https://[", f"{PATH}/"],
)
async def test_an_address_that_is_no_upload_of_ours_is_not_gone_to(location: str) -> None:
    _, server = await refused(NotOffered, begun(location))
    assert asked(server) == ["POST resumable"]


@pytest.mark.parametrize("status", [404, 405, 501])
async def test_without_the_protocol_the_whole_goes_in_one_request(status: int) -> None:
    async with serving(answer(status, "")) as server, connect(server.url, "key") as http:
        server.script.append(answer(200, {"Key": "bucket/a/b.mp4"}))
        await Files(http, "bucket").upload("a/b.mp4", Whole(), "video/mp4", size=len(CONTENT), proven=proven)
    assert asked(server) == ["POST resumable", "POST b.mp4"]
    assert server.requests[1][1] == CONTENT


@pytest.mark.parametrize(
    "trouble",
    [
        Line.CUT,
        answer(503, ""),
        answer(409, "locked"),
        answer(423, ""),
        Answer(b"no HTTP\r\n\r\n"),
        taken(2),
        taken("x"),
    ],
)
async def test_after_a_trouble_the_server_is_asked_how_far_it_has_got(trouble: Answer | Line) -> None:
    server = await upload(begun(), taken(4), trouble, told(6), taken(10))
    assert asked(server) == ["POST resumable", "PATCH abc 0", "PATCH abc 4", "HEAD abc", "PATCH abc 6"]
    assert server.requests[-1][1] == CONTENT[6:]


@pytest.mark.parametrize("trouble", [Line.CUT, answer(503, ""), answer(409, "locked"), answer(500, "<html>")])
async def test_after_a_trouble_at_the_beginning_it_begins_again(trouble: Answer | Line) -> None:
    server = await upload(trouble, begun(), taken(4), taken(8), taken(10))
    assert asked(server)[:3] == ["POST resumable", "POST resumable", "PATCH abc 0"]


@pytest.mark.parametrize("end", [Line.CUT, answer(500, ""), answer(404, "")])
async def test_an_upload_that_cannot_even_be_taken_back_is_left_to_the_server(end: Answer | Line) -> None:
    _, server = await refused(Unavailable, begun(), *[answer(503, "")] * TRIES, end)
    assert asked(server)[-1] == "DELETE abc"


async def test_a_lock_that_is_held_for_a_while_is_waited_for() -> None:
    locked = answer(409, "")
    server = await upload(begun(), locked, told(0), locked, locked, told(0), taken(4), taken(8), taken(10))
    assert asked(server)[-3:] == ["PATCH abc 0", "PATCH abc 4", "PATCH abc 8"]


async def test_without_progress_it_ends_after_some_tries_and_takes_the_upload_back() -> None:
    _, server = await refused(Unavailable, begun(), answer(503, ""))
    assert asked(server) == ["POST resumable", "PATCH abc 0", *["HEAD abc"] * (TRIES - 1), "DELETE abc"]


async def test_progress_that_is_told_but_not_made_does_not_go_on_for_ever() -> None:
    script = [step for _ in range(2 * TRIES) for step in (answer(500, ""), told(0))]
    _, server = await refused(Unavailable, begun(), *script)
    assert asked(server).count("PATCH abc 0") == TRIES


@pytest.mark.parametrize("status", [404, 410])
async def test_an_upload_that_the_server_has_forgotten_is_over(status: int) -> None:
    """What was acknowledged is not there any more to be sent again: whoever has the file begins anew."""
    error, server = await refused(Unavailable, begun(), taken(4), answer(status, ""), answer(204, ""))
    assert (getattr(error, "code", None), asked(server)[3:]) == ("upload_gone", ["DELETE abc"])


@pytest.mark.parametrize("trouble", [Line.CUT, answer(500, "the row could not be written")])
async def test_that_all_of_it_has_arrived_does_not_make_it_an_object(trouble: Answer | Line) -> None:
    """The bytes are there before the row of the object is written, which may fail."""
    error, server = await refused(Unavailable, begun(), taken(4), taken(8), trouble, told(10), answer(204, ""))
    assert (getattr(error, "code", None), asked(server)[4:]) == ("upload_gone", ["HEAD abc", "DELETE abc"])


async def test_a_server_that_has_lost_what_it_acknowledged_is_not_sent_the_rest() -> None:
    error, server = await refused(Unavailable, begun(), taken(4), taken(8), Line.CUT, told(6), answer(204, ""))
    assert (getattr(error, "code", None), asked(server)[4:]) == ("upload_gone", ["HEAD abc", "DELETE abc"])


@pytest.mark.parametrize("offset", ["", "11", "-1", "9" * 5000])
async def test_an_offset_that_makes_no_sense_is_asked_for_again(offset: str) -> None:
    server = await upload(begun(), answer(500, ""), told(offset), told(8), taken(10))
    assert asked(server)[-2:] == ["HEAD abc", "PATCH abc 8"]


@pytest.mark.parametrize(
    ("said", "expected", "code"),
    [
        (answer(413, "The object exceeded the maximum allowed size"), Rejected, "too_large"),
        (answer(400, {"statusCode": "413", "error": "Payload too large", "message": "x"}), Rejected, "too_large"),
        (answer(400, {"statusCode": "413", "code": "EntityTooLarge", "message": "x"}), Rejected, "too_large"),
        (answer(413, "exceeded quota"), Unavailable, "413"),
        (answer(402, {"message": "restricted: exceed_storage_size_quota"}), Unavailable, "402"),
        (answer(415, "mime type x is not supported"), Rejected, "wrong_type"),
        (answer(400, {"statusCode": "415", "error": "invalid_mime_type", "message": "x"}), Rejected, "wrong_type"),
        (
            answer(400, {"statusCode": "404", "error": "Bucket not found", "message": "x"}),
            Unavailable,
            "Bucket not found",
        ),
        (answer(507, "full"), Unavailable, "507"),
        (answer(409, {"statusCode": "409", "error": "Duplicate", "message": "x"}), Unavailable, "Duplicate"),
        (answer(500, "<html>Internal Server Error</html>"), Unavailable, "500"),
        (answer(302, "", "Location: https://elsewhere.example/"), Unavailable, "302"),
        (answer(403, "no"), Denied, "403"),
    ],
)
async def test_a_refusal_is_for_good_only_where_another_day_changes_nothing(
    said: Answer, expected: type[StoreError], code: str
) -> None:
    error, _ = await refused(expected, said)
    assert isinstance(error, StoreError)
    assert (type(error), error.code) == (expected, code)
    async with serving(said) as server, connect(server.url, "key") as http:
        with pytest.raises(expected) as raised:
            await Files(http, "bucket").upload("a", Whole(), "video/mp4", size=None, proven=_one)
    assert (type(raised.value), raised.value.code) == (expected, code)


async def _one() -> int:
    return 1


async def test_a_server_that_takes_no_more_is_given_up_and_so_is_one_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("store.resumable.STALL_SECONDS", 0.2)
    monkeypatch.setattr("store.resumable.ANSWER_SECONDS", 0.2)
    over = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await over.wait()
        writer.close()

    async def much() -> AsyncIterator[bytes]:
        for _ in range(64):
            yield bytes(256 * 1024)

    listener = await asyncio.start_server(deaf, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener, connect(url, "key") as http:
        for chunks, length in ((much(), 64 * 256 * 1024), (Whole().chunks(0, 10), 10)):
            async with asyncio.timeout(5):
                with pytest.raises(Unavailable):
                    await transfer(http, "PATCH", f"{PATH}/abc", {"content-length": str(length)}, chunks)
        over.set()
