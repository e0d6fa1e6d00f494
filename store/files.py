"""Objects in Supabase Storage, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import quote

import httpx

from store.errors import (
    TRANSPORT_ERRORS,
    Missing,
    Rejected,
    Unavailable,
    answered,
    from_response,
    from_transport,
    json_of,
)
from store.resumable import CACHE_SECONDS, PIECE, NotOffered, Proven, Resumable, Source, accepted, transfer

# How Storage says that there is no such object, in its newer and its older words; a gateway's 404 is none of them.
_MISSING = ("NoSuchKey", "not_found", "InvalidKey")


@dataclass(frozen=True, slots=True)
class Stored:
    """What lies at a path; `version` is another as soon as the bytes are."""

    size: int
    content_type: str
    version: str


class Files:
    """One bucket."""

    def __init__(self, http: httpx.AsyncClient, bucket: str) -> None:
        self._http = http
        self._bucket = bucket
        self._resumable = Resumable(http, bucket)

    async def upload(self, path: str, source: Source, content_type: str, *, size: int | None, proven: Proven) -> None:
        """Stores `source` at `path`, replacing what lies there: a second run leaves one object.

        Nothing is visible before `proven` has returned the size in bytes. A `size` that is known before lets a large
        file go out while it comes in; it must be what `proven` returns. Raises StoreError: Rejected when Storage
        refuses the object for good (`too_large`, `wrong_type`), another one else; and what `proven` and `source` raise.
        """
        size = await proven() if size is None else size
        if size > PIECE:
            try:
                return await self._resumable.upload(path, source, size, content_type, proven)
            except NotOffered:
                pass
        size = await proven()
        headers = {
            "content-type": content_type,
            "content-length": str(size),
            "cache-control": f"max-age={CACHE_SECONDS}",
            "x-upsert": "true",
        }
        address = f"/storage/v1/object/{self._bucket}/{quote(path)}"
        response = await transfer(self._http, "POST", address, headers, source.chunks(0, size))
        accepted(response)
        told = json_of(response)
        if not isinstance(told, dict) or "Key" not in told:
            # Some gateway's page: nothing was stored.
            raise Unavailable("shape", "an upload that Storage has not confirmed")

    async def remove(self, paths: Sequence[str]) -> set[str]:
        """Removes objects, at most 1,000; gives those that went. What is not there is no error.

        Raises StoreError; Rejected when Storage refuses the whole set.
        """
        call = self._http.request("DELETE", f"/storage/v1/object/{self._bucket}", json={"prefixes": list(paths)})
        told = json_of(await answered(call))
        if not isinstance(told, list):
            raise Unavailable("shape", "an answer of another shape")
        return {str(row["name"]) for row in told if isinstance(row, dict) and "name" in row}

    async def describe(self, path: str) -> Stored:
        """What lies at `path`, without fetching it. Raises StoreError; Missing when nothing does."""
        try:
            told = json_of(await answered(self._http.get(f"/storage/v1/object/info/{self._bucket}/{quote(path)}")))
        except Rejected as error:
            raise Missing(error.code, str(error)) if error.code in _MISSING else error from None
        told = told if isinstance(told, dict) else {}
        version = _tag(told.get("etag")) or told.get("version") or told.get("last_modified")
        if not isinstance(told.get("size"), int) or not version:
            raise Unavailable("shape", "an object without a size or a version")
        return Stored(told["size"], told.get("content_type") or "application/octet-stream", str(version))

    @asynccontextmanager
    async def download(self, path: str, stored: Stored) -> AsyncIterator[AsyncIterator[bytes]]:
        """Streams what was described. Raises StoreError, also in mid-stream; Unavailable when it is another by now."""
        # Not compressed on the way: the length would be another.
        address, headers = f"/storage/v1/object/{self._bucket}/{quote(path)}", {"accept-encoding": "identity"}
        try:
            response = await self._http.send(self._http.build_request("GET", address, headers=headers), stream=True)
        except TRANSPORT_ERRORS as error:
            raise from_transport(error) from error
        try:
            if not response.is_success:
                await response.aread()
                raise from_response(response)
            tag, length = _tag(response.headers.get("etag")), response.headers.get("content-length")
            if tag not in ("", stored.version):
                raise Unavailable("changed", "the object was overwritten a moment ago")
            if not tag and length not in (None, str(stored.size)):
                # Some gateway's page, perhaps.
                raise Unavailable("changed", "an answer that is not the object")
            yield _received(response)
        finally:
            await response.aclose()


def _tag(etag: str | None) -> str:
    """An ETag as such: a gateway may have weakened it."""
    return (etag or "").removeprefix("W/").strip('"')


async def _received(response: httpx.Response) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_bytes():
            yield chunk
    except TRANSPORT_ERRORS as error:
        raise from_transport(error) from error
