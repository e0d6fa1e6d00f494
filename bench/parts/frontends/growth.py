"""The same questions in ten thousand conversations, the least in which every page is full, and in all of them."""

from __future__ import annotations

from bench.asking import Seats, in_turn, seats
from bench.crowd import Crowd, founded
from bench.outcome import Outcome, Target
from bench.parts.frontends import questions, tables
from bench.parts.frontends.compared import MEMBER, backends, ways
from bench.parts.frontends.questions import Question
from bench.second import beside
from bench.stand import Stand

MOST = 1.2


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    size = tables.size(stand)
    few = tables.QUICK if size > tables.QUICK else size // 10
    async with beside(stand) as second:
        small, large = await founded(second.database), await founded(stand.database)
        await tables.up_to(second, small, few, outcome)
        await tables.up_to(stand, large, size, outcome)
        async with seats(second.project, small) as in_small, seats(stand.project, large) as in_large:
            # Two projects on one machine: each question by itself in both, in turn.
            to_large = await _asked(in_large, large)
            for name, question in (await _asked(in_small, small)).items():
                asked = {few: (in_small, question), size: (in_large, to_large[name])}
                took = await in_turn(
                    {f"{people:,}": ways(*how)[MEMBER] for people, how in asked.items()},
                    30 if stand.quick else 200,
                    {f"{people:,}": backends(sitting)[MEMBER] for people, (sitting, _) in asked.items()},
                )
                outcome.figures |= {f"{people}: {name}, ms": times.figure for people, times in took.items()}
                before, after = took.values()
                outcome.figures[f"{name}: large over small, CPU"] = round(after.cpu / before.cpu, 2)
                outcome.targets.append(Target(f"{name}: large over small", after.middle / before.middle, MOST))
    return outcome


async def _asked(sitting: Seats, crowd: Crowd) -> dict[str, Question]:
    asked = await questions.lists(sitting, crowd) | await questions.threads(sitting, crowd)
    return asked | questions.stats(crowd) | await questions.searches(sitting, crowd)
