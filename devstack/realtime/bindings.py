"""What a client asks for in `config.postgres_changes`: parsing it, its id, whether its role may have it."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import Any

import psycopg

from devstack.database import Connection
from devstack.keys import Caller
from devstack.realtime.filters import BadFilter, Filter, condition_sql, parse_filters

PUBLICATION = "supabase_realtime"
MAX_IN_VALUES = 100


class BadBinding(Exception):
    """No subscription comes of these parameters. The text goes to the client; trying again is pointless."""


@dataclass(frozen=True)
class Binding:
    """One entry of `postgres_changes`. `id` is what events name; equal parameters have equal ids, always."""

    id: int
    event: str
    schema: str
    table: str
    filters: tuple[Filter, ...]
    select: frozenset[str] | None

    def wants(self, action: str, schema: str, table: str) -> bool:
        """Before filters and policies."""
        return self.event in ("*", action) and self.schema in ("*", schema) and self.table in ("*", table)

    def __str__(self) -> str:
        filters = [[f.column, f.operator, f.value, f.negated] for f in self.filters]
        select = json.dumps(sorted(self.select)) if self.select else "nil"
        return (
            f"[event: {self.event}, schema: {self.schema}, table: {self.table}, "
            f"filters: {json.dumps(filters)}, select: {select}]"
        )


def binding_id(parameters: dict[str, Any]) -> int:
    """A hash of the parameters, so ids stay the same over joins (the real one: Erlang's phash2, 27 bits)."""
    return zlib.crc32(json.dumps(parameters, sort_keys=True).encode()) % 2**27 or 1


def parse_binding(parameters: dict[str, Any]) -> Binding:
    """Copied: the schema defaults to public, the table to all; `select` needs one named table."""
    schema, table, filter_text = (parameters.get(name) for name in ("schema", "table", "filter"))
    if not (isinstance(schema, str) or isinstance(table, str)) or (filter_text is not None and not table):
        raise BadBinding(
            "No subscription params provided. Please provide at least a `schema` or `table` to subscribe to: "
            + json.dumps(parameters)
        )
    try:
        filters = parse_filters(filter_text or "")
    except BadFilter as error:
        raise BadBinding(f"Error parsing `filter` params: {error}") from error
    event = str(parameters.get("event", "*")).upper()
    binding = Binding(
        id=binding_id(parameters),
        event=event if event in ("INSERT", "UPDATE", "DELETE") else "*",
        schema=schema or "public",
        table=table or "*",
        filters=filters,
        select=parse_select(parameters.get("select")),
    )
    if binding.select and "*" in (binding.schema, binding.table):
        raise BadBinding(
            "Column selection is not supported for wildcard subscriptions. Provide an explicit schema and table name."
        )
    return binding


def parse_select(select: Any) -> frozenset[str] | None:
    if isinstance(select, str):
        raise BadBinding(
            'Error parsing `select` params: expected a list of column name strings, e.g. select: ["col1", "col2"]'
        )
    return frozenset(name for name in select or [] if isinstance(name, str)) or None


async def check_binding(connection: Connection, binding: Binding, caller: Caller) -> None:
    """Raises BadBinding unless a published table matches whose columns in use the role may read."""
    tables = await published_tables(connection, binding)
    if not tables:
        raise BadBinding(
            "Unable to subscribe to changes with given parameters. "
            f"Please check Realtime is enabled for the given connect parameters: {binding}"
        )
    try:
        for table in tables:
            await check_columns(connection, table, binding, caller.role)
    except (psycopg.OperationalError, psycopg.InterfaceError):
        raise  # the database's fault, not the binding's
    except (psycopg.Error, ValueError) as error:
        raise BadBinding(
            "Unable to subscribe to changes with given parameters. "
            f"An exception happened so please check your connect parameters: {binding}. Exception: {error}"
        ) from error


async def published_tables(connection: Connection, binding: Binding) -> list[int]:
    cursor = await connection.execute(
        """select format('%%I.%%I', schemaname, tablename)::regclass::oid as entity
           from pg_publication_tables
           where pubname = %s and %s::text in ('*', schemaname) and %s::text in ('*', tablename)""",
        [PUBLICATION, binding.schema, binding.table],
    )
    return [row["entity"] async for row in cursor]


async def check_columns(connection: Connection, table: int, binding: Binding, role: str) -> None:
    cursor = await connection.execute(
        """select attname, format_type(atttypid, null) as type from pg_attribute
           where attrelid = %s and attnum > 0 and not attisdropped
             and has_column_privilege(%s, attrelid, attnum, 'select')""",
        [table, role],
    )
    types = {row["attname"]: row["type"] async for row in cursor}
    for condition in binding.filters:
        if condition.column not in types:
            raise ValueError(f"ERROR P0001 (raise_exception) invalid column for filter {condition.column}")
        await check_value(connection, condition, types[condition.column])
    for column in binding.select or ():
        if column not in types:
            raise ValueError(f"ERROR P0001 (raise_exception) invalid column for select {column}")


async def check_value(connection: Connection, condition: Filter, type_name: str) -> None:
    """Refuse now what could not be compared when a change comes."""
    if condition.operator == "is":
        check_is(condition, type_name)
        return
    if condition.operator == "in":
        cursor = await connection.execute(
            f"select coalesce(array_length(%s::{type_name}[], 1), 0) as count", [condition.value]
        )
        row = await cursor.fetchone()
        if row and row["count"] > MAX_IN_VALUES:
            raise ValueError("too many values for `in` filter. Maximum 100")
        return
    comparison = condition_sql(condition, f"null::{type_name}", type_name)
    await connection.execute(f"select {comparison}", condition.parameters)


def check_is(condition: Filter, type_name: str) -> None:
    if condition.value not in ("null", "true", "false", "unknown"):
        raise ValueError("invalid value for is filter: must be null, true, false, or unknown")
    if condition.value != "null" and type_name != "boolean":
        raise ValueError(f"is {condition.value} filter requires a boolean column, got {type_name}")
