"""Uploads: may the caller, take the bytes, then the row.

Copied behaviour: the permission is tried out first, as the caller and rolled back, so a refused upload
costs no bytes; the row is written at the end by the platform itself. Two uploads of one new name at once
both succeed and the later one stays, as in the real service.
"""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web
from psycopg.errors import UniqueViolation

from devstack.context import CONTEXT, caller_of
from devstack.storage import rows
from devstack.storage.body import Description, Limits, receive
from devstack.storage.errors import already_exists
from devstack.storage.files import FILES, StoredFile
from devstack.storage.keys import Location

ATTEMPT = rows.Content(version="1", metadata={}, user_metadata={})


@dataclass(frozen=True)
class Upload:
    """What is to be stored where, and by whom."""

    location: Location
    owner: str | None
    upsert: bool


async def create(request: web.Request) -> web.Response:
    """POST: a new object, or over an old one with `x-upsert: true`."""
    return await _upload(request, wants_upsert(request), "object.upload")


async def replace(request: web.Request) -> web.Response:
    """PUT: over an old object, or a new one."""
    return await _upload(request, True, "object.upload_update")


async def _upload(request: web.Request, upsert: bool, operation: str) -> web.Response:
    wanted = Upload(Location.of(request), caller_of(request).user_id, upsert)
    limits = await limits_of(request, wanted.location)
    await authorize(request, wanted, operation)
    return await store(request, wanted, limits)


def wants_upsert(request: web.Request) -> bool:
    return request.headers.get("x-upsert") == "true"


async def limits_of(request: web.Request, location: Location) -> Limits:
    """What the location's bucket takes. That a bucket exists is no secret: this comes before permissions."""
    async with request.app[CONTEXT].database.as_admin() as connection:
        return Limits.of(await rows.find_bucket(connection, location.bucket_id))


async def authorize(request: web.Request, wanted: Upload, operation: str) -> None:
    """Raises what the caller's own attempt at the row raises."""
    try:
        async with rows.as_caller(request, operation) as connection:
            if wanted.upsert:
                await rows.upsert_object(connection, wanted.location, wanted.owner, ATTEMPT)
            else:
                await rows.insert_object(connection, wanted.location, wanted.owner)
            await connection.rollback()
    except UniqueViolation as error:
        raise already_exists("KeyAlreadyExists") from error


async def store(request: web.Request, wanted: Upload, limits: Limits) -> web.Response:
    """The body of `request` as `wanted`; whether that is allowed has been found out before."""
    files = request.app[FILES]
    async with files.writer() as writer:
        described = await receive(request, limits, writer)
        stored = await files.adopt(writer)
    row = await complete(request, wanted, stored, described)
    return web.json_response({"Id": str(row["id"]), "Key": wanted.location.path})


async def complete(request: web.Request, wanted: Upload, stored: StoredFile, described: Description) -> rows.Row:
    """The row of a stored file: without it the file goes again, with it the file that it replaces."""
    files = request.app[FILES]
    metadata = rows.system_metadata(stored, described.mime_type, described.cache_control)
    content = rows.Content(stored.version, metadata, described.user_metadata)
    try:
        async with request.app[CONTEXT].database.as_admin() as connection:
            former = await rows.lock(connection, wanted.location)
            row = await rows.upsert_object(connection, wanted.location, wanted.owner, content)
    except BaseException:
        files.remove(stored.version)
        raise
    files.remove_later(former)
    return row
