"""`wabase doctor`: everything that can be wrong with an installation, one line each, with what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

import click

from ops import doctor_project as of_project
from ops import shown
from ops.doctor_numbers import numbers
from ops.findings import BOUND, Finding, State, bounded, show
from ops.project import NO_SUPABASE, Project, as_json, run
from store.errors import TRANSPORT_ERRORS
from store.version import VERSION

# Realtime makes a subscription and rings within it: two waits, and the first after a quiet time is longer.
TWO_WAITS = 2
# Each number has its own bound; a thousand of them, a few at a time, take a while.
NUMBERS_SECONDS = 300.0

Look = Callable[[Project], Awaitable[list[Finding]]]


@click.command("doctor", help="Looks at everything that can be wrong with an installation and says what to do.")
@as_json
def doctor(as_json: bool) -> None:
    async def command(project: Project) -> int:
        findings, reached = await examine(project)
        worst = _worst(findings)
        if as_json:
            lines = [
                {"state": one.state, "name": one.name, "finding": one.finding, "remedy": one.remedy} for one in findings
            ]
            shown.as_json({"state": worst, "version": VERSION, "findings": lines})
        else:
            show(findings)
        if not reached:
            return NO_SUPABASE
        return 1 if worst == "fail" else 0

    run(command)


async def examine(project: Project, bound: float = BOUND) -> tuple[list[Finding], bool]:
    """All findings, and whether anybody answers at the project's address. `bound`: seconds that one look may take."""
    reached, services = await asyncio.gather(
        _reached(project, bound),
        _at_once(
            project,
            rest=(of_project.rest, bound),
            storage=(of_project.storage, bound),
            realtime=(of_project.realtime, TWO_WAITS * bound),
        ),
    )
    found = of_project.settings(project.settings)
    lost = [one for one in services if one.name == "rest" and one.state == "fail"]
    if lost:
        # What follows asks by the same way: it would say the same so many times again.
        return [*found, *(services if reached else lost)], reached
    others = await _at_once(
        project,
        schema=(of_project.schema, bound),
        vault=(of_project.vault, bound),
        journal=(of_project.journal, bound),
        numbers=(partial(numbers, bound=bound), NUMBERS_SECONDS),
    )
    return [*found, *services, *others], True


async def _at_once(project: Project, **checks: tuple[Look, float]) -> list[Finding]:
    parts = await asyncio.gather(
        *(bounded(name, partial(look, project), project.settings, seconds) for name, (look, seconds) in checks.items())
    )
    return [finding for part in parts for finding in part]


async def _reached(project: Project, bound: float) -> bool:
    try:
        await project.http.get("/rest/v1/", timeout=bound)
    except TRANSPORT_ERRORS:
        return False
    return True


def _worst(findings: list[Finding]) -> State:
    order: tuple[State, ...] = ("fail", "warn", "ok")
    return min((finding.state for finding in findings), key=order.index)
