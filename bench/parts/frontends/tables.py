"""The crowd that the parts look at, filled once and left to the next: none of them changes what another reads."""

from __future__ import annotations

import time

from bench.crowd import Crowd, founded, grown, standing
from bench.outcome import Outcome
from bench.stand import Stand

FULL, TENTH, QUICK = 1_000_000, 100_000, 10_000


def size(stand: Stand) -> int:
    """Conversations of the large workspace."""
    return FULL if stand.full else QUICK if stand.quick else TENTH


async def full(stand: Stand, outcome: Outcome) -> Crowd:
    """The whole of it; what was wrong with the filling goes to the outcome."""
    crowd = await standing(stand.database)
    if crowd.people != size(stand):
        crowd = await founded(stand.database)
        await up_to(stand, crowd, size(stand), outcome)
    return crowd


async def up_to(stand: Stand, crowd: Crowd, people: int, outcome: Outcome) -> None:
    """So many conversations, and how long that took."""
    began = time.monotonic()
    await grown(stand.database, crowd, people)
    outcome.figures[f"filled to {people:,} conversations in s"] = round(time.monotonic() - began)
    outcome.problems += crowd.problems
    crowd.problems.clear()
