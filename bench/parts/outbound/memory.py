"""A hundred thousand sends: does the worker's memory stay where it is?"""

from __future__ import annotations

from bench import campaign, sends
from bench.outcome import Outcome, Target
from bench.processes import memory_of, spending
from bench.receivers import PROVIDER, running
from bench.sends import Sends
from bench.stand import Stand
from bench.workers import all_sent, working

PEOPLE = 4_000
EACH = 25


async def measure(stand: Stand) -> Outcome:
    people = await campaign.new(stand.database, PEOPLE)
    count = await campaign.queue(stand.database, people, 2 if stand.quick else EACH)
    async with running(PROVIDER) as provider, working(provider) as at_work:
        await provider.until_first()
        parts = stand.spending_of(worker=at_work.pids, provider=[provider.pid])
        async with memory_of(at_work.pids[0], every=5) as memory, spending(parts) as spent:
            ended = await all_sent(stand.database, limit=1_200)
        warnings = at_work.warnings()
        arrived = await Sends.at(provider)
    seconds = ended - arrived.moments[0]
    tenths = [len(arrived.moments) * place // 10 for place in range(10)]
    rates = [
        round((last - first) / (arrived.moments[last] - arrived.moments[first]))
        for first, last in zip(tenths, [*tenths[1:], len(arrived.moments) - 1], strict=True)
    ]
    targets = []
    if not stand.quick:
        targets.append(Target("memory: last third over the second", _mean(memory, 2) / _mean(memory, 1), 1.1))
    return Outcome(
        {
            "messages": count,
            "messages/s": round(count / seconds),
            "messages/s by tenths": [float(rate) for rate in rates],
            "memory MB": memory,
            "most of one number in a second": arrived.busiest_second(),
            "CPU seconds": spent.seconds,
            "warnings of workers": warnings,
        },
        targets,
        await sends.problems(stand.database, arrived, count),
    )


def _mean(memory: list[float], third: int) -> float:
    size = len(memory) // 3
    return sum(memory[third * size : (third + 1) * size]) / size
