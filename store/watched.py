"""A transport of httpx that is watched: what was asked, and how long the answer took."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx

# What a call was, how long its answer took in seconds, and its HTTP status, `no_answer` or `canceled`.
Watch = Callable[[httpx.Request, float, str], None]


class Watched(httpx.AsyncBaseTransport):
    """A transport that says of each request how long its answer took, its body not counted."""

    def __init__(self, transport: httpx.AsyncBaseTransport, watch: Watch) -> None:
        self._transport = transport
        self._watch = watch

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As the transport below answers."""
        began, status = time.monotonic(), "no_answer"
        try:
            response = await self._transport.handle_async_request(request)
            status = str(response.status_code)
        except asyncio.CancelledError:
            status = "canceled"
            raise
        finally:
            self._watch(request, time.monotonic() - began, status)
        return response

    async def aclose(self) -> None:
        """Closes the transport below."""
        await self._transport.aclose()
