"""An upload's body, multipart or raw, streamed to a file aside; never whole in memory.

Copied behaviour: in a multipart form the fields `cacheControl`, `metadata` and `contentType` describe the
one file, whose field name does not matter; in a raw body the headers do, with `x-metadata` as base64 of
JSON. Metadata that is no JSON is ignored, not refused.
"""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, ClientPayloadError, web

from devstack.storage.errors import ClientGone, StorageError, invalid_mime_type, too_large
from devstack.storage.faults import FAULTS
from devstack.storage.files import Writer

# The most a hosted project can raise its limit to without asking is 500 GB, a free one has 50 MB; half a
# gigabyte is more than WhatsApp's largest document and still fits a developer's disk.
GLOBAL_SIZE_LIMIT = 500 * 1024 * 1024
CHUNK = 256 * 1024
MAXIMUM_FIELD = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What the bucket takes."""

    size: int
    mime_types: list[str]

    @classmethod
    def of(cls, bucket: dict[str, Any]) -> Limits:
        size = bucket["file_size_limit"]
        own = GLOBAL_SIZE_LIMIT if size is None else min(size, GLOBAL_SIZE_LIMIT)
        return cls(own, bucket["allowed_mime_types"] or [])

    def check_mime_type(self, mime_type: str) -> None:
        """`image/*` allows every image. Parameters such as a charset count, as they really do."""
        kind, _, subtype = mime_type.partition("/")
        allowed = [mime_type, f"{kind}/*"]
        if not subtype or (self.mime_types and not any(entry in self.mime_types for entry in allowed)):
            raise invalid_mime_type(mime_type)


@dataclass
class Description:
    """What the client says about the bytes."""

    mime_type: str = "application/octet-stream"
    cache_control: str = "no-cache"
    user_metadata: dict[str, Any] = field(default_factory=dict)


async def receive(request: web.Request, limits: Limits, writer: Writer) -> Description:
    """All of the file's bytes into `writer`."""
    try:
        if request.content_type == "multipart/form-data":
            return await _receive_form(request, limits, writer)
        return await _receive_raw(request, limits, writer)
    except (ClientPayloadError, ConnectionResetError) as error:
        raise ClientGone from error
    except ValueError as error:  # aiohttp's word for a form that is none
        raise StorageError(400, "InvalidRequest", f"No content provided: {error}") from error


async def _receive_raw(request: web.Request, limits: Limits, writer: Writer) -> Description:
    described = Description(
        mime_type=request.headers.get("Content-Type", Description.mime_type),
        cache_control=request.headers.get("Cache-Control", Description.cache_control),
        user_metadata=parsed_metadata(_decoded(request.headers.get("x-metadata", ""))),
    )
    limits.check_mime_type(described.mime_type)
    if (request.content_length or 0) > limits.size:
        raise too_large()
    await _copy(request, request.content.iter_chunked(CHUNK), limits, writer)
    return described


async def _receive_form(request: web.Request, limits: Limits, writer: Writer) -> Description:
    described, has_file = Description(), False
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            raise StorageError(400, "InvalidRequest", "Nested multipart bodies are not supported")
        if part.filename is None:
            _describe(described, part.name or "", await _text(part))
        elif not has_file:
            has_file = True
            described.mime_type = part.headers.get("Content-Type", described.mime_type)
            limits.check_mime_type(described.mime_type)
            await _copy(request, _chunks(part), limits, writer)
    if not has_file:
        raise StorageError(400, "InvalidRequest", "No content provided")
    return described


def _describe(described: Description, name: str, value: str) -> None:
    match name:
        case "cacheControl":
            described.cache_control = f"max-age={value}"
        case "metadata" | "userMetadata":
            described.user_metadata = parsed_metadata(value)
        case "contentType":
            described.mime_type = value


async def _copy(request: web.Request, chunks: AsyncIterator[bytes], limits: Limits, writer: Writer) -> None:
    async for chunk in request.app[FAULTS].metered(request, chunks):
        if writer.size + len(chunk) > limits.size:
            raise too_large()
        await writer.write(chunk)


async def _chunks(part: BodyPartReader) -> AsyncIterator[bytes]:
    while chunk := await part.read_chunk(CHUNK):
        yield chunk


async def _text(part: BodyPartReader) -> str:
    value = bytearray()
    async for chunk in _chunks(part):
        value += chunk
        if len(value) > MAXIMUM_FIELD:
            raise too_large()
    return value.decode(errors="replace")


def _decoded(value: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except ValueError:
        return ""


def parsed_metadata(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
