"""Buckets: rows under row level security, so by default only the secret key makes and sees them."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from psycopg import sql
from psycopg.errors import UniqueViolation

from devstack.context import CONTEXT, caller_of
from devstack.storage import rows
from devstack.storage.body import GLOBAL_SIZE_LIMIT
from devstack.storage.errors import (
    StorageError,
    access_denied,
    already_exists,
    invalid_mime_type,
    invalid_parameter,
    no_such_bucket,
    too_large,
)
from devstack.storage.files import FILES
from devstack.storage.keys import checked_bucket_name
from devstack.storage.requests import read_json

SHOWN = (
    "id", "name", "owner", "public", "type", "file_size_limit", "allowed_mime_types",
    "created_at", "updated_at",
)  # fmt: skip
SIZE = re.compile(r"(\d+(?:\.\d+)?)(gb|mb|kb|b)", re.IGNORECASE)
BYTES_PER = {"gb": 10**9, "mb": 10**6, "kb": 10**3, "b": 1}
MIME_TYPE = re.compile(r"[a-zA-Z0-9.+-]+/(\*|[a-zA-Z0-9.+-]+)(;\s*charset=[a-zA-Z0-9-]+)?|\*")


async def create_bucket(request: web.Request) -> web.Response:
    body = await read_json(request)
    name = checked_bucket_name(str(body.get("name") or ""))
    owner = caller_of(request).user_id
    values = {"public": False, **_settings(body)}
    columns = {
        "id": str(body.get("id") or name),
        "name": name,
        "owner": rows.uuid_or_none(owner),
        "owner_id": owner,
    }
    try:
        async with rows.as_caller(request, "bucket.create") as connection:
            await connection.execute(*_insert(columns | values))
    except UniqueViolation as error:
        raise already_exists("BucketAlreadyExists") from error
    return web.json_response({"name": columns["id"]})


def _insert(values: dict[str, Any]) -> tuple[sql.Composed, list[Any]]:
    query = sql.SQL("insert into storage.buckets ({}) values ({})").format(
        sql.SQL(", ").join(map(sql.Identifier, values)), sql.SQL(", ").join(sql.Placeholder() * len(values))
    )
    return query, list(values.values())


async def list_buckets(request: web.Request) -> web.Response:
    async with rows.as_caller(request, "bucket.list") as connection:
        cursor = await connection.execute("select * from storage.buckets order by name")
        return web.json_response([_as_json(row) for row in await cursor.fetchall()])


async def get_bucket(request: web.Request) -> web.Response:
    async with rows.as_caller(request, "bucket.get") as connection:
        return web.json_response(_as_json(await rows.find_bucket(connection, request.match_info["bucket_id"])))


async def update_bucket(request: web.Request) -> web.Response:
    """Settings that are not named stay as they are."""
    values = _settings(await read_json(request))
    assignments = [sql.SQL("{} = %s").format(sql.Identifier(name)) for name in values]
    query = sql.SQL("update storage.buckets set {} where id = %s").format(
        sql.SQL(", ").join([*assignments, sql.SQL("updated_at = now()")])
    )
    async with rows.as_caller(request, "bucket.update") as connection:
        cursor = await connection.execute(query, [*values.values(), request.match_info["bucket_id"]])
    if cursor.rowcount == 0:
        raise no_such_bucket()
    return web.json_response({"message": "Successfully updated"})


async def empty_bucket(request: web.Request) -> web.Response:
    """Everything the caller sees goes, or nothing does. The real service takes its time; here it is done."""
    bucket_id = request.match_info["bucket_id"]
    async with rows.as_caller(request, "bucket.empty") as connection:
        await rows.find_bucket(connection, bucket_id)
        visible = await rows.one(connection, "select count(*) from storage.objects where bucket_id = %s", bucket_id)
        cursor = await connection.execute(
            "delete from storage.objects where bucket_id = %s returning version", [bucket_id]
        )
        removed = await cursor.fetchall()
        if visible and len(removed) < visible["count"]:
            raise access_denied("Cannot delete: you may have SELECT but not DELETE permissions")
    for row in removed:
        request.app[FILES].remove(row["version"])
    return web.json_response({"message": "Empty bucket has been queued. Completion may take up to an hour."})


async def delete_bucket(request: web.Request) -> web.Response:
    bucket_id = request.match_info["bucket_id"]
    async with request.app[CONTEXT].database.as_admin() as connection:
        await rows.find_bucket(connection, bucket_id)
        holds = await rows.one(
            connection, "select 1 as one from storage.objects where bucket_id = %s limit 1", bucket_id
        )
    if holds:
        raise StorageError(409, "ResourceNotEmpty", "The bucket you tried to delete is not empty")
    async with rows.as_caller(request, "bucket.delete") as connection:
        cursor = await connection.execute("delete from storage.buckets where id = %s", [bucket_id])
    if cursor.rowcount == 0:
        raise no_such_bucket()
    return web.json_response({"message": "Successfully deleted"})


def _settings(body: dict[str, Any]) -> dict[str, Any]:
    """The columns that a body sets, checked."""
    settings: dict[str, Any] = {}
    if "public" in body:
        settings["public"] = bool(body["public"])
    if "file_size_limit" in body:
        settings["file_size_limit"] = _bytes(body["file_size_limit"])
    if "allowed_mime_types" in body:
        settings["allowed_mime_types"] = body["allowed_mime_types"]
        for mime_type in body["allowed_mime_types"] or []:
            if not MIME_TYPE.fullmatch(mime_type):
                raise invalid_mime_type(mime_type)
    return settings


def _bytes(limit: int | str | None) -> int | None:
    if limit is None:
        return None
    if isinstance(limit, str):
        match = SIZE.fullmatch(limit)
        if match is None:
            raise invalid_parameter("Invalid file size format, hint: use 20GB / 20MB / 30KB / 3B")
        limit = int(float(match[1]) * BYTES_PER[match[2].lower()])
    if limit > GLOBAL_SIZE_LIMIT:
        raise too_large()
    return limit


def _as_json(row: rows.Row) -> rows.Row:
    return rows.as_json({name: row[name] for name in SHOWN})
