"""4,000 webhooks a second for a minute: Meta's top tier. Acknowledged in time, rows close behind, memory flat."""

from __future__ import annotations

import time

from bench import check
from bench.journal import Lag, drained, lag_of
from bench.load import Answers, send
from bench.outcome import Figure, Outcome, Target
from bench.processes import memory_of, spending
from bench.receivers import OURS, running
from bench.stand import PEOPLE, Stand

RATE = 4_000


async def measure(stand: Stand) -> Outcome:
    seconds = 10 if stand.quick else 60
    quota = RATE * seconds
    # As many as there are cycles: each message gets each of its three reports once.
    each = max(1, quota // 4 // PEOPLE)
    tenant = await stand.shop(each)
    webhooks = stand.webhooks(tenant, sent_count=each * PEOPLE)
    async with running(OURS) as receiver, stand.observer() as observer:
        load = stand.load(receiver, webhooks, rate=RATE, quota=quota, seconds=seconds * 2)
        async with memory_of(receiver.pid, every=5) as memory, lag_of(observer) as lag:
            async with spending(stand.parts(receiver)) as spent:
                answers = await send(load)
            ended = time.monotonic()
            behind = await drained(stand.database) - ended
    problems = await check.every_row(stand.database, tenant, webhooks, answers, known_before=PEOPLE)
    figures = {
        **_acknowledged(answers, quota),
        **_rows(lag, behind),
        "memory MB": memory,
        "CPU seconds": spent.seconds,
        "CPU seconds per second": round(spent.seconds["machine"] / answers.seconds, 2),
    }
    targets = _targets(answers, lag, behind)
    if not stand.quick:  # a short run is all beginning
        targets.append(Target("memory: last third over the second", _mean(memory, 2) / _mean(memory, 1), 1.1))
    return Outcome(figures, targets, problems)


def _mean(memory: list[float], third: int) -> float:
    size = len(memory) // 3
    return sum(memory[third * size : (third + 1) * size]) / size


def _acknowledged(answers: Answers, quota: int) -> dict[str, Figure]:
    return {
        "asked/s": RATE,
        "sent": answers.sent,
        "never sent for lack of time": quota - answers.sent,
        "acknowledged/s": round(answers.rate),
        "ack p50 ms": answers.latency["p50"],
        "ack p99 ms": answers.latency["p99"],
        "ack max ms": answers.latency["max"],
        "sent late p99 ms": answers.lateness["p99"],
        "sent late max ms": answers.lateness["max"],
        "statuses": answers.statuses,
        "unanswered at the end": answers.sent - answers.answered,
        "share without 200": round(_failed(answers) / answers.sent, 6),
    }


def _rows(lag: Lag, behind: float) -> dict[str, Figure]:
    return {
        "rows behind p50 s": round(lag.percentile(50), 3),
        "rows behind p99 s": round(lag.percentile(99), 3),
        "rows behind max s": round(max(lag.seconds), 3),
        "rows complete after s": round(behind, 2),
        "looking took max ms": round(max(lag.cost) * 1000, 1),
    }


def _targets(answers: Answers, lag: Lag, behind: float) -> list[Target]:
    return [
        Target("acknowledged/s of 4,000 asked", answers.rate, RATE * 0.99, at_least=True),
        Target("ack p99 ms, from when it was due", answers.felt_p99, 250),
        Target("share without 200", _failed(answers) / answers.sent, 0),
        Target("rows behind, max s", max(*lag.seconds, behind), 2),
    ]


def _failed(answers: Answers) -> int:
    """Refused or broken off. What a load that took too long has cut off itself is neither."""
    return answers.refused + sum(answers.broken.values())
