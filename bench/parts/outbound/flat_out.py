"""As fast as it goes: what 200 conversations may get at once, 45 each, by one worker and by two."""

from __future__ import annotations

import time

from bench import campaign, sends
from bench.outcome import Figure, Outcome, Target
from bench.processes import Spent, spending
from bench.receivers import PROVIDER, running
from bench.sends import Sends
from bench.stand import Stand
from bench.statements import counted
from bench.workers import all_sent, working

PEOPLE = 200
EACH = 45  # the burst that the pair rate lets through
# So few on the wire that one worker leaves most of the cores free: what a second one adds where there is room.
FEW_SENDS = 20
FUNCTIONS = ("claim_outbound", "record_outbound", "next_outbound", "sweep_outbound")


async def ours(stand: Stand) -> Outcome:
    outcome = await _measured(stand, 1)
    rate = outcome.figures["messages/s"]
    assert isinstance(rate, int)
    outcome.targets.append(Target("messages/s from one worker", rate, 1_000, at_least=True))
    return outcome


async def two(stand: Stand) -> Outcome:
    return await _measured(stand, 2)


async def few(stand: Stand) -> Outcome:
    """One worker and then two, with few sends each."""
    outcome, rates = Outcome(), []
    for workers, each in ((1, 15), (2, 30)):
        one = await _measured(stand, workers, each=each // 3 if stand.quick else each, slots=FEW_SENDS)
        rate = one.figures["messages/s, middle 80 %"]
        assert isinstance(rate, int)
        rates.append(rate)
        outcome.figures |= {f"{workers} of {FEW_SENDS} sends: {name}": figure for name, figure in one.figures.items()}
        outcome.problems += one.problems
    outcome.targets.append(Target("two workers over one where cores are free", rates[1] / rates[0], 1.6, at_least=True))
    return outcome


async def _measured(stand: Stand, workers: int, each: int = EACH, slots: int | None = None) -> Outcome:
    people = await campaign.new(stand.database, PEOPLE)
    began = time.monotonic()
    count = await campaign.queue(stand.database, people, 15 if stand.quick and slots is None else each)
    queueing = time.monotonic() - began
    async with (
        running(PROVIDER) as provider,
        counted(stand.database, FUNCTIONS) as inside,
        working(provider, workers, slots) as at_work,
    ):
        parts = stand.spending_of(worker=at_work.pids, provider=[provider.pid])
        # From their very beginning: a worker that imports is work, too, but no message's.
        await provider.until_first()
        async with spending(parts) as spent:
            ended = await all_sent(stand.database)
        warnings = at_work.warnings()
        arrived = await Sends.at(provider)
    seconds = ended - arrived.moments[0]
    figures: dict[str, Figure] = {
        "messages": count,
        "queued/s, in sets of 5,000": round(count / queueing),
        "messages/s": round(count / seconds),
        "messages/s, middle 80 %": round(arrived.middle_rate()),
        "most of one number in a second": arrived.busiest_second(),
        "CPU seconds": spent.seconds,
        "CPU us per message": per_message(spent, count),
        "cores busy": round(spent.seconds["machine"] / seconds, 2),
        "warnings of workers": warnings,
    }
    for name, (calls, milliseconds) in inside.items():
        figures[f"{name}: calls, SQL us per message"] = [float(calls), milliseconds / count * 1000]
    return Outcome(figures, problems=await sends.problems(stand.database, arrived, count))


def per_message(spent: Spent, count: int) -> dict[str, int]:
    return {name: round(seconds / count * 1e6) for name, seconds in spent.seconds.items()}
