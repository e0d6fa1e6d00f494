"""A bench's command line: chosen parts in their order, told as they end."""

from __future__ import annotations

import argparse
import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import psycopg

from bench import report
from bench.journal import NotDrained
from bench.load import LoadFailure
from bench.outcome import Outcome
from bench.populate import worn_in
from bench.project import Project
from bench.receivers import ReceiverFailure
from bench.stand import Stand, connected

Measure = Callable[[Stand], Awaitable[Outcome]]
Ratios = Callable[[Mapping[str, Outcome]], Outcome]


def main(
    program: str, description: str | None, parts: Mapping[str, Measure], ratios: Ratios, full: str = "", **about: object
) -> int:
    """0 when no promise was broken, whatever the figures: they depend on the machine and on who else uses it.

    `full` says what --full does; without it there is no such option.
    """
    chosen = _arguments(program, description, parts, full)
    about = report.machine() | about
    print("  ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    # Either signal unwinds: what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = {name: measure for name, measure in parts.items() if name in chosen.parts or not chosen.parts}
    try:
        outcomes = asyncio.run(_run(wanted, ratios, chosen))
    except KeyboardInterrupt:
        return 130
    if chosen.json:
        report.write(chosen.json, about, outcomes)
    broken = [name for name, outcome in outcomes.items() if outcome.problems]
    missed = [
        f"{name}: {target.name}" for name, outcome in outcomes.items() for target in outcome.targets if not target.met
    ]
    print(f"\n{'No promise broken' if not broken else 'BROKEN: ' + ', '.join(broken)}, {len(missed)} targets missed")
    return 1 if broken else 0


def _arguments(program: str, description: str | None, parts: Mapping[str, Measure], full: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--quick", action="store_true", help="shorter loads, smaller tables: to try, not to quote")
    if full:
        parser.add_argument("--full", action="store_true", help=full)
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures for programs, too")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of: {', '.join(parts)}; none: all")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - parts.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(parts)}")
    return chosen


async def _run(parts: Mapping[str, Measure], ratios: Ratios, chosen: argparse.Namespace) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    project = Project.from_environment()
    async with connected(project) as database:
        await worn_in(database)
        stand = Stand(project, database, chosen.quick, getattr(chosen, "full", False))
        for name, measure in parts.items():
            outcomes[name] = await _part(measure, stand)
            print(report.show(name, outcomes[name]), flush=True)
    together = ratios(outcomes)
    if together.targets or together.figures:
        outcomes["ratios"] = together
        print(report.show("ratios", together))
    return outcomes


async def _part(measure: Measure, stand: Stand) -> Outcome:
    """One that cannot be measured does not take the others with it."""
    try:
        return await measure(stand)
    except (LoadFailure, ReceiverFailure, NotDrained, OSError, EOFError, psycopg.Error) as failure:
        return Outcome(problems=[f"{type(failure).__name__}: {failure}"])
