"""Connections of aiohttp's behind httpx: kept for the next request, while what went through them is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

if TYPE_CHECKING:
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace


class Pool(aiohttp.TCPConnector):
    """Gives out no connection on which something has come while nobody was asking.

    A second answer, or a gateway's farewell: aiohttp (3.14.5) would take it for the answer to whatever is asked next,
    which may be about somebody else's message.
    """

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (kept := await super()._get(key, traces)) is not None:
            if kept.protocol is not None and not kept.protocol.should_close:
                return kept
            kept.close()
        return None


class Transport(AiohttpTransport):
    """httpx's own pool collapses under many calls at once (encode/httpx issue 3215)."""

    def get_client(self) -> aiohttp.ClientSession:
        """What carries the requests; made with the first of them."""
        connector = Pool(
            limit=self.limits.max_connections or 0,
            keepalive_timeout=self.limits.keepalive_expiry,
            ssl=self.ssl_context,
            resolver=self.resolver(),
        )
        return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())

    def resolver(self) -> AbstractResolver | None:
        """What turns names into addresses; None for the system's."""
        return None


class Client(httpx.AsyncClient):
    """Asks its transport and nothing else: no redirect is followed, no cookie kept, no credential sent but in a header.

    What httpx (0.28.1) does on its way there is a sixth of a send's cost, and ties the answer and its stream to each
    other: both would wait for the collector with the request and its body, tens of megabytes in a receiver under load
    (bench/README.md).
    """

    async def send(self, request: httpx.Request, *, stream: bool = False, **_: Any) -> httpx.Response:
        """As httpx's, whose `auth` and `follow_redirects` mean nothing here."""
        request.extensions = {"timeout": self.timeout.as_dict(), **request.extensions}
        response = await self._transport.handle_async_request(request)
        response.request = request
        if not stream:
            try:
                await response.aread()
            except BaseException:
                await response.aclose()
                raise
        return response
