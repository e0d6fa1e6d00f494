"""PgQueuer with jobs that do a fake send.

`python -m bench.queue_pgqueuer DATABASE_URL JOBS [PROVIDER_URL [CONVERSATIONS]]`: with conversations, each is a kind of
job of its own with one at work at a time, which is how it keeps an order. They have to be known before it starts.

Prints the moment at which the first job began, and works until nothing waits.
"""

from __future__ import annotations

import sys
from typing import Any

import asyncpg
import uvloop
from pgqueuer import AsyncpgPoolDriver, PgQueuer
from pgqueuer.types import QueueExecutionMode

from bench.queue_send import CONCURRENCY, sending

BATCH = 128  # as many as it takes: twice the batch may be at work
CONNECTIONS = 10


async def main(url: str, count: str, provider: str | None = None, people: str = "0") -> None:
    jobs, conversations = int(count), int(people)
    kinds = [f"send {place}" for place in range(conversations)] or ["send"]
    pool: Any = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    queuer: Any = PgQueuer(AsyncpgPoolDriver(pool))
    queries = queuer.qm.queries
    await queries.install()
    for first in range(0, jobs, 1_000):
        numbers = range(first, min(jobs, first + 1_000))
        kind_of = [kinds[number % len(kinds)] for number in numbers]
        await queries.enqueue(kind_of, [b"%d" % number for number in numbers], [0] * len(numbers))
    await pool.execute("analyze pgqueuer")
    async with sending(provider) as send:

        async def job(job: Any) -> None:
            await send(int(job.payload))

        for kind in kinds:
            queuer.entrypoint(kind, concurrency_limit=1 if conversations else 0)(job)
        await queuer.qm.run(batch_size=BATCH, max_concurrent_tasks=CONCURRENCY, mode=QueueExecutionMode.drain)


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
