"""Looking files up and streaming them, against a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from tests.whatsapp.scripted import Answer, Line, answer, serving
from tests.whatsapp.test_provider import FOREIGN
from whatsapp.client import MediaUrl, WhatsAppClient
from whatsapp.errors import OutcomeUnknown, Refused
from whatsapp.provider import ForeignHost, provider

OFFERED = "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=7&hash=x"


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=httpx.Timeout(20, read=1.0), transport=AiohttpTransport()) as http:
        yield http


class Recording(AiohttpTransport):
    """Knows what was asked through it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[httpx.URL] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        return await super().handle_async_request(request)


def client_of(http: httpx.AsyncClient, url: str) -> WhatsAppClient:
    return WhatsAppClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "the key")


async def download(client: WhatsAppClient, media: MediaUrl) -> bytes:
    async with client.download_media(media) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        *((0, 0), (12, 12), ("12", 12), (10**15 - 1, 10**15 - 1), ("9" * 15, 10**15 - 1)),
        *((value, None) for value in (None, "", "²", "٣", "many", " 12", "1_2", "+1", -1, "-1", 1.5, True, [], {})),
        *((value, None) for value in (10**15, "9" * 16, 10**4000, "9" * 10_000)),
    ],
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


async def test_a_lookup_with_endless_values_gives_as_much_as_shows_that_they_are_none(http: httpx.AsyncClient) -> None:
    said = {"url": OFFERED, "mime_type": "a/" + "b" * 100_000, "sha256": "0" * 100_000}
    async with serving(answer(200, said)) as server:
        found = await client_of(http, server.url).get_media_url("7")
    assert (found.mime_type, found.sha256) == ("a/" + "b" * 253, "0" * 255)


@pytest.mark.parametrize(
    "said",
    [
        *({"id": "7"}, {"url": None}, {"url": ""}, {"url": 7}, {"url": [OFFERED]}, [OFFERED], "", "no JSON"),
        *("[" * 100_000, '{"url": "' + OFFERED + '", "file_size": ' + "9" * 10_000 + "}"),
    ],
)
async def test_a_lookup_without_an_address_is_no_answer(http: httpx.AsyncClient, said: Any) -> None:
    async with serving(answer(200, said)) as server:
        with pytest.raises(OutcomeUnknown):
            await client_of(http, server.url).get_media_url("7")


async def test_a_file_is_fetched_with_the_key_from_the_providers_own_host(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, "the file")) as server:
        assert await download(client_of(http, server.url), MediaUrl(OFFERED, None, None, None)) == b"the file"
    head = server.requests[0][0]
    assert head.startswith("GET /whatsapp_business/attachments/?mid=7&hash=x HTTP/1.1")
    assert "d360-api-key: the key" in head.lower()
    assert "accept-encoding: identity\r\n" in head.lower()


async def test_path_and_query_go_out_as_they_were_offered(http: httpx.AsyncClient) -> None:
    query = "/?mid=7&ext=1794132300&hash=AR-k_5~x%3D&source=webhook"
    async with serving(answer(200, "")) as server:
        await download(client_of(http, server.url), MediaUrl(f"https://lookaside.fbsbx.com{query}", None, None, None))
    assert server.requests[0][0].startswith(f"GET {query} HTTP/1.1")


@pytest.mark.parametrize("name", ["360dialog", "meta"])
@pytest.mark.parametrize("offered", FOREIGN)
async def test_a_strange_address_gets_neither_key_nor_request(name: str, offered: str) -> None:
    transport = Recording()
    async with serving(answer(200, "bait")) as stranger, httpx.AsyncClient(transport=transport) as http:
        at = provider(name, "1065", d360_base_url="https://waba.example", graph_base_url="https://graph.example/v25.0")
        address = offered.replace("127.0.0.1:8000", stranger.url.removeprefix("http://"))
        with pytest.raises(ForeignHost):
            await download(WhatsAppClient(http, at, "the key"), MediaUrl(address, None, None, None))
    assert (transport.asked, stranger.connections) == ([], 0)


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
