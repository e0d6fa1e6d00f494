"""What a job of an outside queue does: sends to the provider that ours sends to, or only waits as long as it would."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx
from httpx_aiohttp import AiohttpTransport

CONCURRENCY = 256
SECONDS = 0.05

Send = Callable[[int], Awaitable[None]]


@asynccontextmanager
async def sending(provider: str | None) -> AsyncIterator[Send]:
    """Prints the moment at which the first one begins. `provider`: its address; None: nothing is sent.

    Over httpx on aiohttp's connections, which hold 256 at once where httpx's own do not.
    """
    limits = httpx.Limits(max_connections=CONCURRENCY, max_keepalive_connections=CONCURRENCY)
    async with httpx.AsyncClient(timeout=30, transport=AiohttpTransport(limits=limits)) as http:
        began = False

        async def send(number: int) -> None:
            nonlocal began
            if not began:
                began = True
                print(time.time(), flush=True)
            if provider is None:
                await asyncio.sleep(SECONDS)
                return
            body = {
                "messaging_product": "whatsapp",
                "recipient_type": "individual",
                "to": "972501234567",
                "type": "text",
                "text": {"body": f"message {number}"},
                "biz_opaque_callback_data": str(number),
            }
            answer = await http.post(f"{provider}/messages", json=body, headers={"D360-API-KEY": "key"})
            answer.raise_for_status()

        yield send
