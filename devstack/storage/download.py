"""Serving objects: whole, in ranges, on conditions, and as information only."""

from __future__ import annotations

import asyncio
import contextlib
import os
from datetime import UTC, datetime
from email.utils import formatdate
from typing import IO
from urllib.parse import quote

from aiohttp import web

from devstack.context import CONTEXT
from devstack.storage import rows
from devstack.storage.errors import StorageError
from devstack.storage.files import FILES, blocks
from devstack.storage.keys import Location


async def get_object(request: web.Request) -> web.StreamResponse:
    """An object the caller may see, or any object of a public bucket."""
    return await serve(request, await _visible(request, "object.get_authenticated"))


async def get_public_object(request: web.Request) -> web.StreamResponse:
    """For a bucket that is not public the answer is that there is none."""
    location = Location.of(request)
    async with request.app[CONTEXT].database.as_admin() as connection:
        bucket = await rows.find_bucket(connection, location.bucket_id)
        if not bucket["public"]:
            raise StorageError(404, "NoSuchBucket", "Bucket not found", error="Bucket not found")
        row = await rows.find_object(connection, location)
    return await serve(request, row)


async def get_info(request: web.Request) -> web.Response:
    row = await _visible(request, "object.info_authenticated")
    metadata = row["metadata"] or {}
    info = {name: row[name] for name in ("id", "name", "version", "bucket_id", "created_at")}
    info |= {"last_modified": row["updated_at"], "metadata": row["user_metadata"]}
    shown = {"size": "size", "content_type": "mimetype", "cache_control": "cacheControl", "etag": "eTag"}
    info |= {name: metadata.get(key) for name, key in shown.items()}
    return web.json_response(rows.as_json(info))


async def _visible(request: web.Request, operation: str) -> rows.Row:
    location = Location.of(request)
    async with request.app[CONTEXT].database.as_admin() as connection:
        bucket = await rows.find_bucket(connection, location.bucket_id)
        if bucket["public"]:
            return await rows.find_object(connection, location)
    async with rows.as_caller(request, operation) as connection:
        return await rows.find_object(connection, location)


async def serve(request: web.Request, row: rows.Row, expires_at: float | None = None) -> web.StreamResponse:
    """The bytes of `row`, as much of them as the request's Range and conditions ask for."""
    headers = _headers(request, row, expires_at)
    if _is_known(request, headers):
        return web.Response(status=304, headers={"ETag": headers["ETag"]})
    try:
        path = request.app[FILES].path(row["version"] or "none")
        file = await asyncio.to_thread(path.open, "rb", buffering=0)
    except FileNotFoundError as error:  # a row that SQL inserted
        message = "The resource was not found"
        raise StorageError(404, "NoSuchKey", message, error="Not found") from error
    with file:
        return await _send(request, headers, file)


async def _send(request: web.Request, headers: dict[str, str], file: IO[bytes]) -> web.StreamResponse:
    size = os.fstat(file.fileno()).st_size
    start, length = _asked_range(request, size)
    response = web.StreamResponse(status=206 if length < size else 200, headers=headers)
    if length < size:
        response.headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{size}"
    response.content_length = length
    await response.prepare(request)
    if request.method != "HEAD":
        with contextlib.suppress(ConnectionResetError):  # who hangs up has seen enough
            async for block in blocks(file, start, length):
                await response.write(block)
    return response


def _headers(request: web.Request, row: rows.Row, expires_at: float | None) -> dict[str, str]:
    metadata = row["metadata"] or {}
    mime_type = metadata.get("mimetype") or "application/octet-stream"
    headers = {
        "Accept-Ranges": "bytes",
        # A page stored by a user must not run under the project's address.
        "Content-Type": "text/plain" if "text/html" in mime_type else mime_type,
        "ETag": metadata.get("eTag", '""'),
        "Last-Modified": formatdate(_modified_at(row).timestamp(), usegmt=True),
    }
    if expires_at is None:
        headers["Cache-Control"] = metadata.get("cacheControl", "no-cache")
    else:
        headers["Expires"] = formatdate(expires_at, usegmt=True)
    if (name := request.query.get("download")) is not None:
        headers["Content-Disposition"] = _attachment(name)
    return headers


def _attachment(name: str) -> str:
    if not name:
        return "attachment;"
    encoded = quote(name, safe="!'()*-._~")
    return f"attachment; filename={encoded}; filename*=UTF-8''{encoded};"


def _modified_at(row: rows.Row) -> datetime:
    modified: datetime = row["updated_at"] or row["created_at"]
    return modified.astimezone(UTC).replace(microsecond=0)


def _is_known(request: web.Request, headers: dict[str, str]) -> bool:
    """Whether the client's copy is still good: its ETag decides, its date only if it sent no ETag."""
    if tags := request.headers.get("If-None-Match"):
        return headers["ETag"] in [tag.strip().removeprefix("W/") for tag in tags.split(",")] or tags == "*"
    since = request.if_modified_since
    return since is not None and headers["Last-Modified"] == formatdate(since.timestamp(), usegmt=True)


def _asked_range(request: web.Request, size: int) -> tuple[int, int]:
    """Start and length. A range that begins behind the end is refused, a malformed one is not looked at."""
    try:
        asked = request.http_range
    except ValueError:
        return 0, size
    if asked.start is None:
        return 0, size
    start = max(size + asked.start, 0) if asked.start < 0 else asked.start
    end = size if asked.stop is None else min(asked.stop, size)
    if start >= size:
        message = "The requested range is not satisfiable"
        raise StorageError(416, "InvalidRange", message, error="InvalidRange", http_status=416)
    return start, end - start
