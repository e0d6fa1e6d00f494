"""Objects in Supabase Storage, streamed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import BinaryIO
from urllib.parse import quote

import httpx

from store.errors import answered

CHUNK = 256 * 1024


class Files:
    """One bucket."""

    def __init__(self, http: httpx.AsyncClient, bucket: str) -> None:
        self._http = http
        self._bucket = bucket

    async def upload(self, path: str, source: BinaryIO, size: int, content_type: str) -> None:
        """Streams `size` bytes to `path`, replacing what lies there: a second run leaves one object.

        Raises StoreError: Rejected when Storage refuses the object (size, type, key), Unavailable else.
        """
        source.seek(0)
        headers = {"content-type": content_type, "content-length": str(size), "x-upsert": "true"}
        address = f"/storage/v1/object/{self._bucket}/{quote(path)}"
        await answered(self._http.post(address, content=_chunks(source), headers=headers))


async def _chunks(source: BinaryIO) -> AsyncIterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk
