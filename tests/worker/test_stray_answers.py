"""An answer that nobody asked for is not taken for the next one: it may be about somebody else's message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import httpx
import pytest

from store.connect import connect
from tests.whatsapp.scripted import Server, answer
from worker.clients import provider_http

CLIENTS = {
    "to the provider": lambda _url: provider_http(),
    "to Supabase": lambda url: connect(url, "key"),
}


class Straying(Server):
    """Says a second word to its first connection, a moment after the first."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        of = self.connections
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(answer(200, f"asked {of}").raw)
            if of == 1:
                await asyncio.sleep(0.1)
                writer.write(answer(200, "stray").raw)


@pytest.mark.parametrize("client", CLIENTS)
async def test_a_connection_that_spoke_unasked_is_not_used_again(client: str) -> None:
    make: Callable[[str], AbstractAsyncContextManager[httpx.AsyncClient]] = CLIENTS[client]
    server = Straying([])
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    async with listener, make(url) as http:
        assert (await http.get(f"{url}/")).text == "asked 1"
        await asyncio.sleep(0.3)
        # The second connection is kept, as ever.
        assert [(await http.get(f"{url}/")).text for _ in range(2)] == ["asked 2"] * 2
