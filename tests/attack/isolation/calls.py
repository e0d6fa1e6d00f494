"""Attacks by function call: a foreign id and an unknown one get the same answer, and nothing changes or is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.attack.isolation.catalog import ROUTINES, exposed
from tests.attack.isolation.surface import FUNCTIONS, Function
from tests.attack.isolation.worlds import Actor, Answer, Attack, filled

REFUSED = ("42501", "WA004", "WA034")


async def findings(attack: Attack, functions: Mapping[str, Function] = FUNCTIONS) -> list[str]:
    """Every attack by these functions, and whether home is what it was."""
    before = await attack.state(attack.home)
    found = []
    for routine in await attack.rows(ROUTINES, exposed()):
        line = functions.get(routine["name"])
        if line is None:
            continue
        found += await _from_outside(attack, routine, line)
        if line.by is not None:
            found += await _from_inside(attack, routine, line)
            found += await _across(attack, routine, line)
        after = await attack.state(attack.home)
        found += [f"{routine['name']}: changes {name} of home" for name in after if before[name] != after[name]]
        before = after
    return found


async def _from_outside(attack: Attack, routine: Mapping[str, Any], line: Function) -> list[str]:
    """Over HTTP, by whoever may not: with ids of home and with ids of nothing."""
    found = []
    name = routine["name"]
    for actor in attack.actors.values():
        if actor.may(line.by) and actor.rank > 0:
            continue
        known, unknown = [
            await _call(attack, actor, name, _arguments(routine, line, world))
            for world in (attack.home, attack.nowhere)
        ]
        if (actor.rank < 0 or line.by is None) and known.status not in (401, 403, 404):
            found.append(f"{name}: {actor.name} gets {known.kind}")
        if actor.rank > 0 and line.by is not None and known.code not in REFUSED:
            found.append(f"{name}: {actor.name}, who may not, gets {known.kind}")
        if actor.rank < 1 and (
            known.kind != unknown.kind or _plain(known.text, attack.home) != _plain(unknown.text, attack.nowhere)
        ):
            found.append(f"{name}: {actor.name} learns that home exists ({known.kind}, {unknown.kind})")
        foreign = attack.home if actor.rank < 1 else attack.away
        if shown := attack.knows(known.text, foreign, but=json.dumps(_arguments(routine, line, attack.home))):
            found.append(f"{name}: {actor.name} is told {shown}")
    return found


async def _from_inside(attack: Attack, routine: Mapping[str, Any], line: Function) -> list[str]:
    """Whoever may is let in."""
    found = []
    for actor in attack.actors.values():
        if actor.may(line.by):
            code, told = await _said(attack, actor, routine, _arguments(routine, line, attack.home))
            if code != "ok" and code not in line.accepts and actor.rank > 0:
                found.append(f"{routine['name']}: {actor.name} cannot call it ({code} {told})")
    return found


async def _across(attack: Attack, routine: Mapping[str, Any], line: Function) -> list[str]:
    """From one's own workspace with one argument of home's: as with one that nothing has."""
    found = []
    actor = attack.actors["foreign"]
    own = _arguments(routine, line, attack.away)
    for key, template in line.arguments.items():
        if key in line.tells or filled(template, attack.home) == filled(template, attack.away):
            continue
        known = await _said(attack, actor, routine, own | {key: filled(template, attack.home)})
        unknown = await _said(attack, actor, routine, own | {key: filled(template, attack.nowhere)})
        if known[0] != unknown[0] or _plain(known[1], attack.home) != _plain(unknown[1], attack.nowhere):
            found.append(f"{routine['name']}: foreign learns of home by {key} ({known[0]}, {unknown[0]})")
        if shown := attack.knows(known[1], attack.home, but=json.dumps(filled(template, attack.home))):
            found.append(f"{routine['name']}: foreign is told {shown} by {key}")
    return found


def _arguments(routine: Mapping[str, Any], line: Function, world: Mapping[str, str]) -> dict[str, Any]:
    """What the line says; of a function of the backend every argument, so that the call is found and then refused."""
    if line.by is None:
        return dict.fromkeys(name for name in routine["arguments"] if name)
    given: dict[str, Any] = filled(line.arguments, world)
    return given


async def _call(attack: Attack, actor: Actor, name: str, arguments: dict[str, Any]) -> Answer:
    return await attack.ask(actor, "POST", f"/rest/v1/rpc/{name}", arguments)


async def _said(attack: Attack, actor: Actor, routine: Mapping[str, Any], arguments: dict[str, Any]) -> tuple[str, str]:
    types = dict(zip(routine["arguments"], routine["types"], strict=False))
    places = ", ".join(
        f"{key} => jsonb_populate_record(null::public.{types[key]}, %({key})s)"
        if isinstance(value, dict) and types[key] != "jsonb"
        else f"{key} => %({key})s::{types[key]}"
        for key, value in arguments.items()
    )
    return await attack.say(actor, f"select told::text from public.{routine['name']}({places}) as told", arguments)


def _plain(text: str, world: Mapping[str, str]) -> str:
    """Without the names that were in the question, and without what is new in every answer: ids, tokens, times."""
    for name, value in world.items():
        text = text.replace(value, name)
    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{64}|[0-9]+", "#", text)
