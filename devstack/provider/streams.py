"""Sends a body in pieces, so that it can be cut short, slowed down or made another on the way."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from devstack.provider.faults import Action, Stall

CHUNK = 256 * 1024


async def pieces_of(path: Path) -> AsyncIterator[bytes]:
    """A file's bytes, read without holding up the other calls."""
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        file.close()


async def stalling(pieces: AsyncIterator[bytes], stall: Stall) -> AsyncIterator[bytes]:
    """The same bytes with a long pause in the middle."""
    passed = 0
    async for piece in pieces:
        head = stall.after_bytes - passed
        if 0 <= head < len(piece):
            yield piece[:head]
            await asyncio.sleep(stall.seconds)
            yield piece[head:]
        else:
            yield piece
        passed += len(piece)


async def dripping(pieces: AsyncIterator[bytes], bytes_per_second: int) -> AsyncIterator[bytes]:
    """The same bytes, slowly: a wait for each tenth of a second's worth of them, single bytes at worst."""
    step = max(1, bytes_per_second // 10)
    async for piece in pieces:
        for at in range(0, len(piece), step):
            yield piece[at : at + step]
            await asyncio.sleep(step / bytes_per_second)


async def appended(pieces: AsyncIterator[bytes], count: int) -> AsyncIterator[bytes]:
    """The same bytes and then some, all of them NUL."""
    async for piece in pieces:
        yield piece
    while count > 0:
        yield bytes(min(count, CHUNK))
        count -= CHUNK


async def gzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes compressed, as they come: a long row of equal ones becomes a thousandth."""
    compressor = zlib.compressobj(wbits=31)
    async for piece in pieces:
        if packed := compressor.compress(piece):
            yield packed
    yield compressor.flush()


def disturbed(pieces: AsyncIterator[bytes], action: Action) -> AsyncIterator[bytes]:
    """What is another body comes first, how it travels last."""
    if action.append:
        pieces = appended(pieces, action.append)
    if action.encoding:
        pieces = gzipped(pieces)
    if action.stall:
        pieces = stalling(pieces, action.stall)
    return dripping(pieces, action.drip) if action.drip else pieces


async def stream(
    request: web.Request,
    pieces: AsyncIterator[bytes],
    headers: dict[str, str],
    action: Action,
    truncate: int | None = None,
    *,
    status: int = 200,
) -> web.StreamResponse:
    """Answers with the pieces. `Content-Length` in the headers promises all of them, whatever then happens.

    It is left out where they become others. `truncate` holds where the action has none.
    """
    if action.append or action.encoding:
        headers = {name: value for name, value in headers.items() if name != "Content-Length"}
    if action.encoding:
        headers["Content-Encoding"] = action.encoding
    truncate = truncate if action.truncate is None else action.truncate
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    sent = 0
    async for piece in disturbed(pieces, action):
        if truncate is not None and sent + len(piece) >= truncate:
            await response.write(piece[: truncate - sent])
            cut(request)
            return response
        await response.write(piece)
        sent += len(piece)
    await response.write_eof()
    return response


def cut(request: web.Request) -> None:
    """Ends the connection in the middle of whatever it was doing."""
    if request.transport is not None:
        request.transport.close()
