"""The inbox's questions under row level security beside plain SQL without it: pages, threads, counts, searches."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from bench.asking import Ask, Seats, in_turn, seats
from bench.outcome import Outcome, Target
from bench.parts.frontends import questions, tables
from bench.parts.frontends.questions import Question
from bench.stand import Stand

MOST = 1.3
MEMBER, SERVICE, PLAIN, HTTP = "member", "service key", "plain SQL", "member by HTTP"


async def lists(stand: Stand) -> Outcome:
    outcome = Outcome()
    crowd = await tables.full(stand, outcome)
    async with seats(stand.project, crowd) as sitting:
        await compare(stand, sitting, await questions.lists(sitting, crowd), outcome)
    return outcome


async def threads(stand: Stand) -> Outcome:
    outcome = Outcome()
    crowd = await tables.full(stand, outcome)
    async with seats(stand.project, crowd) as sitting:
        await compare(stand, sitting, await questions.threads(sitting, crowd), outcome)
    return outcome


async def stats(stand: Stand) -> Outcome:
    outcome = Outcome()
    crowd = await tables.full(stand, outcome)
    async with seats(stand.project, crowd) as sitting:
        await compare(stand, sitting, questions.stats(crowd), outcome)
    return outcome


async def searches(stand: Stand) -> Outcome:
    outcome = Outcome()
    crowd = await tables.full(stand, outcome)
    async with seats(stand.project, crowd) as sitting:
        await compare(stand, sitting, await questions.searches(sitting, crowd), outcome)
    return outcome


def ways(sitting: Seats, question: Question) -> dict[str, Ask]:
    return {
        MEMBER: partial(sitting.of, sitting.member, question.ours),
        SERVICE: partial(sitting.of, sitting.service, question.ours),
        PLAIN: partial(sitting.of, sitting.owner, question.plain),
        HTTP: partial(sitting.post, question.path, question.body),
    }


async def compare(stand: Stand, sitting: Seats, asked: Mapping[str, Question], outcome: Outcome) -> None:
    for name, question in asked.items():
        if problem := await _differ(sitting, question):
            outcome.problems.append(f"{name}: {problem}")
        took = await in_turn(ways(sitting, question), 30 if stand.quick else 200, backends(sitting))
        outcome.figures |= {f"{name}: {way}, ms": times.figure for way, times in took.items()}
        member, service, plainly = (took[way] for way in (MEMBER, SERVICE, PLAIN))
        outcome.figures[f"{name}: member over service key, CPU"] = round(member.cpu / service.cpu, 2)
        outcome.figures[f"{name}: member over plain SQL, CPU"] = round(member.cpu / plainly.cpu, 2)
        # The same call, whom row level security does not restrict; and the question as somebody would write it who asks
        # nobody whether he may.
        outcome.targets.append(Target(f"{name}: member over service key", member.middle / service.middle, MOST))
        outcome.targets.append(Target(f"{name}: member over plain SQL", member.middle / plainly.middle, MOST))


def backends(sitting: Seats) -> dict[str, int]:
    return {
        way: seat.info.backend_pid
        for way, seat in {MEMBER: sitting.member, SERVICE: sitting.service, PLAIN: sitting.owner}.items()
    }


async def _differ(sitting: Seats, question: Question) -> str:
    """Whoever answers something else may well be quicker."""
    ours = await sitting.of(sitting.member, question.ours)
    plainly = await sitting.of(sitting.owner, question.plain)
    by_http = await sitting.post(question.path, question.body)
    if [row[0] for row in ours] != [row[0] for row in plainly]:
        return f"the member is answered {len(ours)} rows, plain SQL {len(plainly)}, or others"
    return "" if len(by_http) == len(ours) else f"{len(by_http)} rows by HTTP instead of {len(ours)}"
