"""Listing objects: what the caller cannot see is not there."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from devstack.storage import rows
from devstack.storage.errors import invalid_parameter
from devstack.storage.requests import read_json, whole_number

PAGE_LIMIT = 1000
SORT_COLUMNS = ("name", "updated_at", "created_at", "last_accessed_at")

KEYS = """
with hit as (
  select objects.*, case when %(with_delimiter)s then
    substring(substr(name, length(%(prefix)s) + 1) from '^[^/]*/') end as folder
  from storage.objects where bucket_id = %(bucket_id)s and starts_with(name, %(prefix)s)
), entry as (
  select distinct %(prefix)s || folder as name, null::uuid as id, null::jsonb as metadata,
    null::timestamptz as created_at, null::timestamptz as updated_at, null::timestamptz as last_accessed_at
  from hit where folder is not null
  union all
  select name, id, metadata, created_at, updated_at, last_accessed_at from hit where folder is null
), ranked as (
  select entry.*, row_number() over (order by
    case %(column)s
      when 'created_at' then created_at when 'updated_at' then updated_at
      when 'last_accessed_at' then last_accessed_at
    end,
    name collate "C") as place
  from entry
)
select name, id, metadata, created_at, updated_at, last_accessed_at from ranked
order by case when %(order)s = 'desc' then -place else place end limit %(limit)s offset %(offset)s
"""


@dataclass(frozen=True)
class Page:
    """Where a page begins and how all pages are sorted. A cursor carries both to the next request."""

    offset: int
    column: str
    order: str

    @classmethod
    def of(cls, body: dict[str, Any]) -> Page:
        column, order = sorting(body)
        if not body.get("cursor"):
            return cls(0, column, order)
        try:
            offset, column, order = base64.b64decode(body["cursor"]).decode().split("\n")
            return cls(int(offset), column, order)
        except (TypeError, ValueError) as error:
            raise invalid_parameter("Invalid Parameter continuation token") from error

    def cursor_after(self, count: int) -> str:
        return base64.b64encode(f"{self.offset + count}\n{self.column}\n{self.order}".encode()).decode()


async def list_objects(request: web.Request) -> web.Response:
    """One folder level, as `storage.search` makes it."""
    body = await read_json(request)
    folder = str(body.get("prefix") or "").rstrip("/")
    prefix = f"{folder}/" if folder else ""
    values = [
        prefix,
        request.match_info["bucket_id"],
        whole_number(body, "limit", 100),
        len(prefix.split("/")),
        whole_number(body, "offset", 0),
        str(body.get("search") or ""),
        *sorting(body),
    ]
    async with rows.as_caller(request, "object.list") as connection:
        query = "select * from storage.search(%s, %s, %s, %s, %s, %s, %s, %s)"
        cursor = await connection.execute(query, values)
        return web.json_response([rows.as_json(row) for row in await cursor.fetchall()])


async def list_keys(request: web.Request) -> web.Response:
    """Version 2: whole keys that begin with a prefix; with a delimiter, folders apart from objects."""
    body = await read_json(request)
    page, limit = Page.of(body), min(whole_number(body, "limit", PAGE_LIMIT), PAGE_LIMIT)
    values = {
        "bucket_id": request.match_info["bucket_id"],
        "prefix": str(body.get("prefix") or ""),
        "with_delimiter": bool(body.get("with_delimiter")),
        "limit": limit + 1,
        **vars(page),
    }
    async with rows.as_caller(request, "object.list_v2") as connection:
        found = [rows.as_json(row) for row in await (await connection.execute(KEYS, values)).fetchall()]
    entries = found[:limit]
    answer: dict[str, Any] = {
        "hasNext": len(found) > limit,
        "folders": [{"name": entry["name"]} for entry in entries if entry["id"] is None],
        "objects": [entry for entry in entries if entry["id"] is not None],
    }
    if answer["hasNext"]:
        answer["nextCursor"] = page.cursor_after(limit)
    return web.json_response(answer)


def sorting(body: dict[str, Any]) -> tuple[str, str]:
    """Column and direction, by name and ascending if nothing else is asked for."""
    asked = body.get("sortBy") or {}
    if not isinstance(asked, dict):
        raise invalid_parameter("body/sortBy must be object")
    column, order = asked.get("column") or "name", asked.get("order") or "asc"
    if column not in SORT_COLUMNS or order not in ("asc", "desc"):
        raise invalid_parameter("body/sortBy must be equal to one of the allowed values")
    return column, order
