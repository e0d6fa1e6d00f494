"""The client against a real socket. One question above all: may the request have arrived?"""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from httpx_aiohttp import AiohttpTransport

from tests.whatsapp.scripted import Answer, Line, answer, serving
from whatsapp.client import WhatsAppClient
from whatsapp.errors import ErrorClass, NotSent, OutcomeUnknown, Refused
from whatsapp.outgoing import Outgoing
from whatsapp.provider import provider

MESSAGE = Outgoing("text", {"body": "hi"}, phone="972501234567", bsuid=None, callback_data="our-id")
ACCEPTED = {"messaging_product": "whatsapp", "contacts": [{"wa_id": "972501234567"}], "messages": [{"id": "wamid.1"}]}
READ_SECONDS = 1.0


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    """As the worker builds it, only less patient."""
    async with httpx.AsyncClient(timeout=httpx.Timeout(20, read=READ_SECONDS), transport=AiohttpTransport()) as http:
        yield http


def client_of(http: httpx.AsyncClient, url: str) -> WhatsAppClient:
    return WhatsAppClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "the key")


async def test_an_accepted_message_gives_its_wamid(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, ACCEPTED)) as server:
        sent = await client_of(http, server.url).send(MESSAGE)
    assert (sent.wamid, sent.wa_id) == ("wamid.1", "972501234567")
    head, _ = server.requests[0]
    assert head.startswith("POST /messages HTTP/1.1")
    assert "d360-api-key: the key" in head.lower()
    assert server.bodies == [MESSAGE.body()]


@pytest.mark.parametrize("contacts", [None, [], ["x"], [None], {}, [{}]])
async def test_a_wamid_is_enough_whatever_stands_beside_it(http: httpx.AsyncClient, contacts: object) -> None:
    async with serving(answer(200, {"messages": [{"id": "wamid.1"}], "contacts": contacts})) as server:
        assert (await client_of(http, server.url).send(MESSAGE)).wamid == "wamid.1"


async def test_a_refused_connection_is_not_sent(http: httpx.AsyncClient) -> None:
    with socket.socket() as taken:
        # Bound and not listening: nobody else gets the port, and nobody answers there.
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(NotSent):
            await client_of(http, f"http://127.0.0.1:{taken.getsockname()[1]}").send(MESSAGE)


async def test_a_host_without_an_address_is_not_sent(http: httpx.AsyncClient) -> None:
    with pytest.raises(NotSent):
        await client_of(http, "http://no-such-host.invalid").send(MESSAGE)


@pytest.mark.parametrize(
    "fate",
    [
        pytest.param(Line.CUT, id="line cut after the request"),
        pytest.param(Line.SILENT, id="read timeout"),
        pytest.param(Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{", then_closes=True), id="half an answer"),
        pytest.param(Answer(b"SSH-2.0-OpenSSH_9.2\r\n", then_closes=True), id="not HTTP"),
        pytest.param(answer(200, "<html>welcome</html>"), id="garbage 200"),
        pytest.param(answer(200, "", "Content-Encoding: gzip"), id="empty gzip"),
        pytest.param(answer(200, "not gzip", "Content-Encoding: gzip"), id="broken gzip"),
        pytest.param(answer(200, {"messages": []}), id="no message"),
        pytest.param(answer(200, {"messages": [{"id": None}]}), id="null for an id"),
        pytest.param(answer(200, {"messages": [{"id": ""}]}), id="empty id"),
        pytest.param(answer(200, {"messages": {"id": "wamid.1"}}), id="wrong shape"),
        pytest.param(answer(502, "<html>Bad Gateway</html>"), id="gateway's page"),
        pytest.param(answer(504, {"meta": {"success": False, "developer_message": "timeout"}}), id="gateway's JSON"),
    ],
)
async def test_whatever_is_not_surely_unsent_is_unknown(http: httpx.AsyncClient, fate: Answer | Line) -> None:
    async with serving(fate) as server:
        with pytest.raises(OutcomeUnknown):
            await client_of(http, server.url).send(MESSAGE)
    assert server.bodies == [MESSAGE.body()], "nothing may be sent twice by the transport itself"


async def test_a_kept_connection_that_is_cut_under_the_second_request_is_not_not_sent(http: httpx.AsyncClient) -> None:
    async with serving(answer(200, ACCEPTED), Line.CUT) as server:
        client = client_of(http, server.url)
        await client.send(MESSAGE)
        with pytest.raises(OutcomeUnknown):
            await client.send(MESSAGE)
    assert (server.connections, len(server.requests)) == (1, 2)


async def test_a_connection_closed_between_two_requests_is_never_not_sent(http: httpx.AsyncClient) -> None:
    """The race of every idle connection: sometimes the close is seen in time, sometimes the bytes are written."""
    async with serving(answer(200, ACCEPTED, then_closes=True)) as server:
        client = client_of(http, server.url)
        for _ in range(100):
            try:
                await client.send(MESSAGE)
            except OutcomeUnknown:
                continue


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 131047, ErrorClass.WINDOW),
        (400, 130429, ErrorClass.THROTTLE),
        (401, 190, ErrorClass.AUTH),
        (500, 131000, ErrorClass.RETRY),
        (404, 132001, ErrorClass.TEMPLATE),
    ],
)
async def test_an_error_of_whatsapps_is_refused_with_its_class(
    http: httpx.AsyncClient, status: int, code: int, expected: ErrorClass
) -> None:
    body = {"error": {"code": code, "message": "no", "error_data": {"details": "why"}}}
    async with serving(answer(status, body)) as server:
        with pytest.raises(Refused) as refused:
            await client_of(http, server.url).send(MESSAGE)
    assert (refused.value.code, refused.value.status, refused.value.details) == (code, status, "why")
    assert refused.value.error_class is expected


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        *(("7", 7.0), ("0", 0.0), ("soon", None), ("²", None), ("-1", None), ("1.5", None), ("9" * 30, None)),
        *(("Fri, 27 Nov 1998 08:00:00 GMT", 0.0), ("Fri, 27 Nov 1998 08:00:00", 0.0), ("Fri, 99 Nov 1998", None)),
    ],
)
async def test_retry_after_is_taken_when_it_is_a_number_or_a_time(
    http: httpx.AsyncClient, header: str, seconds: float | None
) -> None:
    async with serving(answer(429, {}, f"Retry-After: {header}")) as server:
        with pytest.raises(Refused) as refused:
            await client_of(http, server.url).send(MESSAGE)
    assert refused.value.retry_after == seconds


async def test_a_time_to_retry_at_is_as_far_away_as_it_is(http: httpx.AsyncClient) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    async with serving(answer(429, {}, f"Retry-After: {at}")) as server:
        with pytest.raises(Refused) as refused:
            await client_of(http, server.url).send(MESSAGE)
    assert 85 < (refused.value.retry_after or 0) <= 90


async def test_a_redirect_is_not_followed_with_the_key(http: httpx.AsyncClient) -> None:
    async with (
        serving(answer(200, ACCEPTED)) as stranger,
        serving(answer(307, "", f"Location: {stranger.url}")) as server,
    ):
        with pytest.raises(Refused):
            await client_of(http, server.url).send(MESSAGE)
    assert stranger.requests == []
