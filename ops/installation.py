"""What is installed, held against what this release's migrations install.

`installation.json` is the answer of a fresh database to get_installation(), written by `make snapshot`. Objects that it
does not name are the project's own and nobody's business here, unless they open one of ours.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from ops.findings import Finding
from ops.remedies import PUSH
from store.version import VERSION

Row = dict[str, Any]

# What only makes it slower, or may be the operator's own choice.
_HARMLESS = ("index",)
# What an operator may take from members, as docs/permissions.md advises some.
_TAKEN_AWAY = ("to authenticated on function public.add_connection(uuid,text,text,text,text)",)
# How these stand ends in a hash of their text, which says nothing to a person.
_HASHED = ("function", "policy")
# It stands in the history as applied, so pushing once more does nothing about it.
_RESTORE = "Run its statements out of supabase/schema.snapshot.sql of this release in the SQL editor."


@cache
def expected() -> Row:
    """The installation that this release is made for."""
    installed: Row = json.loads((resources.files("ops") / "installation.json").read_text(encoding="utf-8"))
    return installed


def differences(found: Row) -> list[Finding]:
    """How a project's installation is not that of this release; begins with whether the two work together at all."""
    release = _release(found["release"])
    if release.state != "ok":
        # Of another release the objects are other ones.
        return [release]
    missing = _missing_migrations(found["migrations"])
    return [release, *missing] if missing else [release, *(_drift(found) or [_intact()])]


def _release(release: Row) -> Finding:
    schema, least = release["schema"], release["least_code"]
    if _number(VERSION) < _number(least):
        return Finding(
            "fail",
            "schema",
            f"The schema is of {schema} and needs Wabase {least} or newer; this is {VERSION}.",
            f"Upgrade webhook, worker and this command to {schema}.",
        )
    if _number(VERSION) < _number(schema):
        return Finding(
            "warn",
            "schema",
            f"The schema is of {schema}, newer than this {VERSION}, which it still works with. Not compared further.",
            f"Upgrade webhook, worker and this command to {schema} when it suits.",
        )
    return Finding("ok", "schema", f"The schema is of {schema}; this is {VERSION}.")


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _missing_migrations(applied: list[str] | None) -> list[Finding]:
    if applied is None:
        said = "No migrations are recorded: they came by another way than `supabase db push`."
        return [Finding("warn", "migrations", said, "Record them: `npx supabase migration repair --status applied`.")]
    missing = sorted(set(expected()["migrations"]) - set(applied))
    if not missing:
        return []
    said = f"{len(missing)} migrations of this release are missing, the first is {missing[0]}."
    return [Finding("fail", "migrations", said, f"Run `{PUSH}` in a checkout of this release.")]


def _intact() -> Finding:
    wanted = expected()
    count = sum(map(len, wanted["objects"].values()))
    return Finding(
        "ok", "migrations", f"All {len(wanted['migrations'])} are there, and {count} objects as they are meant."
    )


def _drift(found: Row) -> list[Finding]:
    wanted, there = expected()["objects"], found["objects"]
    other_postgres = found["postgres"] != expected()["postgres"]
    findings: list[Finding] = []
    for kind, named in wanted.items():
        standing = there.get(kind, {})
        for name, value in named.items():
            if name not in standing and name in _TAKEN_AWAY:
                continue
            if name not in standing:
                findings.append(_finding(kind, name, None))
            elif _comparable(kind, standing[name], other_postgres) != _comparable(kind, value, other_postgres):
                findings.append(_finding(kind, name, standing[name]))
        findings += [
            _opened(kind, name, value) for name, value in standing.items() if name not in named and _opens(kind, name)
        ]
    return findings


def _comparable(kind: str, value: str, other_postgres: bool) -> str:
    # Postgres writes a policy's expression anew from how it has parsed it, each major version in its own way.
    return value.rpartition(", ")[0] if kind == "policy" and other_postgres else value


def _is_not(kind: str, found: str, wanted: str) -> str:
    if kind in _HASHED and found.rpartition(", ")[0] == wanted.rpartition(", ")[0]:
        return "has another text than in this release"
    if kind in _HASHED:
        found, wanted = found.rpartition(", ")[0], wanted.rpartition(", ")[0]
    return f"is {found}, not {wanted}"


def _opens(kind: str, name: str) -> bool:
    """Whether an object that we have not made lets somebody into one of ours."""
    known = expected()["objects"]
    if kind == "grant":
        place = _parts(name)[1]
        return place in known["table"] or place.removeprefix("function ") in known["function"]
    return kind == "policy" and name.rpartition(" on ")[2] in known["table"]


def _opened(kind: str, name: str, value: str) -> Finding:
    said = f"The {kind} {name} is none of this release's: somebody may see or do more than the documentation says."
    if kind == "policy":
        return Finding("warn", "drift", said, f"`drop policy {name};` unless it is there for a reason.")
    return Finding("fail", "drift", said, f"Run `{_regranted(name, value, '')}` in the SQL editor.")


def _finding(kind: str, name: str, found: str | None) -> Finding:
    wanted = expected()["objects"][kind][name]
    sentence = f"The {kind} {name} {'is missing' if found is None else _is_not(kind, found, wanted)}."
    remedy = _RESTORE
    if kind == "publication":
        sentence = f"The publication supabase_realtime does not have {name}: Realtime does not tell of it."
        remedy = f"Run `alter publication supabase_realtime add table {name};` in the SQL editor."
    elif kind == "bucket":
        remedy = f"Make a private bucket {name} in Storage, or set it to private."
    elif kind == "grant":
        remedy = f"Run `{_regranted(name, found or '', wanted)}` in the SQL editor."
    return Finding("warn" if kind in _HARMLESS else "fail", "drift", sentence, remedy)


def _regranted(grant: str, found: str, wanted: str) -> str:
    """The statements that make of the privileges found those wanted. `grant` is like `to anon on columns of public.x`.

    Privilege by privilege: to take all of a table's away would take those of its columns with them.
    """
    role, place = _parts(grant)
    there, meant = (set(filter(None, value.split(", "))) for value in (found, wanted))
    taken = [f"revoke {', '.join(sorted(there - meant))} on {place} from {role};"] if there - meant else []
    given = [f"grant {', '.join(sorted(meant - there))} on {place} to {role};"] if meant - there else []
    return " ".join(taken + given)


def _parts(grant: str) -> tuple[str, str]:
    """The role, and what it is on."""
    role, _, place = grant.removeprefix("to ").partition(" on ")
    return role, place.removeprefix("columns of ")
