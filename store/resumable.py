"""Large files into Storage by TUS 1.0.0: piece by piece, going on after a cut line; visible with the last piece only.

The protocol is https://tus.io/protocols/resumable-upload; what Supabase adds is in its guide on resumable uploads:
`Upload-Metadata`, `x-upsert`, pieces of exactly 6 MiB, 24 hours of life, 409 while another request holds the upload.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx

from store.errors import TRANSPORT_ERRORS, Rejected, StoreError, Unavailable, from_response, from_transport

# The only size that hosted projects take, the last piece excepted.
PIECE = 6 * 1024 * 1024
PATH = "/storage/v1/upload/resumable"
# Troubles in a row without a byte of progress; the waits between them add up to some 15 seconds.
TRIES = 6
LONGEST_PAUSE_SECONDS = 5.0
# How long a server that does not know the protocol is not asked again.
ABSENT_SECONDS = 600.0
# How long an upload may go without a chunk being taken, and how long Storage may take to say that it has all of it.
STALL_SECONDS = 30.0
ANSWER_SECONDS = 60.0
TERMINATE_SECONDS = 2.0
# Objects never change under their name, so this is what storage clients say by default.
CACHE_SECONDS = 3600

# The code of an upload that cannot go on: forgotten, or all of it there and nobody knows what became of that. Whoever
# has the file begins anew; the same bytes become the same object.
GONE = "upload_gone"
# What a file is refused for whatever the day, in Storage's newer and older words and as a bare status.
_TOO_LARGE = ("EntityTooLarge", "Payload too large", "413")
_WRONG_TYPE = ("InvalidMimeType", "invalid_mime_type", "415")
_IDENTIFIER = re.compile(r"[A-Za-z0-9_=~-][A-Za-z0-9._=~-]*")


class Source(Protocol):
    """A file that may still be growing."""

    async def reach(self, offset: int) -> None:
        """Returns once the first `offset` bytes are there; raises whatever prevents that."""
        ...

    def chunks(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, in small pieces."""
        ...

    def release(self, offset: int) -> None:
        """The bytes before `offset` are not asked for again."""
        ...


Proven = Callable[[], Awaitable[int]]
"""Returns the file's size in bytes once it is whole and right, and raises when it is not. May be called twice."""


class NotOffered(Exception):
    """This server has no resumable uploads, or none that can be reached."""


@dataclass
class _Upload:
    """One file under way. `taken`: how far pieces were acknowledged; `unsure`: how far it has got is to be asked."""

    size: int
    headers: dict[str, str]
    address: str | None = None
    offset: int = 0
    taken: int = 0
    furthest: int = 0
    troubles: int = 0
    unsure: bool = False

    def progress(self, offset: int) -> None:
        self.offset, self.unsure = offset, False
        if offset > self.furthest:
            self.furthest, self.troubles = offset, 0


class Resumable:
    """Uploads into one bucket."""

    def __init__(self, http: httpx.AsyncClient, bucket: str) -> None:
        self._http = http
        self._bucket = bucket
        self._absent_until = 0.0

    async def upload(self, path: str, source: Source, size: int, content_type: str, proven: Proven) -> None:
        """Stores the `size` > 0 bytes of `source` at `path`, over whatever lies there.

        Pieces go out as soon as the source has them; the last one only when `proven` has returned, and what it or the
        source raises ends the upload at the server and comes out of here. Raises NotOffered before anything was sent,
        StoreError: Rejected when Storage refuses the file for good, Unavailable when there was no progress for a while
        or (GONE) the upload is lost. What was acknowledged is released.
        """
        upload = _Upload(size, _creation(self._bucket, path, size, content_type))
        try:
            while upload.offset < size:
                await self._step(upload, source, proven)
        except BaseException:
            await self._terminate(upload)
            raise

    async def _step(self, upload: _Upload, source: Source, proven: Proven) -> None:
        end = min(upload.offset + PIECE, upload.size)
        if upload.address and not upload.unsure:
            await (source.reach(end) if end < upload.size else proven())
        try:
            if upload.address is None:
                upload.address = await self._create(upload)
            elif upload.unsure:
                upload.progress(await self._arrived(upload.address, upload.taken, upload.size))
            else:
                await self._append(upload.address, source, upload.offset, end)
                upload.progress(end)
                upload.taken = end
                source.release(end)
        except Unavailable as error:
            upload.troubles += 1
            if upload.troubles >= TRIES or error.code == GONE:
                raise
            upload.unsure = upload.address is not None
            await asyncio.sleep(min(0.5 * 2 ** (upload.troubles - 1), LONGEST_PAUSE_SECONDS))

    async def _create(self, upload: _Upload) -> str:
        """The path of a new upload."""
        if time.monotonic() < self._absent_until:
            raise NotOffered
        response = await transfer(self._http, "POST", PATH, upload.headers)
        address = _own_path(response.headers.get("location", "")) if response.is_success else None
        # An address that is none of ours gets no key; such a server is as good as one without the protocol.
        if response.status_code in (404, 405, 501) or (response.is_success and address is None):
            self._absent_until = time.monotonic() + ABSENT_SECONDS
            raise NotOffered
        accepted(response)
        assert address is not None  # noqa: S101 - `accepted` raises for what is no success
        return address

    async def _append(self, address: str, source: Source, start: int, end: int) -> None:
        headers = {
            "tus-resumable": "1.0.0",
            "x-upsert": "true",
            "upload-offset": str(start),
            "content-type": "application/offset+octet-stream",
            "content-length": str(end - start),
        }
        response = await transfer(self._http, "PATCH", address, headers, source.chunks(start, end))
        if _offset(_known(response)) != end:
            raise Unavailable("offset", "Storage has not taken the whole piece")

    async def _arrived(self, address: str, taken: int, size: int) -> int:
        """How many bytes have arrived. That all have makes no object: only the answer to the last piece does."""
        response = await transfer(self._http, "HEAD", address, {"tus-resumable": "1.0.0"})
        offset = _offset(_known(response))
        if offset is None or offset > size:
            raise Unavailable("offset", "Storage does not say how far the upload has got")
        if offset == size or offset < taken:
            raise Unavailable(GONE, f"Storage has {offset} bytes of the upload, and {taken} were acknowledged")
        return offset

    async def _terminate(self, upload: _Upload) -> None:
        """As well as it can be done: what is not ended here, the server forgets after a day."""
        if upload.address is not None:
            with contextlib.suppress(StoreError, TimeoutError):
                async with asyncio.timeout(TERMINATE_SECONDS):
                    await transfer(self._http, "DELETE", upload.address, {"tus-resumable": "1.0.0"})


async def transfer(
    http: httpx.AsyncClient,
    method: str,
    address: str,
    headers: dict[str, str],
    chunks: AsyncIterator[bytes] | None = None,
) -> httpx.Response:
    """Whatever Storage answers to a request with a body of `content-length` bytes. Raises Unavailable for no answer.

    A large body may take any time, as long as it moves.
    """
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=5.0) if chunks else httpx.USE_CLIENT_DEFAULT
    try:
        async with asyncio.timeout(None) as deadline:
            content = _watched(chunks, deadline) if chunks else None
            return await http.request(method, address, headers=headers, content=content, timeout=timeout)
    except TRANSPORT_ERRORS as error:
        raise from_transport(error) from error


def accepted(response: httpx.Response) -> None:
    """Raises StoreError for what is no success: Rejected only where another day changes nothing.

    `too_large` and `wrong_type` are the codes of those; quotas, missing buckets and the like are put right by somebody.
    """
    if response.is_success:
        return
    error = from_response(response)
    if isinstance(error, Rejected):
        message = str(error)
        if error.code in _TOO_LARGE and "quota" not in message.lower():
            raise Rejected("too_large", message)
        if error.code in _WRONG_TYPE:
            raise Rejected("wrong_type", message)
        raise Unavailable(error.code, message)
    raise error


async def _watched(chunks: AsyncIterator[bytes], deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
    """The chunks; each that is fetched moves the deadline on."""
    moment = asyncio.get_running_loop().time
    deadline.reschedule(moment() + STALL_SECONDS)
    async for chunk in chunks:
        yield chunk
        deadline.reschedule(moment() + STALL_SECONDS)
    deadline.reschedule(moment() + ANSWER_SECONDS)


def _creation(bucket: str, path: str, size: int, content_type: str) -> dict[str, str]:
    told = {"bucketName": bucket, "objectName": path, "contentType": content_type, "cacheControl": str(CACHE_SECONDS)}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
    return {
        "tus-resumable": "1.0.0",
        "x-upsert": "true",
        "upload-length": str(size),
        "upload-metadata": metadata,
    }


def _own_path(location: str) -> str | None:
    """The path in an upload's address, which may name a public host: the key goes to the one we know only."""
    try:
        path = urlsplit(location).path
    except ValueError:
        return None
    folder, _, identifier = path.rpartition("/")
    return path if folder == PATH and _IDENTIFIER.fullmatch(identifier) else None


def _known(response: httpx.Response) -> httpx.Response:
    if response.status_code in (404, 410):
        raise Unavailable(GONE, "Storage does not know the upload any more")
    accepted(response)
    return response


def _offset(response: httpx.Response) -> int | None:
    told = response.headers.get("upload-offset", "")
    return int(told) if re.fullmatch(r"[0-9]{1,15}", told) else None
