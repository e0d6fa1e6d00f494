"""The generated part of docs/frontend.md: what a frontend calls and reads, out of the catalog and its comments.

After a change of migrations: `python -m devstack run -- python -m tests.frontends.reference` writes it anew.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.attack.isolation.surface import FUNCTIONS, TABLES

PAGE = Path(__file__).parents[2] / "docs/frontend.md"
BEGIN, END = "<!-- generated: begin -->\n", "<!-- generated: end -->\n"
COMPUTED = {"is_window_open", "media_url"}
TYPES = {"timestamp with time zone": "timestamptz", "character varying": "text"}
CALLS = """
    select proname as name, coalesce(nullif(pg_get_function_arguments(oid), ''), '') as arguments,
      pg_get_function_result(oid) as result, obj_description(oid, 'pg_proc') as comment
    from pg_proc where pronamespace = 'public'::regnamespace and proname = any(%s)"""
TABLE_COLUMNS = """
    select relname as name,
      coalesce(obj_description(cls.oid, 'pg_class'), obj_description(reltype, 'pg_type')) as comment,
      array_agg(attname || ' ' || format_type(atttypid, null) order by attnum)
        filter (where relkind = 'c' or has_column_privilege('authenticated', cls.oid, attnum, 'select')) as columns
    from pg_class as cls join pg_attribute on attrelid = cls.oid and attnum > 0 and not attisdropped
    where relnamespace = 'public'::regnamespace
      and (relname = any(%s) or relkind = 'c' and relname like 'conversation%%')
    group by cls.oid"""
CODES = re.compile(r"\b(WA\d{3})(?: to (WA\d{3}))?")


def main() -> None:
    with psycopg.connect(os.environ["SUPABASE_DB_URL"]) as connection:
        made = generated(connection)
    text = PAGE.read_text()
    PAGE.write_text(text.partition(BEGIN)[0] + BEGIN + made + END + text.partition(END)[2])


def generated(connection: psycopg.Connection[Any]) -> str:
    """Functions, the rows they answer, and tables."""
    names = [name for name, line in FUNCTIONS.items() if line.by is not None]
    tables = [name for name, line in TABLES.items() if line.read is not None]
    with connection.cursor(row_factory=dict_row) as cursor:
        calls = {row["name"]: row for row in cursor.execute(CALLS, [names])}
        shapes = {row["name"]: row for row in cursor.execute(TABLE_COLUMNS, [tables])}
    return "\n".join(
        [
            "### Functions\n",
            "| call | answers | errors | what it does |",
            "|---|---|---|---|",
            *(_call(calls[name]) for name in names if name not in COMPUTED),
            "\n### Computed fields\n",
            "Asked for by name, beside columns: `select=id,is_window_open`.\n",
            *(f"- `{name}` of `{_of(calls[name])}`: {_plain(calls[name])}" for name in sorted(COMPUTED)),
            "\n### Rows of functions\n",
            *(_shape(row) for name, row in sorted(shapes.items()) if name not in TABLES),
            "\n### Tables\n",
            "What a member reads; who may write which columns is in [permissions.md](permissions.md#the-tables).\n",
            *(_shape(shapes[name]) for name in tables),
            "",
        ]
    )


def codes(comment: str) -> list[str]:
    """The errors that a comment names, ranges told one by one."""
    found: list[str] = []
    for first, last in CODES.findall(comment):
        found += [f"WA{number:03d}" for number in range(int(first[2:]), int((last or first)[2:]) + 1)]
    return found


def arguments(signature: str) -> list[tuple[str, str, bool]]:
    """Name, type and whether it may be left out, of what pg_get_function_arguments says."""
    found = []
    for part in filter(None, signature.split(", ")):
        name, _, rest = part.partition(" ")
        kind, default, _ = rest.partition(" DEFAULT ")
        found.append((name.strip('"'), TYPES.get(kind, kind), bool(default)))
    return found


def _call(row: Mapping[str, Any]) -> str:
    given = ", ".join(f"{name}{'?' * optional} {kind}" for name, kind, optional in arguments(row["arguments"]))
    told = re.sub(r"^SETOF (.*)", r"rows of `\1`", row["result"])
    told = re.sub(r"^TABLE\((.*)\)", r"a row of `\1`", told)
    told = {"void": "nothing"}.get(told, told if "`" in told else f"`{told}`")
    errors = " ".join(f"`{code}`" for code in codes(row["comment"]))
    return f"| `{row['name']}({given})` | {told} | {errors} | {_plain(row)} |"


def _plain(row: Mapping[str, Any]) -> str:
    """The comment without the codes, which have a column of their own."""
    return re.sub(r"\s*\bWA\d{3}( to WA\d{3})?(, WA\d{3}( to WA\d{3})?)*\.$", "", row["comment"]).replace("|", "\\|")


def _of(row: Mapping[str, Any]) -> str:
    return arguments(row["arguments"])[0][1]


def _shape(row: Mapping[str, Any]) -> str:
    columns: Iterable[str] = (_short(column) for column in row["columns"] or [])
    return f"- **`{row['name']}`**: {row['comment']}  \n  " + ", ".join(f"`{column}`" for column in columns)


def _short(column: str) -> str:
    name, _, kind = column.partition(" ")
    return f"{name} {TYPES.get(kind, kind)}"


if __name__ == "__main__":
    main()
