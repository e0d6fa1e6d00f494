"""What the database says anybody may reach, held against the surface: nothing without a line, no line more."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from tests.attack.isolation.surface import FUNCTIONS, TABLES, Function, Table
from tests.attack.isolation.worlds import Attack

CONFIG = Path(__file__).parents[3] / "supabase/config.toml"
VERBS = ("select", "insert", "update", "delete", "truncate", "references", "trigger", "maintain")

RELATIONS = """
    select class.oid, class.relname::text as name, class.relkind::text as kind, class.relrowsecurity as guarded
    from pg_class as class
    where class.relnamespace = any (%s::regnamespace[]) and class.relkind in ('r', 'p', 'v', 'm', 'f')
    order by 2
"""
ROUTINES = """
    select routine.oid, routine.proname::text as name, routine.prosecdef as definer,
      coalesce(routine.proargnames[1:routine.pronargs], '{}') as arguments,
      array(select format_type(kind, null) from unnest(routine.proargtypes::oid[]) as kind) as types
    from pg_proc as routine
    where routine.pronamespace = any (%s::regnamespace[])
      and not exists (
        select from pg_depend where objid = routine.oid and classid = 'pg_proc'::regclass and deptype = 'e')
    order by 2
"""
# Of whole tables for rows, of columns for what is written: a grant of the table is one of each column.
PRIVILEGES = """
    select role, verb, coalesce(string_agg(attname, ' ' order by attnum), '') as columns,
      has_table_privilege(role, %(table)s::oid, verb) as whole
    from unnest(array['anon', 'authenticated', 'service_role']) as role cross join unnest(%(verbs)s::text[]) as verb
    left join pg_attribute on attrelid = %(table)s::oid and attnum > 0 and not attisdropped
      and verb in ('select', 'insert', 'update', 'references')
      and has_column_privilege(role, %(table)s::oid, attnum, verb)
    group by role, verb
"""


def exposed() -> list[str]:
    """The schemas that the Data API shows."""
    schemas: list[str] = tomllib.loads(CONFIG.read_text())["api"]["schemas"]
    return schemas


async def lineless(
    attack: Attack, tables: Mapping[str, Table] = TABLES, functions: Mapping[str, Function] = FUNCTIONS
) -> list[str]:
    """Objects without a line, and lines without an object."""
    relations = [row["name"] for row in await attack.rows(RELATIONS, exposed())]
    routines = [row["name"] for row in await attack.rows(ROUTINES, exposed())]
    return (
        [f"table or view {name} has no line" for name in relations if name not in tables]
        + [f"function {name} has no line" for name in routines if name not in functions]
        + [f"no table {name}" for name in tables if name not in relations]
        + [f"no function {name}" for name in functions if name not in routines]
        + [f"function {name} is overloaded" for name in functions if routines.count(name) > 1]
    )


async def table_grants(attack: Attack, tables: Mapping[str, Table] = TABLES) -> list[str]:
    """Privileges that are not what the lines say, and tables whose rows nothing guards."""
    found = []
    for relation in await attack.rows(RELATIONS, exposed()):
        line = tables.get(relation["name"])
        if line is None:
            continue
        if relation["kind"] in ("r", "p") and not relation["guarded"]:
            found.append(f"{relation['name']}: row level security is off")
        cursor = await attack.session.execute(PRIVILEGES, {"table": relation["oid"], "verbs": list(VERBS)})
        for row in await cursor.fetchall():
            told = "all" if row["whole"] else " ".join(sorted(row["columns"].split()))
            if told != (due := _due(line, row["role"], row["verb"])):
                found.append(f"{relation['name']}: {row['role']} has {row['verb']} on '{told}', its line says '{due}'")
    return found


def _due(line: Table, role: str, verb: str) -> str:
    if role == "service_role":
        return "all" if verb in VERBS[:4] else ""
    if role == "anon":
        return ""
    return {
        "select": "all" if line.read else "",
        "insert": " ".join(sorted(line.insert.split())),
        "update": " ".join(sorted(line.update.split())),
        "delete": "all" if line.delete else "",
    }.get(verb, "")


async def function_grants(attack: Attack, functions: Mapping[str, Function] = FUNCTIONS) -> list[str]:
    """Who may execute what, and definers that members call directly."""
    found = []
    for routine in await attack.rows(ROUTINES, exposed()):
        line = functions.get(routine["name"])
        if line is None:
            continue
        for role in ("anon", "authenticated", "service_role"):
            (row,) = await attack.rows(
                "select has_function_privilege(%s, %s::oid, 'execute') as may", role, routine["oid"]
            )
            due = {"anon": False, "authenticated": line.by is not None, "service_role": line.backend}
            if row["may"] != due[role]:
                found.append(f"{routine['name']}: {role} {'may' if row['may'] else 'may not'} execute it")
        if line.by is not None and routine["definer"]:
            found.append(f"{routine['name']}: runs with its owner's rights")
    return found


async def publications(attack: Attack, tables: Mapping[str, Table] = TABLES) -> list[str]:
    """Tables that Realtime reads out and whose lines do not say so."""
    rows = await attack.rows(
        "select schemaname || '.' || tablename as name from pg_publication_tables where pubname = 'supabase_realtime'"
    )
    published = {row["name"] for row in rows}
    due = {f"public.{name}" for name, line in tables.items() if line.published}
    return [f"{name}: published, or its line says so, not both" for name in sorted(published ^ due)]
