"""Sends a body in pieces, so that it can be cut short or made to stall on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from aiohttp import web

from devstack.provider.faults import Stall

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


async def stream(
    request: web.Request,
    pieces: AsyncIterator[bytes],
    headers: dict[str, str],
    *,
    status: int = 200,
    truncate: int | None = None,
    stall: Stall | None = None,
) -> web.StreamResponse:
    """Answers with the pieces. `Content-Length` in the headers promises all of them, whatever then happens."""
    response = web.StreamResponse(status=status, headers=headers)
    await response.prepare(request)
    sent = 0
    async for piece in stalling(pieces, stall) if stall else pieces:
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
