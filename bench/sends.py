"""What reached the provider, and the proof that it was right: each message once, in order, within the rates."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import dataclass

from bench.campaign import RATE
from bench.populate import Database
from bench.receivers import Receiver

MESSAGES = (
    "select id::text, conversation_id::text, status, wamid from messages where direction = 'outbound' order by seq"
)


@dataclass(frozen=True)
class Sends:
    """Arrivals at the provider in their order: moments, keys of numbers, callback data."""

    moments: list[float]
    keys: list[str]
    ids: list[str]

    @classmethod
    async def at(cls, provider: Receiver) -> Sends:
        rows = json.loads(await provider.get("/sent"))
        return cls([row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows])

    @property
    def seconds(self) -> float:
        return self.moments[-1] - self.moments[0]

    def middle_rate(self) -> float:
        """A second, from the tenth to the ninetieth hundredth: without the beginning and the end."""
        first, last = len(self.moments) // 10, len(self.moments) * 9 // 10
        return (last - first) / (self.moments[last] - self.moments[first])

    def busiest_second(self) -> int:
        """The most that one number sent within any second, wherever it begins."""
        most = 0
        of_key: dict[str, list[float]] = defaultdict(list)
        for moment, key in zip(self.moments, self.keys, strict=True):
            of_key[key].append(moment)
        for moments in of_key.values():
            first = 0
            for place, moment in enumerate(moments):
                while moment - moments[first] >= 1.0:
                    first += 1
                most = max(most, place - first + 1)
        return most


async def problems(database: Database, sends: Sends, expected: int, *, ordered: bool = True) -> list[str]:
    """What is not as it must be, in sentences."""
    rows = await (await database.execute(MESSAGES)).fetchall()
    found = []
    if len(rows) != expected:
        found.append(f"{len(rows)} messages instead of {expected}")
    statuses = Counter(status for _, _, status, _ in rows)
    if statuses != {"sent": expected}:
        found.append(f"messages are {dict(statuses)}")
    if len({wamid for _, _, _, wamid in rows if wamid}) != len(rows):
        found.append("wamids are missing or shared")
    times = Counter(sends.ids)
    if again := sum(1 for count in times.values() if count > 1):
        found.append(f"{again} messages reached the provider more than once")
    if lost := len({row[0] for row in rows} - times.keys()):
        found.append(f"{lost} messages never reached the provider")
    if foreign := len(times.keys() - {row[0] for row in rows}):
        found.append(f"{foreign} sends are of no message")
    thread_of = {message: thread for message, thread, _, _ in rows}
    if ordered and (wrong := _out_of_order(thread_of, sends.ids)):
        found.append(f"{wrong} conversations out of order")
    if ordered and (most := sends.busiest_second()) > RATE:
        found.append(f"a number sent {most} in one second, {RATE} allowed")
    return found


def _out_of_order(thread_of: dict[str, str], ids: list[str]) -> int:
    wanted, got = defaultdict(list), defaultdict(list)
    for message, thread in thread_of.items():
        wanted[thread].append(message)
    for message in ids:
        got[thread_of.get(message, "")].append(message)
    return sum(1 for thread, messages in wanted.items() if got[thread] != messages)
