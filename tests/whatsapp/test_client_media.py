"""Looking files up and streaming them, against a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from tests.whatsapp.scripted import Answer, Line, answer, serving
from whatsapp.client import MediaUrl, WhatsAppClient
from whatsapp.errors import OutcomeUnknown, Refused
from whatsapp.provider import ForeignHost, provider

OFFERED = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=7&hash=x"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(0.3), transport=AiohttpTransport()) as http:
        yield http


def client_of(http: httpx.AsyncClient, url: str) -> WhatsAppClient:
    return WhatsAppClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "the key")


async def download(client: WhatsAppClient, media: MediaUrl) -> bytes:
    async with client.download_media(media) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize(
    ("size", "expected"), [(12, 12), ("12", 12), (None, None), ("", None), ("²", None), ("many", None), ([], None)]
)
async def test_a_lookup_gives_address_type_hash_and_size(
    http: httpx.AsyncClient, size: Any, expected: int | None
) -> None:
    found = {"url": OFFERED, "mime_type": "image/jpeg", "sha256": "00ff", "file_size": size, "id": "7"}
    async with serving(answer(200, found)) as server:
        media = await client_of(http, server.url).get_media_url("7")
    assert media == MediaUrl(OFFERED, "image/jpeg", "00ff", expected)
    assert server.requests[0][0].startswith("GET /7 HTTP/1.1")


async def test_a_lookup_with_values_of_the_wrong_type_gives_none_for_them(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, {"url": OFFERED, "mime_type": {}, "sha256": []})) as server:
        assert await client_of(http, server.url).get_media_url("7") == MediaUrl(OFFERED, None, None, None)


async def test_a_lookup_without_an_address_is_no_answer(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, {"id": "7"})) as server:
        with pytest.raises(OutcomeUnknown):
            await client_of(http, server.url).get_media_url("7")


async def test_a_file_is_fetched_with_the_key_from_the_providers_own_host(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, "the file")) as server:
        assert await download(client_of(http, server.url), MediaUrl(OFFERED, None, None, None)) == b"the file"
    head = server.requests[0][0]
    assert head.startswith("GET /whatsapp_business/attachments/?mid=7&hash=x HTTP/1.1")
    assert "d360-api-key: the key" in head.lower()


async def test_the_key_never_goes_to_a_foreign_host(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, "bait")) as stranger, serving(answer(200, "")) as server:
        media = MediaUrl(f"{stranger.url}/file", None, None, None)
        with pytest.raises(ForeignHost):
            await download(client_of(http, server.url), media)
    assert stranger.requests == []


async def test_a_stale_address_is_refused(http: httpx.AsyncClient) -> None:
    async with serving(answer(404, "URL signature expired")) as server:
        with pytest.raises(Refused) as refused:
            await download(client_of(http, server.url), MediaUrl(OFFERED, None, None, None))
    assert refused.value.status == 404


@pytest.mark.parametrize(
    "fate",
    [
        Line.CUT,
        Line.SILENT,
        Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf", then_closes=True),
        answer(206, "part"),
        answer(503, "busy"),
    ],
)
async def test_a_file_that_does_not_come_whole_is_no_file(http: httpx.AsyncClient, fate: Answer | Line) -> None:
    async with serving(fate) as server:
        with pytest.raises(OutcomeUnknown):
            await download(client_of(http, server.url), MediaUrl(OFFERED, None, None, None))
