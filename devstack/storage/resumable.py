"""Resumable uploads: TUS 1.0.0 at /upload/resumable, with creation, expiration and termination.

Copied behaviour: bucket, object, type and cache time are in `Upload-Metadata`; the caller's permission is
asked anew with each request; errors have their own HTTP status here, as the TUS protocol wants it, and a
text as body. Hosted projects ask for chunks of exactly 6 MiB, the last excepted; this stand-in insists.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from email.utils import formatdate

import psycopg
from aiohttp import ClientPayloadError, web
from aiohttp.typedefs import Handler

from devstack.context import CONTEXT, caller_of
from devstack.storage.body import CHUNK, Description, Limits, parsed_metadata
from devstack.storage.errors import ClientGone, StorageError, from_postgres, no_such_key, too_large
from devstack.storage.faults import FAULTS
from devstack.storage.files import FILES, Writer
from devstack.storage.keys import Location, checked_name
from devstack.storage.resumable_state import EXPIRY, PartialUpload, parse_metadata
from devstack.storage.upload import Upload, authorize, complete, limits_of, wants_upsert

PROTOCOL = {"Tus-Resumable": "1.0.0"}
CHUNK_SIZE = 6 * 1024 * 1024
PATCH_TYPE = "application/offset+octet-stream"
BUSY = web.AppKey("busy", defaultdict[str, asyncio.Lock])


def in_tus_words(handler: Handler) -> Handler:
    """TUS clients look at the HTTP status, not at a body."""

    async def answered(request: web.Request) -> web.StreamResponse:
        try:
            response = await handler(request)
        except (StorageError, psycopg.Error) as error:
            refusal = from_postgres(error) if isinstance(error, psycopg.Error) else error
            response = web.Response(status=refusal.status, text=refusal.message)
        response.headers.update(PROTOCOL)
        return response

    return answered


@in_tus_words
async def options(_: web.Request) -> web.Response:
    capabilities = {"Tus-Version": "1.0.0", "Tus-Extension": "creation,expiration,termination"}
    return web.Response(status=204, headers=capabilities)


@in_tus_words
async def create(request: web.Request) -> web.Response:
    metadata = parse_metadata(request.headers.get("Upload-Metadata", ""))
    if not metadata.get("bucketName") or not metadata.get("objectName"):
        raise StorageError(400, "InvalidRequest", "Metadata header is required")
    location = Location(metadata["bucketName"], checked_name(metadata["objectName"]))
    limits = await limits_of(request, location)
    length = _length(request, limits)
    if metadata.get("contentType"):
        limits.check_mime_type(metadata["contentType"])
    wanted = _wanted(request, location)
    await authorize(request, wanted, "tus.upload.create")
    upload = PartialUpload.begin(request.app[FILES].resumable, location, length, metadata)
    if length == 0:
        await _finish(request, wanted, upload)
    address = f"{request.app[CONTEXT].public_url}/storage/v1/upload/resumable/{upload.address}"
    return web.Response(status=201, headers={"Location": address, **_expires(upload)})


def _length(request: web.Request, limits: Limits) -> int:
    try:
        length = int(request.headers.get("Upload-Length", ""))
    except ValueError as error:
        raise StorageError(400, "InvalidRequest", "Upload-Length header required") from error
    if length > limits.size:
        raise too_large()
    return length


@in_tus_words
async def offset(request: web.Request) -> web.Response:
    """HEAD: how much has arrived."""
    upload = _found(request)
    headers = {"Upload-Offset": str(upload.offset), "Upload-Length": str(upload.length)}
    return web.Response(headers={**headers, "Cache-Control": "no-store", **_expires(upload)})


@in_tus_words
async def append(request: web.Request) -> web.Response:
    """PATCH: the next bytes, exactly where the last ones ended. What arrived before a broken line stays."""
    upload = _found(request)
    wanted = _wanted(request, upload.location)
    await authorize(request, wanted, "tus.upload.part")
    lock = request.app[BUSY][upload.version]
    if lock.locked():
        raise StorageError(409, "ResourceLocked", "The upload is in use by another request")
    async with lock:
        _check_chunk(request, upload)
        await _receive(request, upload)
        arrived = upload.offset
        if arrived == upload.length:
            await _finish(request, wanted, upload)
            del request.app[BUSY][upload.version]
    return web.Response(status=204, headers={"Upload-Offset": str(arrived), **_expires(upload)})


def _check_chunk(request: web.Request, upload: PartialUpload) -> None:
    if request.content_type != PATCH_TYPE:
        raise StorageError(415, "InvalidRequest", "Content-Type header required")
    if request.headers.get("Upload-Offset") != str(upload.offset):
        raise StorageError(409, "InvalidRequest", "Upload-Offset conflict")
    size = request.content_length
    if size is not None and upload.offset + size > upload.length:
        raise too_large()
    if size is not None and size != CHUNK_SIZE and upload.offset + size != upload.length:
        raise StorageError(400, "InvalidRequest", f"A chunk has {CHUNK_SIZE} bytes, only the last may be smaller")


async def _receive(request: web.Request, upload: PartialUpload) -> None:
    writer, room = Writer(upload.path), upload.length - upload.offset
    try:
        async for chunk in request.app[FAULTS].metered(request, request.content.iter_chunked(CHUNK)):
            if writer.size + len(chunk) > room:
                raise too_large()
            await writer.write(chunk)
    except (ClientPayloadError, ConnectionResetError) as error:
        raise ClientGone from error
    finally:
        upload.add_part(bytes.fromhex((await writer.finish()).strip('"')))


async def _finish(request: web.Request, wanted: Upload, upload: PartialUpload) -> None:
    metadata = upload.metadata
    described = Description(user_metadata=parsed_metadata(metadata.get("metadata", "")))
    described.mime_type = metadata.get("contentType") or described.mime_type
    if metadata.get("cacheControl", "").isdigit():
        described.cache_control = f"max-age={metadata['cacheControl']}"
    stored = request.app[FILES].adopt_path(upload.path, upload.length, upload.etag)
    upload.forget()
    await complete(request, wanted, stored, described)


@in_tus_words
async def terminate(request: web.Request) -> web.Response:
    upload = _found(request)
    await authorize(request, _wanted(request, upload.location), "tus.upload.delete")
    upload.forget()
    return web.Response(status=204)


def _wanted(request: web.Request, location: Location) -> Upload:
    return Upload(location, caller_of(request).user_id, wants_upsert(request))


def _found(request: web.Request) -> PartialUpload:
    upload = PartialUpload.at(request.app[FILES].resumable, request.match_info["address"])
    if upload is None:
        raise no_such_key()
    if upload.expires_at < datetime.now(UTC):
        upload.forget()
        raise StorageError(410, "NoSuchUpload", f"The upload expired after {EXPIRY}")
    return upload


def _expires(upload: PartialUpload) -> dict[str, str]:
    return {"Upload-Expires": formatdate(upload.expires_at.timestamp(), usegmt=True)}
