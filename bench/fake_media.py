"""A provider of files that costs next to nothing: looks up and streams what bench/media_files.py describes.

`GET /<media id>` answers as a lookup through 360dialog, the address it gives streams the bytes. `GET /asked` gives
`[moment, media id]` of each lookup in the order of arrival and forgets them. It checks no key and no signature.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import time
from collections.abc import Iterator
from typing import cast

import uvloop

from bench.media_files import File

HEAD_END = b"\r\n\r\n"
HOST = "https://lookaside.fbsbx.com"
PATH = "/whatsapp_business/attachments/"


class Line(asyncio.Protocol):
    """One connection of a client that waits for its answer before it asks again."""

    def __init__(self, asked: list[tuple[float, str]]) -> None:
        self._asked = asked
        self._buffer = b""
        self._pieces: Iterator[bytes] = iter(())
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._write()

    def data_received(self, data: bytes) -> None:
        moment = time.time()
        self._buffer += data
        if HEAD_END not in self._buffer:
            return
        path, self._buffer = self._buffer.split(b" ", 2)[1].decode(), b""
        if path.startswith(PATH):
            self._stream(File.of(path.partition("mid=")[2].partition("&")[0]))
        elif path == "/asked":
            told = json.dumps(self._asked).encode()
            self._asked.clear()
            self._answer("application/json", len(told), iter([told]))
        elif path[1:].isdigit():
            self._asked.append((moment, path[1:]))
            self._describe(File.of(path[1:]))
        else:
            self._answer("text/plain", 0, iter(()))

    def _describe(self, file: File) -> None:
        described = {
            "messaging_product": "whatsapp",
            "url": f"{HOST}{PATH}?mid={file.id}&ext=1&hash=1",
            "mime_type": file.mime_type,
            "sha256": file.digest().hex(),
            "file_size": file.size,
            "id": file.id,
        }
        told = json.dumps(described).encode()
        self._answer("application/json", len(told), iter([told]))

    def _stream(self, file: File) -> None:
        self._answer(file.mime_type, file.size, file.pieces())

    def _answer(self, content_type: str, length: int, pieces: Iterator[bytes]) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        self._transport.write(head.encode())
        self._pieces = pieces
        self._write()

    def _write(self) -> None:
        while not self._paused and not self._transport.is_closing():
            if (piece := next(self._pieces, None)) is None:
                return
            self._transport.write(piece)


async def main() -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    asked: list[tuple[float, str]] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    server = await loop.create_server(lambda: Line(asked), "127.0.0.1", int(os.environ["WEBHOOK_PORT"]), backlog=1024)
    async with server:
        await ended.wait()


if __name__ == "__main__":
    uvloop.run(main())
