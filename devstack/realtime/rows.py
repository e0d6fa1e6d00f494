"""Changed rows as something a query can work on: types, filters and policies over a whole batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from devstack.database import Connection
from devstack.realtime.filters import Filter, condition_sql
from devstack.realtime.pgoutput import Row

Record = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table as it is now."""

    name: str
    type_name: str  # pg_type's name, what clients are told (`int8`, `_text`)
    sql_type: str  # what a cast needs (`bigint`, `public.mood`)
    in_primary_key: bool
    selectable_by: frozenset[str]


@dataclass(frozen=True)
class Table:
    """A table as it is now, not as it was when the change was made: the real service has the same blur."""

    schema: str
    name: str
    row_security: bool
    columns: dict[str, Column]

    @property
    def primary_key(self) -> list[Column]:
        return [column for column in self.columns.values() if column.in_primary_key]

    def selectable(self, role: str) -> set[str]:
        """The columns whose SELECT privilege the role has."""
        return {column.name for column in self.columns.values() if role in column.selectable_by}


async def look_up(connection: Connection, oid: int, roles: Sequence[str]) -> Table | None:
    """A table with what the roles may select; None if it was dropped meanwhile."""
    cursor = await connection.execute(
        """select n.nspname, c.relname, c.relrowsecurity, a.attname, t.typname,
                  format_type(a.atttypid, null) as sql_type,
                  coalesce(a.attnum = any(i.indkey), false) as in_primary_key,
                  array(select role from unnest(%s::text[]) role
                        where has_column_privilege(role, c.oid, a.attnum, 'select')) as selectable_by
           from pg_class c
           join pg_namespace n on n.oid = c.relnamespace
           join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           join pg_type t on t.oid = a.atttypid
           left join pg_index i on i.indrelid = c.oid and i.indisprimary
           where c.oid = %s order by a.attnum""",
        [list(roles), oid],
    )
    found = await cursor.fetchall()
    if not found:
        return None
    columns = {
        row["attname"]: Column(
            row["attname"],
            row["typname"],
            row["sql_type"],
            row["in_primary_key"],
            frozenset(row["selectable_by"]),
        )
        for row in found
    }
    return Table(found[0]["nspname"], found[0]["relname"], found[0]["relrowsecurity"], columns)


class Batch:
    """Rows of one table, sent to Postgres as one array of text per column."""

    def __init__(self, table: Table, rows: Sequence[Row]) -> None:
        self.table = table
        self.rows = rows

    async def records(self, connection: Connection) -> list[Record]:
        """The rows with values as JSON has them (Postgres' own `to_jsonb`)."""
        columns = [c for name, c in self.table.columns.items() if any(name in row for row in self.rows)]
        if not columns:
            return [{} for _ in self.rows]
        source, values = self._source(columns)
        typed = ", ".join(f"{cast(number, column)} as {quoted(column.name)}" for number, column in enumerate(columns))
        cursor = await connection.execute(
            f"select (select to_jsonb(t) from (select {typed}) t) as record from {source} order by n", values
        )
        found = [row["record"] async for row in cursor]
        return [
            {name: value for name, value in record.items() if name in row}
            for record, row in zip(found, self.rows, strict=True)
        ]

    async def matching(self, connection: Connection, filters: Sequence[Filter]) -> set[int]:
        """The positions of rows that pass all filters. A row without a filter's column does not."""
        present = {position for position, row in enumerate(self.rows) if all(f.column in row for f in filters)}
        if not filters or not present or any(f.column not in self.table.columns for f in filters):
            return present
        columns = [self.table.columns[f.column] for f in filters]
        source, values = self._source(columns)
        conditions = " and ".join(
            condition_sql(condition, cast(number, column), column.sql_type)
            for number, (condition, column) in enumerate(zip(filters, columns, strict=True))
        )
        parameters = [parameter for condition in filters for parameter in condition.parameters]
        cursor = await connection.execute(f"select n from {source} where {conditions}", [*values, *parameters])
        return present & {row["n"] - 1 async for row in cursor}

    async def still_there(self, connection: Connection) -> set[int]:
        """The positions of rows that the connection's role finds by primary key, as they are now.

        Values get their types before they are compared. A cast may fail and tell by it, so under row level security
        Postgres would compare after the policy, with every row of the table, instead of looking the key up. The real
        service has its keys as literals.
        """
        columns = self.table.primary_key
        source, values = self._source(columns)
        typed = "".join(f"{cast(number, column)} as k{number}, " for number, column in enumerate(columns))
        key = " and ".join(f"t.{quoted(column.name)} = k.k{number}" for number, column in enumerate(columns))
        target = f"{quoted(self.table.schema)}.{quoted(self.table.name)}"
        keys = f"(select {typed}n from {source} offset 0) as k"
        cursor = await connection.execute(
            f"select n from {keys} where exists (select 1 from {target} t where {key})", values
        )
        return {row["n"] - 1 async for row in cursor}

    def _source(self, columns: Sequence[Column]) -> tuple[str, list[Any]]:
        """The rows as a FROM item `r(c0, c1, ..., n)`, n counting from 1, with its parameters."""
        arrays = ", ".join("%s::text[]" for _ in columns)
        names = "".join(f"c{number}, " for number in range(len(columns)))
        values = [[row.get(column.name) for row in self.rows] for column in columns]
        return f"unnest({arrays}) with ordinality as r({names}n)", values


def cast(number: int, column: Column) -> str:
    """The source's column of that number, in the table's type."""
    return f"r.c{number}::{column.sql_type.replace('%', '%%')}"


def quoted(name: str) -> str:
    """An identifier for a query that goes through placeholders."""
    escaped = name.replace('"', '""').replace("%", "%%")
    return f'"{escaped}"'
