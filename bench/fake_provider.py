"""A provider that costs next to nothing: answers every POST after 50 ms and remembers when it came.

`GET /sent` gives `[moment, key, callback data]` of each in the order of arrival, `GET /count` how many, `DELETE /sent`
forgets them. Bodies are taken as they are; what is in them is looked at when somebody asks.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import time
from typing import cast

import uvloop

ANSWER_SECONDS = 0.05
HEAD_END = b"\r\n\r\n"


class Provider:
    """What has arrived."""

    def __init__(self) -> None:
        self.sent: list[tuple[float, bytes, bytes]] = []
        self._run = secrets.token_hex(6).upper()
        self._count = 0

    def accept(self, moment: float, key: bytes, body: bytes) -> bytes:
        self.sent.append((moment, key, body))
        self._count += 1
        return (
            b'{"messaging_product":"whatsapp","contacts":[{"input":"1","wa_id":"1"}],'
            b'"messages":[{"id":"wamid.HBgMOTcyNTAxMjM0NTY3%s%010d"}]}' % (self._run.encode(), self._count)
        )

    def told(self) -> bytes:
        rows = [(moment, key.decode(), json.loads(body)["biz_opaque_callback_data"]) for moment, key, body in self.sent]
        return json.dumps(rows).encode()


class Line(asyncio.Protocol):
    """One connection of a client that waits for its answer before it asks again."""

    def __init__(self, provider: Provider, loop: asyncio.AbstractEventLoop) -> None:
        self._provider = provider
        self._loop = loop
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        moment = time.time()
        self._buffer += data
        end = self._buffer.find(HEAD_END)
        if end < 0:
            return
        first, *lines = self._buffer[:end].split(b"\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        length = int(fields.get(b"content-length", 0))
        if len(self._buffer) < end + 4 + length:
            return
        body, self._buffer = self._buffer[end + 4 : end + 4 + length], b""
        if first.startswith(b"POST"):
            answer = self._provider.accept(moment, fields.get(b"d360-api-key", b""), body)
            self._loop.call_later(ANSWER_SECONDS, self._answer, answer)
        else:
            self._answer(self._asked(first))

    def _asked(self, first: bytes) -> bytes:
        method, path, _ = first.split()
        if method == b"DELETE":
            self._provider.sent = []
            return b"{}"
        return self._provider.told() if path == b"/sent" else b"%d" % len(self._provider.sent)

    def _answer(self, body: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
            )


async def main() -> None:
    loop, provider, ended = asyncio.get_running_loop(), Provider(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(
        lambda: Line(provider, loop), "127.0.0.1", int(os.environ["WEBHOOK_PORT"]), backlog=1024
    )
    async with server:
        await ended.wait()


if __name__ == "__main__":
    uvloop.run(main())
