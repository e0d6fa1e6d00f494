"""Rows of `storage.buckets` and `storage.objects`: the statements the real service sends.

Whoever opens the connection decides whose eyes look: the caller's, under row level security, or the
platform's.
"""

from __future__ import annotations

import uuid
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, LiteralString

from aiohttp import web
from psycopg.types.json import Jsonb

from devstack.context import CONTEXT, caller_of
from devstack.database import Connection
from devstack.storage.errors import no_such_bucket, no_such_key
from devstack.storage.files import StoredFile
from devstack.storage.keys import Location

Row = dict[str, Any]


def as_caller(request: web.Request, operation: str) -> AbstractAsyncContextManager[Connection]:
    """The caller's transaction: policies can ask for the operation, deletes pass the guard on the tables."""
    return request.app[CONTEXT].database.as_caller(
        caller_of(request), storage__operation=f"storage.{operation}", storage__allow_delete_query="true"
    )


async def one(connection: Connection, query: LiteralString, *values: Any) -> Row | None:
    cursor = await connection.execute(query, values)
    return await cursor.fetchone()


async def find_bucket(connection: Connection, bucket_id: str) -> Row:
    bucket = await one(connection, "select * from storage.buckets where id = %s", bucket_id)
    if bucket is None:
        raise no_such_bucket()
    return bucket


async def find_object(connection: Connection, location: Location) -> Row:
    query = "select * from storage.objects where bucket_id = %s and name = %s"
    found = await one(connection, query, location.bucket_id, location.name)
    if found is None:
        raise no_such_key()
    return found


async def insert_object(connection: Connection, location: Location, owner: str | None) -> None:
    """Without `returning`: a caller who may insert need not be able to see the row."""
    await connection.execute(
        """
        insert into storage.objects (bucket_id, name, owner, owner_id, version) values (%s, %s, %s, %s, '1')
        """,
        [location.bucket_id, location.name, uuid_or_none(owner), owner],
    )


@dataclass(frozen=True)
class Content:
    """The part of an object's row that an upload replaces."""

    version: str
    metadata: Row
    user_metadata: Row


async def upsert_object(connection: Connection, location: Location, owner: str | None, content: Content) -> Row:
    """As a caller this takes the insert, the update and the select policy: `returning` sees the row."""
    row = await one(
        connection,
        """
        insert into storage.objects (bucket_id, name, owner, owner_id, version, metadata, user_metadata)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (name, bucket_id) do update set owner = excluded.owner, owner_id = excluded.owner_id,
          version = excluded.version, metadata = excluded.metadata, user_metadata = excluded.user_metadata
        returning *
        """,
        *(location.bucket_id, location.name, uuid_or_none(owner), owner),
        *(content.version, Jsonb(content.metadata), Jsonb(content.user_metadata)),
    )
    if row is None:
        raise no_such_key()
    return row


async def lock(connection: Connection, location: Location) -> str | None:
    """Be the only writer of this name until the transaction ends; the version it has now."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended(%s, 0))", [location.path])
    query = "select version from storage.objects where bucket_id = %s and name = %s for update"
    row = await one(connection, query, location.bucket_id, location.name)
    return row["version"] if row else None


def system_metadata(stored: StoredFile, mime_type: str, cache_control: str) -> Row:
    """`objects.metadata`, key for key as hosted projects have it."""
    return {
        "eTag": stored.etag,
        "size": stored.size,
        "mimetype": mime_type,
        "cacheControl": cache_control,
        "lastModified": timestamp(stored.stored_at),
        "contentLength": stored.size,
        "httpStatusCode": 200,
    }


def as_json(row: Row) -> Row:
    """A row as the API shows it."""
    shown = {name: _plain(value) for name, value in row.items()}
    # The real service's serializer turns a missing owner into an empty text, and clients rely on text.
    return shown | ({"owner": shown["owner"] or ""} if "owner" in shown else {})


def timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    return str(value) if isinstance(value, uuid.UUID) else value


def uuid_or_none(text: str | None) -> uuid.UUID | None:
    """`owner` only takes UUIDs; `owner_id` takes any `sub`."""
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        return None
