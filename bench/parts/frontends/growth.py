"""The same questions in ten thousand conversations, the least in which every page is full, and in all of them."""

from __future__ import annotations

from bench.asking import Took, in_turn, seats
from bench.crowd import Crowd, founded
from bench.outcome import Outcome, Target
from bench.parts.frontends import questions, tables
from bench.parts.frontends.compared import MEMBER, backends, ways
from bench.stand import Stand

MOST = 1.2


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    crowd = await founded(stand.database)
    size = tables.size(stand)
    took: dict[str, list[Took]] = {}
    for people in (tables.QUICK if size > tables.QUICK else size // 10, size):
        await tables.up_to(stand, crowd, people, outcome)
        for name, times in (await _asked(stand, crowd)).items():
            outcome.figures[f"{people:,}: {name}, ms"] = times.figure
            took.setdefault(name, []).append(times)
    for name, (small, large) in took.items():
        outcome.figures[f"{name}: large over small, CPU"] = round(large.cpu / small.cpu, 2)
        outcome.targets.append(Target(f"{name}: large over small", large.middle / small.middle, MOST))
    return outcome


async def _asked(stand: Stand, crowd: Crowd) -> dict[str, Took]:
    """By the member, each question by itself: their pages would push each other out of caches that are full anyway."""
    took = {}
    async with seats(stand.project, crowd) as sitting:
        asked = await questions.lists(sitting, crowd) | await questions.threads(sitting, crowd)
        asked |= questions.stats(crowd) | await questions.searches(sitting, crowd)
        for name, question in asked.items():
            member = {MEMBER: ways(sitting, question)[MEMBER]}
            session = {MEMBER: backends(sitting)[MEMBER]}
            took[name] = (await in_turn(member, 30 if stand.quick else 200, session))[MEMBER]
    return took
