"""Inbound under load: `python -m devstack run -- python -m bench.inbound [--quick] [part …]`."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

from bench import report
from bench.journal import NotDrained
from bench.load import LoadFailure
from bench.outcome import Outcome
from bench.parts import big, flat_out, growth, lone, sustained
from bench.project import Project
from bench.receivers import ReceiverFailure
from bench.stand import Stand, connected

PARTS = {
    "empty": flat_out.empty,
    "ours": flat_out.ours,
    "naive": flat_out.naive,
    "sustained": sustained.measure,
    "lone": lone.measure,
    "big": big.measure,
    "growth": growth.measure,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.inbound", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter loads, smaller tables: to try, not to quote")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the figures for programs, too")
    parser.add_argument("parts", nargs="*", metavar="part", help=f"some of: {', '.join(PARTS)}; none: all")
    chosen = parser.parse_args()
    if unknown := set(chosen.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return chosen


async def run(quick: bool, parts: list[str]) -> dict[str, Outcome]:
    """The parts in their order, told as they end."""
    outcomes: dict[str, Outcome] = {}
    project = Project.from_environment()
    async with connected(project) as database:
        stand = Stand(project, database, quick)
        for name, measure in PARTS.items():
            if name in parts or not parts:
                outcomes[name] = await _part(measure, stand)
                print(report.show(name, outcomes[name]), flush=True)
    together = report.ratios(outcomes)
    if together.targets:
        outcomes["ratios"] = together
        print(report.show("ratios", together))
    return outcomes


async def _part(measure: Callable[[Stand], Awaitable[Outcome]], stand: Stand) -> Outcome:
    """One that cannot be measured does not take the others with it."""
    try:
        return await measure(stand)
    except (LoadFailure, ReceiverFailure, NotDrained, OSError, EOFError) as failure:
        return Outcome(problems=[f"{type(failure).__name__}: {failure}"])


def main() -> int:
    """0 when no promise was broken, whatever the figures: they depend on the machine and on who else uses it."""
    chosen = arguments()
    about = report.machine()
    print("  ".join(f"{name} {value}" for name, value in about.items()), flush=True)
    # Either signal unwinds: what was started is stopped.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        outcomes = asyncio.run(run(chosen.quick, chosen.parts))
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


if __name__ == "__main__":
    sys.exit(main())
