"""What an answer to a download may be instead of the file: elsewhere, compressed, too slow, endless."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from tests.whatsapp.conftest import Line
from tests.whatsapp.scripted import Answer, answer, serving
from tests.whatsapp.scripted import Line as Fate
from whatsapp import client as module
from whatsapp import download
from whatsapp.client import MediaUrl, WhatsAppClient
from whatsapp.errors import ErrorClass, OutcomeUnknown, Refused, WhatsAppError
from whatsapp.provider import ForeignHost, Redirected, provider

OFFERED = MediaUrl("https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=7&hash=x", None, None, None)
FILE = b"%PDF-" + bytes(range(256)) * 80
KILOBYTE = 1024
# Far longer than anything here takes: whatever ends earlier has ended by itself.
PATIENT = httpx.Timeout(20)


@asynccontextmanager
async def client_at(url: str, *, follows: bool = False) -> AsyncIterator[WhatsAppClient]:
    async with httpx.AsyncClient(timeout=PATIENT, transport=AiohttpTransport(), follow_redirects=follows) as http:
        yield WhatsAppClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "the key")


async def read(client: WhatsAppClient, media: MediaUrl = OFFERED) -> bytes:
    async with client.download_media(media) as file:
        return b"".join([piece async for piece in file])


async def fetched(line: Line, raw: bytes, action: dict[str, object] | None = None) -> bytes:
    """A user's file as it comes through both calls, with a fault on the second."""
    media = await line.business.media_from_user(raw, "application/pdf")
    if action:
        await line.business.fault("download", action)
    return await read(line.client, await line.client.get_media_url(media["id"]))


async def test_what_the_answer_says_of_the_file_is_told_before_it_is_read(line: Line) -> None:
    media = await line.business.media_from_user(FILE, "application/pdf")
    found = await line.client.get_media_url(media["id"])
    async with line.client.download_media(found) as file:
        assert (file.length, file.mime_type) == (len(FILE), "application/pdf")
        assert b"".join([piece async for piece in file]) == FILE
    await line.business.fault("download", {"append": 100})
    async with line.client.download_media(found) as file:
        assert file.length is None
        assert b"".join([piece async for piece in file]) == FILE + bytes(100)


@pytest.mark.parametrize(("action", "expected"), [({"body": ""}, b""), ({"body": "<html>"}, b"<html>")])
async def test_nothing_and_another_page_come_as_they_are(
    line: Line, action: dict[str, object], expected: bytes
) -> None:
    assert await fetched(line, FILE, {"http": 200, **action}) == expected


@pytest.mark.parametrize("status", [300, 301, 302, 303, 304, 307, 308])
async def test_a_redirect_is_an_error_of_its_own_and_never_followed(status: int) -> None:
    async with serving(answer(200, "bait")) as stranger:
        elsewhere = answer(status, "", f"Location: {stranger.url}/file")
        async with serving(elsewhere) as server, client_at(server.url, follows=True) as client:
            with pytest.raises(Redirected) as error:
                await read(client)
    assert isinstance(error.value, ForeignHost)
    assert (stranger.connections, len(server.requests)) == (0, 1)


async def test_no_call_takes_the_key_to_where_an_answer_leads() -> None:
    async with serving(answer(200, "bait")) as stranger:
        elsewhere = answer(307, "", f"Location: {stranger.url}/")
        async with serving(elsewhere) as server, client_at(server.url, follows=True) as client:
            with pytest.raises(Refused):
                await client.get_media_url("7")
            with pytest.raises(Refused):
                await client.send_text_message("972501234567", "hi")
            with pytest.raises(Refused):
                await client.upload_media(b"%PDF", filename="a.pdf", mime_type="application/pdf")
    assert (stranger.connections, len(server.requests)) == (0, 3)


async def test_a_compressed_file_is_refused_before_it_can_swell(line: Line) -> None:
    with pytest.raises(OutcomeUnknown, match="encoded"):
        await fetched(line, FILE, {"encoding": "gzip", "append": 20 * KILOBYTE * KILOBYTE})


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "made-up"])
async def test_no_encoding_is_taken_whatever_it_is_called(encoding: str) -> None:
    said = answer(200, "not read", f"Content-Encoding: {encoding}")
    async with serving(said) as server, client_at(server.url) as client:
        with pytest.raises(OutcomeUnknown, match="encoded"):
            await read(client)


async def test_identity_is_no_encoding() -> None:
    async with serving(answer(200, "file", "Content-Encoding: identity")) as server, client_at(server.url) as client:
        assert await read(client) == b"file"


async def test_a_compressed_lookup_is_understood(line: Line) -> None:
    media = await line.business.media_from_user(FILE, "application/pdf")
    await line.business.fault("media_lookup", {"encoding": "gzip"})
    assert (await line.client.get_media_url(media["id"])).file_size == len(FILE)


STOPS = [
    Fate.SILENT,
    Answer(b"HTTP/1.1 200 OK\r\nContent-"),
    Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf"),
    Answer(b"HTTP/1.1 404 Gone\r\nContent-Length: 500\r\n\r\nhalf"),
]


@pytest.mark.parametrize("fate", STOPS)
async def test_a_file_that_stops_coming_is_given_up(monkeypatch: pytest.MonkeyPatch, fate: Answer | Fate) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.2)
    async with serving(fate) as server, client_at(server.url) as client:
        async with asyncio.timeout(5):
            with pytest.raises(OutcomeUnknown):
                await read(client)


async def test_a_lookup_that_drips_is_given_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.3)
    media = await line.business.media_from_user(FILE)
    await line.business.fault("media_lookup", {"drip": 20})
    async with asyncio.timeout(5):
        with pytest.raises(OutcomeUnknown):
            await line.client.get_media_url(media["id"])


async def test_a_file_that_drips_is_given_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WINDOW_SECONDS", 0.3)
    async with asyncio.timeout(5):
        with pytest.raises(OutcomeUnknown, match="too slowly"):
            await fetched(line, FILE, {"drip": 1000})


async def test_a_refusal_that_drips_is_given_up(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 1)
    async with asyncio.timeout(5):
        with pytest.raises(OutcomeUnknown, match="no end"):
            await fetched(line, FILE, {"http": 404, "body": "x" * 2000, "drip": 100})


async def test_a_file_that_comes_just_fast_enough_is_taken(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WINDOW_SECONDS", 0.2)
    assert await fetched(line, FILE * 10, {"drip": 200 * KILOBYTE}) == FILE * 10


async def test_a_reader_may_take_its_time(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "WINDOW_SECONDS", 0.5)
    monkeypatch.setattr(download, "MIN_BYTES_PER_SECOND", 64 * KILOBYTE * KILOBYTE)
    media = await line.business.media_from_user(FILE * 10, "application/pdf")
    size = 0
    async with line.client.download_media(await line.client.get_media_url(media["id"])) as file:
        async for piece in file:
            size += len(piece)
            await asyncio.sleep(0.06)  # the slow disk behind the reader: it is what the test is about
    assert size == len(FILE) * 10


async def test_a_refusal_is_read_no_further_than_its_words_reach(line: Line) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Refused) as refused:
            await fetched(line, FILE, {"http": 404, "body": "gone", "append": 20 * KILOBYTE * KILOBYTE})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert refused.value.status == 404
    assert peak < 4 * KILOBYTE * KILOBYTE


async def test_a_file_in_the_place_of_its_address_is_not_read() -> None:
    """As the API before this one gave it, and as whoever mistakes one address for the other."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nContent-Length: 20000000\r\n\r\n")
        with contextlib.suppress(OSError):
            for _ in range(20_000):
                writer.write(bytes(1000))
                await writer.drain()
        writer.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener, client_at(url) as client:
        tracemalloc.start()
        try:
            with pytest.raises(OutcomeUnknown):
                await client.get_media_url("7")
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 4 * KILOBYTE * KILOBYTE


async def test_a_refusal_keeps_its_code_and_how_long_to_wait() -> None:
    said = {"error": {"code": 190, "message": "expired"}}
    async with serving(answer(401, said, "Retry-After: 7")) as server, client_at(server.url) as client:
        with pytest.raises(Refused) as refused:
            await read(client)
    assert (refused.value.code, refused.value.error_class, refused.value.retry_after) == (190, ErrorClass.AUTH, 7)


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
async def test_a_compressed_refusal_is_one_by_its_status(status: int) -> None:
    raw = gzip.compress(json.dumps({"error": {"code": 190}}).encode())
    head = f"HTTP/1.1 {status} X\r\nContent-Encoding: gzip\r\nContent-Length: {len(raw)}\r\n\r\n"
    async with serving(Answer(head.encode() + raw)) as server, client_at(server.url) as client:
        with pytest.raises(WhatsAppError) as error:
            await read(client)
    if status < 500:
        assert isinstance(error.value, Refused) and (error.value.status, error.value.code) == (status, None)
    else:
        assert isinstance(error.value, OutcomeUnknown)
