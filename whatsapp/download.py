"""A file on its way in: what was said of it, and its bytes as they come, for as long as they do come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx

from whatsapp.answers import TransportErrors
from whatsapp.envelope import integer
from whatsapp.errors import OutcomeUnknown
from whatsapp.provider import Redirected

# A file as it lies there: a compressed answer would have another length than it says, and may swell without end.
HEADERS = {"accept": "*/*", "accept-encoding": "identity"}
# The least a file has to come at, over each window of waiting. A bad line still does better; a drip holds no slot.
WINDOW_SECONDS = 30.0
MIN_BYTES_PER_SECOND = 8 * 1024
# As much of an error's text as is read.
MAX_ERROR_BYTES = 64 * 1024
# What says where a file is has some 500 bytes. A file in its place, as the API before this one gave it, is not read.
MAX_LOOKUP_BYTES = 256 * 1024


class Download:
    """The bytes of one file, to be iterated once.

    `length` is what the answer announced in bytes, None where it did not; `mime_type` its content type, as it was sent.
    The pieces raise OutcomeUnknown when the line breaks, when none comes for `stall_seconds`, and when they come slower
    than MIN_BYTES_PER_SECOND. Only waiting for them counts: a reader may take its time.
    """

    def __init__(self, response: httpx.Response, stall_seconds: float) -> None:
        self._response = response
        self._stall_seconds = stall_seconds
        self.length = integer(response.headers.get("content-length"), digits=15)
        self.mime_type: str | None = response.headers.get("content-type")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        pieces = self._response.aiter_raw()
        waited, came = 0.0, 0
        while True:
            began = loop.time()
            piece = await _next(pieces, self._stall_seconds)
            if piece is None:
                return
            waited += loop.time() - began
            came += len(piece)
            if waited >= WINDOW_SECONDS:
                if came < MIN_BYTES_PER_SECOND * waited:
                    raise OutcomeUnknown(f"the file comes too slowly: {came} bytes in {waited:.0f} s")
                waited, came = 0.0, 0
            yield piece


async def _next(pieces: AsyncIterator[bytes], stall_seconds: float) -> bytes | None:
    with TransportErrors():
        try:
            async with asyncio.timeout(stall_seconds):
                return await anext(pieces, None)
        except TimeoutError as error:
            raise OutcomeUnknown(f"the file stopped coming for {stall_seconds:.0f} s") from error


def check(response: httpx.Response) -> None:
    """Whether an answer has the file in it. Raises Redirected, or OutcomeUnknown for any other but a refusal."""
    if response.is_redirect:
        raise Redirected(f"HTTP {response.status_code} leads away from the file's host")
    if not response.is_success:
        return
    if response.status_code != 200:
        raise OutcomeUnknown(f"HTTP {response.status_code} to a download")
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise OutcomeUnknown(f"the file comes encoded ({encoding[:20]}), which was not asked for")


async def lookup(response: httpx.Response) -> httpx.Response:
    """The same answer, read whole. Raises OutcomeUnknown for one that is longer than any that says where a file is."""
    read = b""
    async for piece in response.aiter_raw():
        read += piece
        if len(read) > MAX_LOOKUP_BYTES:
            raise OutcomeUnknown(f"HTTP {response.status_code} with more than the address of a file")
    kept = _kept(response, "content-encoding", "retry-after")
    return httpx.Response(response.status_code, headers=kept, content=read)


async def refusal(response: httpx.Response, stall_seconds: float) -> httpx.Response:
    """The same answer, read as far as an error's words may reach. Raises OutcomeUnknown when they do not come."""
    read = b""
    try:
        async with asyncio.timeout(stall_seconds):
            async for piece in Download(response, stall_seconds):
                read += piece
                if len(read) > MAX_ERROR_BYTES:
                    break
    except TimeoutError as error:
        raise OutcomeUnknown(f"HTTP {response.status_code}, and no end of it") from error
    return httpx.Response(response.status_code, headers=_kept(response, "retry-after"), content=read[:MAX_ERROR_BYTES])


def _kept(response: httpx.Response, *names: str) -> dict[str, str]:
    return {name: response.headers[name] for name in names if name in response.headers}
