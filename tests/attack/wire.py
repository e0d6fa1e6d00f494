"""Requests as bytes on a socket: everything that a well-behaved client would refuse to send."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, token_of
from tests.webhook.posting import text_from_customer


@dataclass(frozen=True)
class Answer:
    """What came back; `status` 0 is a connection closed without a word."""

    status: int
    headers: dict[str, str]
    body: bytes = b""


SILENCE = Answer(0, {})


@dataclass
class Wire:
    """One connection to a receiver."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *pieces: bytes) -> None:
        """Whether anybody wants it or not: a receiver may have hung up already."""
        for piece in pieces:
            with contextlib.suppress(ConnectionError):
                self.writer.write(piece)
                await self.writer.drain()

    async def answer(self, within: float = 5, bodiless: bool = False) -> Answer:
        """The next answer; one to HEAD is bodiless."""
        async with asyncio.timeout(within):
            try:
                return await self._answer(bodiless)
            except (ConnectionError, asyncio.IncompleteReadError):
                return SILENCE

    async def closed(self, within: float = 10) -> bool:
        """Whether the other side hangs up; whatever it still says is read and dropped."""
        async with asyncio.timeout(within):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass
        return True

    async def _answer(self, bodiless: bool) -> Answer:
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        lines = (line.partition(":") for line in head[1:] if line)
        headers = {name.lower(): value.strip() for name, _, value in lines}
        body = b"" if bodiless else await self.reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(head[0].split()[1]), headers, body)


@asynccontextmanager
async def wire(webhook: Program) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(webhook.url.rpartition(":")[2]))
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()


async def ask(webhook: Program, *pieces: bytes, within: float = 5) -> Answer:
    """The first answer to these bytes, on a connection of their own."""
    async with wire(webhook) as line:
        await line.send(*pieces)
        return await line.answer(within, bodiless=pieces[0].startswith(b"HEAD "))


def path_of(tenant: Tenant) -> str:
    return f"/webhooks/360dialog/{tenant.phone_number_id}"


def bearer(subject: str) -> str:
    return f"Authorization: Bearer {token_of(subject)}"


def head(target: str, *lines: str, method: str = "POST") -> bytes:
    """A request's head with exactly these lines; latin-1, so that any byte can be written."""
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: x", *lines, "", "")).encode("latin-1")


def request(target: str, *lines: str, body: bytes = b"", method: str = "POST") -> bytes:
    return head(target, *lines, f"Content-Length: {len(body)}", method=method) + body


def good_request(tenant: Tenant, *lines: str, body: bytes | None = None) -> bytes:
    """A text from a customer, rightly authenticated."""
    return request(path_of(tenant), bearer(tenant.phone_number_id), *lines, body=body or good_body(tenant))


def good_body(tenant: Tenant, words: str = "hello") -> bytes:
    return json.dumps(text_from_customer(tenant, words)).encode()
