"""Files out and back, streamed through both providers; what can go wrong on the way; read marks and typing."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import tracemalloc
from collections.abc import AsyncIterator

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from tests.conftest import Project
from tests.devstack.provider.simulator import Business
from tests.whatsapp.conftest import Line
from tests.whatsapp.scripted import Answer, answer, serving
from tests.whatsapp.scripted import Line as Fate
from whatsapp import client as module
from whatsapp.client import WhatsAppClient
from whatsapp.errors import ErrorClass, NotSent, OutcomeUnknown, Refused
from whatsapp.provider import provider

TO = "972501234567"
MEGABYTE = 1024 * 1024
PIECE = bytes(range(256)) * 256
PICTURE = b"\xff\xd8" + bytes(1000)


class Unreadable(Exception):
    """Whatever a source may raise."""


async def stream(count: int, piece: bytes = PIECE, then: Exception | None = None) -> AsyncIterator[bytes]:
    for index in range(count):
        yield index.to_bytes(4) + piece[4:]
    if then:
        raise then


async def download(client: WhatsAppClient, media_id: str) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    async with client.download_media(await client.get_media_url(media_id)) as chunks:
        async for chunk in chunks:
            size += len(chunk)
            digest.update(chunk)
    return size, digest.hexdigest()


@pytest.mark.parametrize("told", [True, False], ids=["of told size", "of unknown size"])
async def test_a_large_file_goes_out_and_comes_back_and_is_never_held_whole(line: Line, told: bool) -> None:
    count = 20 * MEGABYTE // len(PIECE)
    expected = hashlib.sha256()
    async for piece in stream(count):
        expected.update(piece)
    size = count * len(PIECE)
    tracemalloc.start()
    try:
        media_id = await line.client.upload_media(
            stream(count), filename="a.pdf", mime_type="application/pdf", size=size if told else None
        )
        found = await line.client.get_media_url(media_id)
        fetched = await download(line.client, media_id)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (found.mime_type, found.file_size, found.sha256) == ("application/pdf", size, expected.hexdigest())
    assert fetched == (size, expected.hexdigest())
    assert peak < 4 * MEGABYTE


async def test_an_uploaded_picture_can_be_sent_by_its_id(line: Line) -> None:
    media_id = await line.client.upload_media(PICTURE, filename="a.jpg", mime_type="image/jpeg")
    await line.client.send_image_message(TO, media_id, caption="a")
    assert (await line.accepted())["image"] == {"id": media_id, "caption": "a"}


async def test_a_recording_becomes_a_voice_note(line: Line) -> None:
    media_id = await line.client.upload_media(b"OggS" * 100, filename="blob", mime_type="audio/ogg", voice=True)
    assert (await line.client.get_media_url(media_id)).mime_type == "audio/ogg; codecs=opus"
    await line.client.send_audio_message(TO, media_id, voice=True)
    assert (await line.accepted())["audio"] == {"id": media_id, "voice": True}


async def test_a_type_that_whatsapp_does_not_take_is_refused(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        await line.client.upload_media(b"x", filename="a.step", mime_type="model/step")
    assert (refused.value.code, refused.value.error_class) == (100, ErrorClass.PERMANENT)


async def test_a_file_that_grows_too_large_is_refused_and_not_lost_in_the_line(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        await line.client.upload_media(stream(17 * 16), filename="a.mp3", mime_type="audio/mpeg")
    assert refused.value.code == 131053


@pytest.mark.parametrize("told", [True, False])
async def test_what_the_source_raises_comes_out_and_nothing_is_kept(line: Line, told: bool) -> None:
    with pytest.raises(Unreadable):
        await line.client.upload_media(
            stream(3, then=Unreadable()),
            filename="a.pdf",
            mime_type="application/pdf",
            size=10 * len(PIECE) if told else None,
        )
    uploads = await line.business.seen("requests", operation="media")
    assert [row for row in uploads if row["status"] == 200] == []


@pytest.mark.parametrize("announced", [1, 3])
async def test_a_stream_of_another_size_than_was_said_is_not_uploaded(line: Line, announced: int) -> None:
    with pytest.raises(ValueError, match="announced"):
        await line.client.upload_media(
            stream(2), filename="a.pdf", mime_type="application/pdf", size=announced * len(PIECE)
        )


async def test_a_wrong_key_is_an_auth_error(project: Project, business: Business) -> None:
    for name in ("360dialog", "meta"):
        chosen = provider(
            name, business.id, d360_base_url=project.provider_url, graph_base_url=f"{project.provider_url}/v25.0"
        )
        async with WhatsAppClient(httpx.AsyncClient(transport=AiohttpTransport()), chosen, "wrong") as client:
            with pytest.raises(Refused) as refused:
                await client.upload_media(PICTURE, filename="a.jpg", mime_type="image/jpeg")
        assert refused.value.error_class is ErrorClass.AUTH


# A server that does as it is told.


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(20, read=1.0), transport=AiohttpTransport()) as http:
        yield http


def client_of(http: httpx.AsyncClient, url: str) -> WhatsAppClient:
    return WhatsAppClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "the key")


async def upload(http: httpx.AsyncClient, url: str, count: int = 2) -> str:
    return await client_of(http, url).upload_media(
        stream(count), filename="a.pdf", mime_type="application/pdf", size=count * len(PIECE)
    )


async def test_an_upload_names_its_length_and_carries_the_key(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, {"id": "7"})) as server:
        assert await upload(http, server.url) == "7"
    head, body = server.requests[0]
    assert head.startswith("POST /media HTTP/1.1")
    assert "d360-api-key: the key" in head.lower()
    assert f"content-length: {len(body)}" in head.lower()
    assert "transfer-encoding" not in head.lower()


@pytest.mark.parametrize(
    "fate",
    [
        pytest.param(Fate.CUT, id="line cut"),
        pytest.param(Fate.SILENT, id="read timeout"),
        pytest.param(Answer(b"SSH-2.0-OpenSSH_9.2\r\n", then_closes=True), id="not HTTP"),
        pytest.param(answer(200, "<html>"), id="garbage 200"),
        pytest.param(answer(200, {"id": None}), id="no id"),
        pytest.param(answer(502, "<html>Bad Gateway</html>"), id="gateway's page"),
    ],
)
async def test_an_upload_without_an_answer_is_unknown(http: httpx.AsyncClient, fate: Answer | Fate) -> None:
    async with serving(fate) as server:
        with pytest.raises(OutcomeUnknown):
            await upload(http, server.url)
    assert len(server.requests) == 1


async def test_an_upload_that_finds_nobody_is_not_sent(http: httpx.AsyncClient) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent):
            await upload(http, f"http://127.0.0.1:{taken.getsockname()[1]}")


async def test_a_receiver_that_takes_no_more_is_given_up(
    http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STALL_SECONDS", 0.2)
    done = asyncio.Event()

    async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await done.wait()
        writer.close()

    async with await asyncio.start_server(deaf, "127.0.0.1", 0) as listener:
        with pytest.raises(OutcomeUnknown):
            await upload(http, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", count=1000)
        done.set()


async def test_a_refusal_in_the_middle_of_a_file_is_heard(http: httpx.AsyncClient) -> None:
    refusal = answer(413, {"error": {"code": 131053, "message": "too large"}}, "Connection: close")

    async def impatient(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(refusal.raw)
        while await reader.read(MEGABYTE):
            pass
        writer.close()

    async with await asyncio.start_server(impatient, "127.0.0.1", 0) as listener:
        with pytest.raises(Refused) as refused:
            await upload(http, f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}", count=400)
    assert refused.value.code == 131053


# Read marks.


@pytest.mark.parametrize("typing", [False, True])
async def test_a_message_is_marked_as_read_and_typing_is_shown(line: Line, typing: bool) -> None:
    wamid = await line.business.receive({"type": "text", "text": {"body": "hi"}}, TO)
    if typing:
        await line.client.send_typing_indicator(wamid)
    else:
        await line.client.mark_message_as_read(wamid)
    (request,) = await line.business.seen("requests", operation="mark_read")
    assert request["status"] == 200
    assert request["body"] == {"messaging_product": "whatsapp", "status": "read", "message_id": wamid} | (
        {"typing_indicator": {"type": "text"}} if typing else {}
    )


async def test_an_unknown_message_cannot_be_marked_as_read(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        await line.client.mark_message_as_read("wamid.unknown")
    assert refused.value.code == 131009


async def test_a_read_mark_without_a_word_of_success_is_unknown(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, {"success": False})) as server:
        with pytest.raises(OutcomeUnknown):
            await client_of(http, server.url).mark_message_as_read("wamid.1")
