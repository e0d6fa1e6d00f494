"""The gateway's way to PostgREST: bytes pass through in both directions as they come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import StreamReader, web
from multidict import CIMultiDict
from yarl import URL

PREFIX = "/rest/v1"
CONNECTIONS = 256
SMALL = 64 * 1024

AUTHORIZATION = web.RequestKey("authorization", str)  # what the gate put in the place of the key
PROXY = web.AppKey("postgrest", aiohttp.ClientSession)

# What belongs to one connection and not to the message (RFC 9110 7.6.1), and what the gate has used up.
NOT_PASSED_ON = (
    *("Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Transfer-Encoding", "Upgrade"),
    *("apikey", "Host", "Authorization"),
)
NOT_PASSED_BACK = ("Connection", "Keep-Alive", "Transfer-Encoding", "Date", "Server")
ADDED_BY_AIOHTTP = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
UNREACHABLE = {"message": "An invalid response was received from the upstream server"}


def install(app: web.Application, socket: Path) -> None:
    """Route /rest/v1 to the PostgREST behind `socket`."""

    async def session(app: web.Application) -> AsyncIterator[None]:
        connector = aiohttp.UnixConnector(str(socket), limit=CONNECTIONS, keepalive_timeout=20)
        async with aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),
            auto_decompress=False,
            skip_auto_headers=ADDED_BY_AIOHTTP,
            cookie_jar=aiohttp.DummyCookieJar(),
        ) as app[PROXY]:
            yield

    app.cleanup_ctx.append(session)
    app.router.add_route("*", PREFIX + "{path:(/.*)?}", forward)


async def forward(request: web.Request) -> web.StreamResponse:
    """One request to PostgREST and its answer back."""
    try:
        async with request.app[PROXY].request(
            request.method,
            _upstream_url(request),
            headers=_upstream_headers(request),
            data=await _body(request),
            allow_redirects=False,
        ) as answer:
            return await _pass_back(request, answer)
    except aiohttp.ClientConnectionError:
        return web.json_response(UNREACHABLE, status=502)


async def _body(request: web.Request) -> StreamReader | bytes | None:
    """A small body has mostly arrived with its head: passed on in one write, without a task that feeds a stream."""
    if not request.body_exists:
        return None
    length = request.content_length
    return await request.read() if length is not None and length <= SMALL else request.content


def _upstream_url(request: web.Request) -> URL:
    """The path as it was written; only a key in the query is taken out, or PostgREST would read it as a filter."""
    path = request.raw_path.removeprefix(PREFIX) or "/"
    if "apikey=" in path:
        path, _, query = path.partition("?")
        path += "?" + "&".join(pair for pair in query.split("&") if not pair.startswith("apikey="))
    return URL(f"http://postgrest{path if path.startswith('/') else '/' + path}", encoded=True)


def _upstream_headers(request: web.Request) -> CIMultiDict[str]:
    headers = CIMultiDict(request.headers)
    for name in NOT_PASSED_ON:
        headers.popall(name, None)
    headers["Authorization"] = request[AUTHORIZATION]
    return headers


async def _pass_back(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    headers = CIMultiDict(answer.headers)
    for name in NOT_PASSED_BACK:
        headers.popall(name, None)
    first = await answer.content.readany()
    if answer.content.at_eof():  # most answers are one piece: one write, and no chunks
        return web.Response(status=answer.status, reason=answer.reason, headers=headers, body=first)
    response = web.StreamResponse(status=answer.status, reason=answer.reason, headers=headers)
    await response.prepare(request)
    await response.write(first)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response
