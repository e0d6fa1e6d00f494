"""A real server on a real socket that does to each request what its script says."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any


class Line(Enum):
    """What happens instead of an answer."""

    CUT = auto()  # once the request has arrived whole
    SILENT = auto()


@dataclass(frozen=True)
class Answer:
    """Bytes of an answer. `then_closes`: without having said so, as servers do with idle connections."""

    raw: bytes
    then_closes: bool = False


def answer(status: int, body: Any, *headers: str, then_closes: bool = False) -> Answer:
    """An HTTP answer; a body that is no text goes as JSON."""
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = (f"HTTP/1.1 {status} X", f"Content-Length: {len(raw)}", *headers)
    return Answer("\r\n".join(lines).encode() + b"\r\n\r\n" + raw, then_closes)


@dataclass
class Server:
    """`script` is consumed request by request; its last step stays."""

    script: list[Answer | Line]
    url: str = ""
    connections: int = 0
    requests: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.requests if body]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._serve_one(reader, writer):
                pass
        writer.close()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lengths = [line.split(":")[1] for line in head.splitlines() if line.lower().startswith("content-length:")]
        self.requests.append((head, await reader.readexactly(int(lengths[0])) if lengths else b""))
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if step is Line.SILENT:
            await reader.read()  # until the other side gives up
        if isinstance(step, Line):
            return False
        writer.write(step.raw)
        await writer.drain()
        return not step.then_closes


@asynccontextmanager
async def serving(*script: Answer | Line) -> AsyncIterator[Server]:
    server = Server(list(script))
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        yield server
