"""Attacks on rows over HTTP: read, count, filter, embed, write, add, delete, and keys that tell what exists."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.attack.isolation.surface import TABLES, Table
from tests.attack.isolation.worlds import Actor, Attack, filled

COUNTED = {"Prefer": "count=exact"}
QUIET = {"Prefer": "return=minimal,count=exact"}
COLUMNS = (
    "select attname::text as name from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
)
WRITABLE = f"{COLUMNS} and attgenerated = '' and attidentity = ''"
KEYS = """
    select conname::text as name, conrelid::regclass::text as here, confrelid::regclass::text as there
    from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
      and confrelid::regclass::text = any (%s)
"""


def outsiders(attack: Attack) -> list[Actor]:
    return [actor for actor in attack.actors.values() if actor.rank < 1]


def _own(line: Table, world: Mapping[str, str]) -> str:
    column, value = line.tenant
    return f"{column}=eq.{world[value]}"


async def seeded(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """Both worlds have a row everywhere, or the rest of this shows nothing."""
    return [
        f"{name}: no row of {world}"
        for world, values in (("home", attack.home), ("away", attack.away))
        for name, state in (await attack.state(values, tables)).items()
        if state.startswith("0")
    ]


async def reads(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """Members see their workspace's rows and no other's, by a plain look, by a count, by an order."""
    found = []
    for name, line in tables.items():
        for actor in attack.actors.values():
            fields = f"*,{line.computed}" if line.computed else "*"
            for query in (f"select={fields}", f"select={fields}&{_own(line, attack.home)}", "order=" + line.tenant[0]):
                answer = await attack.ask(actor, "GET", f"/rest/v1/{name}?{query}", **COUNTED)
                foreign = attack.home if actor.rank < 1 else attack.away
                if shown := attack.knows(answer.text, foreign, but=query):
                    found.append(f"{name}: {actor.name} reads {shown} by {query.split('=')[0]}")
                if actor.rank < 1 and attack.home["workspace"] in query and not answer.refused:
                    found.append(f"{name}: {actor.name} counts rows of home")
            if line.read is None and answer.status not in (401, 403):
                found.append(f"{name}: {actor.name} gets {answer.status}")
            if actor.rank >= 1 and actor.may(line.read) == answer.refused:
                found.append(f"{name}: {actor.name} {'sees no row' if answer.refused else 'sees rows'} of home")
    return found


async def filters(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """A filter on any column of a row of home answers outsiders as one on a value that nobody has."""
    found = []
    for name, line in tables.items():
        rows = await _rows(attack, name, line)
        known = {key: item for row in rows for key, item in row.items() if item is not None}
        for key, item in known.items():
            text = item if isinstance(item, str) else json.dumps(item)
            for test in ("eq", "not.eq"):
                query = f"{key}={test}.{quote(text)}&select={line.tenant[0]}"
                owners = await attack.ask(attack.actors["owner"], "GET", f"/rest/v1/{name}?{query}", **COUNTED)
                if line.read and test == "eq" and isinstance(item, str) and owners.refused:
                    found.append(f"{name}: a filter on {key} finds nothing, even for the owner")
                for actor in outsiders(attack):
                    answer = await attack.ask(actor, "GET", f"/rest/v1/{name}?{query}", **COUNTED)
                    if shown := attack.knows(answer.text, attack.home, but=text):
                        found.append(f"{name}: {actor.name} learns {shown} by a filter on {key}")
                    if test == "eq" and not answer.refused and attack.knows(text, attack.home):
                        found.append(f"{name}: {actor.name} finds a row of home by {key}")
    return found


async def embeds(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """No row of one workspace comes along with a row of another, whichever key the embedding follows."""
    found = []
    for key in await attack.rows(KEYS, list(tables)):
        if key["here"] not in tables:
            continue
        for outer, inner in ((key["here"], key["there"]), (key["there"], key["here"])):
            for join in ("", "!inner"):
                query = f"select=*,{inner}!{key['name']}{join}(*)"
                for actor in attack.actors.values():
                    answer = await attack.ask(actor, "GET", f"/rest/v1/{outer}?{query}")
                    foreign = attack.home if actor.rank < 1 else attack.away
                    if shown := attack.knows(answer.text, foreign):
                        found.append(f"{outer}: {actor.name} reads {shown} by embedding {inner}")
                    readable = all(actor.may(tables[name].read) for name in (outer, inner))
                    if actor.rank >= 1 and readable and answer.status != 200:
                        found.append(f"{outer}: {actor.name} cannot embed {inner} ({answer.status} {answer.code})")
    return found


async def updates(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """Each column of home's rows, set to what it is: how many rows that would change is who may change them."""
    found = []
    for name, line in tables.items():
        row, *_ = await _rows(attack, name, line)
        for written in await attack.rows(WRITABLE, f"public.{name}"):
            key = written["name"]
            for actor in attack.actors.values():
                path = f"/rest/v1/{name}?{_own(line, attack.home)}"
                answer = await attack.ask(actor, "PATCH", path, {key: row[key]}, **QUIET)
                allowed = actor.may(line.update_by) and key in line.update.split()
                if allowed == answer.refused:
                    told = "cannot change" if allowed else "changes"
                    found.append(f"{name}: {actor.name} {told} {key} of home ({answer.status} {answer.code})")
    return found


async def inserts(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """A row put into home, or beside it with home's keys, answers outsiders as if there were no home."""
    found = []
    for name, line in tables.items():
        row, *_ = await _rows(attack, name, line)
        columns = line.insert.split() or [one["name"] for one in await attack.rows(WRITABLE, f"public.{name}")]
        copy = {key: row[key] for key in columns if key in row}
        for body in (copy, filled(line.sample, attack.home)):
            for actor in outsiders(attack):
                found += await _adds(attack, name, line, actor, body)
        for actor in attack.actors.values():
            told = await _inserted(attack, actor, name, filled(line.sample, attack.home) or copy)
            allowed = actor.may(line.insert_by)
            if allowed != (told == "ok"):
                found.append(f"{name}: {actor.name} {'cannot add' if allowed else 'adds'} a row ({told})")
    return found


async def _adds(attack: Attack, name: str, line: Table, actor: Actor, body: dict[str, Any]) -> list[str]:
    found = []
    if attack.knows(json.dumps(body), attack.home):
        into_home = await attack.ask(actor, "POST", f"/rest/v1/{name}", body)
        if not into_home.refused:
            found.append(f"{name}: {actor.name} adds a row to home")
        into_nothing = await attack.ask(actor, "POST", f"/rest/v1/{name}", _renamed(body, attack.home, attack.nowhere))
        if into_home.kind != into_nothing.kind:
            found.append(
                f"{name}: {actor.name} learns by adding that home exists ({into_home.kind}, {into_nothing.kind})"
            )
    return found


async def keys(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """In one's own workspace a value that home has goes in like one that nobody has: no key reaches across."""
    found = []
    actor = attack.actors["foreign"]
    for name, line in tables.items():
        base = filled(line.sample, attack.away)
        for row in await _rows(attack, name, line):
            for key in line.insert.split():
                taken, free = base | {key: row[key]}, base | {key: _renamed(row[key], attack.home, attack.nowhere)}
                if taken != free:
                    codes = [await _inserted(attack, actor, name, body) for body in (taken, free)]
                    if codes[0] != codes[1]:
                        found.append(f"{name}: foreign learns of home by {key} ({codes[0]}, {codes[1]})")
    return found


async def _rows(attack: Attack, name: str, line: Table) -> list[dict[str, Any]]:
    """Home's rows of a table."""
    column, value = line.tenant
    query = f"select to_jsonb(told) as row from public.{name} as told where {column}::text = %s"
    return [found["row"] for found in await attack.rows(query, attack.home[value])]


def _renamed(body: Any, names: Mapping[str, str], others: Mapping[str, str]) -> Any:
    text = json.dumps(body)
    for key, value in names.items():
        text = text.replace(value, others[key])
    return json.loads(text)


def _insert(name: str, body: Mapping[str, Any]) -> str:
    values = ", ".join(f"told.{key}" for key in body)
    document = "jsonb_populate_record(null::public." + name + ", %(row)s)"
    return f"insert into public.{name} ({', '.join(body)}) select {values} from {document} as told"


async def _inserted(attack: Attack, actor: Actor, name: str, body: dict[str, Any]) -> str:
    code, _ = await attack.say(actor, _insert(name, body), {"row": body})
    return code


async def deletes(attack: Attack, tables: Mapping[str, Table]) -> list[str]:
    """Whoever may not delete deletes nothing over HTTP; whoever may could, in SQL, where it is taken back."""
    found = []
    for name, line in tables.items():
        column, value = line.tenant
        for actor in attack.actors.values():
            if actor.may(line.delete):
                code, count = await attack.say(
                    actor, f"delete from public.{name} where {column} = %(tenant)s", {"tenant": attack.home[value]}
                )
                if code != "ok" or count == "0":
                    found.append(f"{name}: {actor.name} cannot delete ({code})")
                continue
            answer = await attack.ask(actor, "DELETE", f"/rest/v1/{name}?{_own(line, attack.home)}", **QUIET)
            if not answer.refused:
                found.append(f"{name}: {actor.name} deletes rows of home")
    return found


async def findings(attack: Attack, tables: Mapping[str, Table] = TABLES) -> list[str]:
    """Every attack on these tables, and whether home is what it was."""
    before = await attack.state(attack.home, tables)
    found = await seeded(attack, tables)
    if found:
        return found
    for attempt in (reads, filters, embeds, updates, inserts, keys, deletes):
        found += await attempt(attack, tables)
    after = await attack.state(attack.home, tables)
    return found + [f"{name}: home is not what it was" for name in tables if before[name] != after[name]]


def about(found: list[str], pattern: str) -> list[str]:
    """The findings that a pattern speaks of."""
    return [finding for finding in found if re.search(pattern, finding)]
