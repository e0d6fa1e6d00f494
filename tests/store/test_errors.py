"""Every error below the store has a place in its own tree."""

from __future__ import annotations

import asyncio
import inspect
import ssl

import httpx
import pytest

from store.connect import check, connect
from store.errors import Broken, Denied, Rejected, StoreError, Unavailable
from store.rpc import Rpc

# Raised for a wrong use of httpx itself, by code and not by the world: they must be seen, not retried.
MISUSE = {
    *("InvalidURL", "CookieConflict", "StreamError", "StreamConsumed", "StreamClosed"),
    *("ResponseNotRead", "RequestNotRead"),
}


def _answering(handler: httpx.MockTransport) -> Rpc:
    return Rpc(httpx.AsyncClient(transport=handler, base_url="http://project.test"))


def _raising(error: Exception) -> httpx.MockTransport:
    def raise_it(_request: httpx.Request) -> httpx.Response:
        raise error

    return httpx.MockTransport(raise_it)


def _exceptions_of_httpx() -> dict[str, type[Exception]]:
    exported = {name: getattr(httpx, name) for name in httpx.__all__}
    return {name: kind for name, kind in exported.items() if inspect.isclass(kind) and issubclass(kind, Exception)}


def _instance(kind: type[Exception]) -> Exception:
    if issubclass(kind, httpx.HTTPStatusError):
        request = httpx.Request("POST", "http://project.test")
        return kind("status", request=request, response=httpx.Response(500, request=request))
    return kind("told by the test")


@pytest.mark.parametrize("name", sorted(_exceptions_of_httpx().keys() - MISUSE))
async def test_every_exception_of_httpx_becomes_unavailable(name: str) -> None:
    with pytest.raises(Unavailable) as raised:
        await _answering(_raising(_instance(_exceptions_of_httpx()[name]))).sweep_media()
    assert raised.value.code == name


def test_only_misuse_of_httpx_has_no_place_in_the_tree() -> None:
    unmapped = {name for name, kind in _exceptions_of_httpx().items() if not issubclass(kind, httpx.HTTPError)}
    assert unmapped == MISUSE


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError(), BrokenPipeError(), OSError("no route"), TimeoutError(), ssl.SSLError("bad record")],
    ids=lambda error: type(error).__name__,
)
async def test_what_sockets_raise_becomes_unavailable(error: Exception) -> None:
    with pytest.raises(Unavailable):
        await _answering(_raising(error)).sweep_media()


async def test_a_cancellation_stays_one() -> None:
    def cancel(_request: httpx.Request) -> httpx.Response:
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await _answering(httpx.MockTransport(cancel)).sweep_media()


ANSWERS: list[tuple[int, dict[str, str] | str, type[StoreError], str]] = [
    # Postgres says «later», whatever status PostgREST makes of it.
    (500, {"code": "40001", "message": "could not serialize"}, Unavailable, "40001"),
    (500, {"code": "40P01", "message": "deadlock detected"}, Unavailable, "40P01"),
    (503, {"code": "53300", "message": "too many connections"}, Unavailable, "53300"),
    (503, {"code": "08006", "message": "connection failure"}, Unavailable, "08006"),
    (500, {"code": "57014", "message": "statement timeout"}, Unavailable, "57014"),
    (500, {"code": "57P01", "message": "terminating connection"}, Unavailable, "57P01"),
    (500, {"code": "58030", "message": "io error"}, Unavailable, "58030"),
    (500, {"code": "55P03", "message": "lock not available"}, Unavailable, "55P03"),
    (405, {"code": "25006", "message": "read-only transaction"}, Unavailable, "25006"),
    (503, {"code": "PGRST000", "message": "no connection"}, Unavailable, "PGRST000"),
    (503, {"code": "PGRST002", "message": "no schema cache"}, Unavailable, "PGRST002"),
    (504, {"code": "PGRST003", "message": "pool timeout"}, Unavailable, "PGRST003"),
    # Something broke in Postgres, and nobody knows whether it will again.
    (500, {"code": "XX000", "message": "tuple concurrently updated"}, Broken, "XX000"),
    (500, {"code": "P0002", "message": "query returned no rows"}, Broken, "P0002"),
    # Keys and grants.
    (401, {"code": "PGRST301", "message": "JWT expired"}, Denied, "PGRST301"),
    (401, {"code": "42501", "message": "permission denied"}, Denied, "42501"),
    (403, {"code": "42501", "message": "permission denied"}, Denied, "42501"),
    (401, {"message": "Invalid API key"}, Denied, "401"),
    # The call itself.
    (400, {"code": "WA001", "message": "window closed"}, Rejected, "WA001"),
    (400, {"code": "WA004", "message": "no such conversation"}, Rejected, "WA004"),
    (400, {"code": "22P02", "message": "invalid input"}, Rejected, "22P02"),
    (409, {"code": "23505", "message": "duplicate key"}, Rejected, "23505"),
    (404, {"code": "PGRST202", "message": "no such function"}, Rejected, "PGRST202"),
    # Storage.
    (400, {"statusCode": "413", "error": "Payload too large", "message": "too large"}, Rejected, "Payload too large"),
    # Whatever stands in between.
    (502, "<html>Bad Gateway</html>", Unavailable, "502"),
    (429, "slow down", Unavailable, "429"),
    (408, "", Unavailable, "408"),
    (500, '["not", "an", "object"]', Unavailable, "500"),
    (404, "", Rejected, "404"),
    # No JSON that anybody could read.
    (200, "[" * 100_000, Unavailable, "200"),
    (502, "[" * 100_000, Unavailable, "502"),
    (200, "<html>welcome</html>", Unavailable, "200"),
]


@pytest.mark.parametrize(("status", "body", "kind", "code"), ANSWERS, ids=lambda value: str(value)[:40])
async def test_an_answer_is_judged_by_its_code_and_then_by_its_status(
    status: int, body: dict[str, str] | str, kind: type[StoreError], code: str
) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, json=body) if isinstance(body, dict) else httpx.Response(status, text=body)

    with pytest.raises(StoreError) as raised:
        await _answering(httpx.MockTransport(answer)).sweep_media()
    assert (type(raised.value), raised.value.code) == (kind, code)


async def test_bytes_that_are_no_text_are_nobodys_word() -> None:
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, content=b'["\xff\xfe"]'))
    with pytest.raises(Unavailable):
        await _answering(transport).claim_outbound(1)


async def test_an_endless_number_takes_no_other_row_away() -> None:
    rows = f'[{{"message_id": 1}}, {{"message_id": 2, "content": {{"n": {"9" * 5000}}}}}]'
    transport = httpx.MockTransport(lambda _request: httpx.Response(200, text=rows))
    claimed = await _answering(transport).claim_outbound(2)
    assert claimed == [{"message_id": 1}, {"message_id": 2, "content": {"n": "9" * 5000}}]


async def test_the_check_at_start_maps_both_kinds() -> None:
    refused = httpx.MockTransport(lambda _request: httpx.Response(401, json={"message": "Invalid API key"}))
    for transport, kind in ((_raising(httpx.ConnectError("refused")), Unavailable), (refused, Denied)):
        async with httpx.AsyncClient(transport=transport, base_url="http://project.test") as http:
            with pytest.raises(kind):
                await check(http)


async def test_long_answers_are_cut() -> None:
    endless = httpx.MockTransport(lambda _request: httpx.Response(500, text="x" * 100_000))
    with pytest.raises(Unavailable) as raised:
        await _answering(endless).sweep_media()
    assert len(str(raised.value)) < 300


async def test_a_status_line_that_is_none_is_supabase_away() -> None:
    """Through the real transport, which gives aiohttp's own error for it: unmapped, it would end the worker."""

    async def babble(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/9.9 what\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, connect(f"http://127.0.0.1:{port}", "key") as http:
        with pytest.raises(Unavailable):
            await Rpc(http).next_media()
