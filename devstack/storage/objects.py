"""What is done to objects as a whole: removing, moving, copying."""

from __future__ import annotations

from aiohttp import web

from devstack.context import CONTEXT, caller_of
from devstack.storage import rows
from devstack.storage.errors import no_such_key
from devstack.storage.files import FILES
from devstack.storage.keys import Location, checked_name
from devstack.storage.requests import read_json, texts
from devstack.storage.upload import Upload, authorize, wants_upsert


async def remove_many(request: web.Request) -> web.Response:
    """The rows that went. What the caller may not delete, or cannot see, stays without a word."""
    names = texts(await read_json(request), "prefixes")
    removed = await _remove(request, names, "object.delete_many")
    return web.json_response([rows.as_json(row) for row in removed])


async def remove_one(request: web.Request) -> web.Response:
    location = Location.of(request)
    if not await _remove(request, [location.name], "object.delete"):
        raise no_such_key()
    return web.json_response({"message": "Successfully deleted"})


async def _remove(request: web.Request, names: list[str], operation: str) -> list[rows.Row]:
    async with rows.as_caller(request, operation) as connection:
        cursor = await connection.execute(
            "delete from storage.objects where bucket_id = %s and name = any(%s) returning *",
            [request.match_info["bucket_id"], names],
        )
        removed = await cursor.fetchall()
    for row in removed:
        request.app[FILES].remove(row["version"])
    return removed


async def move(request: web.Request) -> web.Response:
    """A new name for the same object, in the same bucket or another; the bytes stay where they are."""
    source, destination = await _endpoints(request)
    async with rows.as_caller(request, "object.move") as connection:
        await rows.find_object(connection, source)
        row = await rows.one(
            connection,
            """
            update storage.objects set bucket_id = %s, name = %s
            where bucket_id = %s and name = %s returning *
            """,
            *(destination.bucket_id, destination.name, source.bucket_id, source.name),
        )
    if row is None:
        raise no_such_key()
    return web.json_response({"message": "Successfully moved", "Id": str(row["id"]), "Key": destination.path})


async def copy(request: web.Request) -> web.Response:
    """A second object with the same bytes and metadata, owned by the caller, who must be allowed to upload it."""
    source, destination = await _endpoints(request)
    owner = caller_of(request).user_id
    async with rows.as_caller(request, "object.copy") as connection:
        origin = await rows.find_object(connection, source)
    await authorize(request, Upload(destination, owner, wants_upsert(request)), "object.copy")
    files = request.app[FILES]
    version = files.copy(origin["version"])
    content = rows.Content(version, origin["metadata"] or {}, origin["user_metadata"] or {})
    async with request.app[CONTEXT].database.as_admin() as connection:
        former = await rows.lock(connection, destination)
        row = await rows.upsert_object(connection, destination, owner, content)
    files.remove_later(former)
    return web.json_response({**rows.as_json(row), "Id": str(row["id"]), "Key": destination.path})


async def _endpoints(request: web.Request) -> tuple[Location, Location]:
    body = await read_json(request)
    bucket_id, source, destination = (str(body.get(key) or "") for key in ("bucketId", "sourceKey", "destinationKey"))
    destination_bucket = str(body.get("destinationBucket") or bucket_id)
    return Location(bucket_id, source), Location(destination_bucket, checked_name(destination))
