"""PgQueuer with jobs that do a fake send: `python -m bench.queue_pgqueuer DATABASE_URL JOBS`.

Prints the moment at which the first job began, and works until nothing waits.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Any

import asyncpg
import uvloop
from pgqueuer import AsyncpgPoolDriver, PgQueuer
from pgqueuer.types import QueueExecutionMode

CONCURRENCY = 256
BATCH = 128  # as many as it takes: twice the batch may be at work
CONNECTIONS = 10
SECONDS = 0.05


async def main(url: str, jobs: int) -> None:
    pool: Any = await asyncpg.create_pool(url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    queuer: Any = PgQueuer(AsyncpgPoolDriver(pool))
    began = False

    async def send(_job: Any) -> None:
        nonlocal began
        if not began:
            began = True
            print(time.time(), flush=True)
        await asyncio.sleep(SECONDS)

    queuer.entrypoint("send")(send)
    queries = queuer.qm.queries
    await queries.install()
    for first in range(0, jobs, 1_000):
        count = min(jobs, first + 1_000) - first
        await queries.enqueue(["send"] * count, [b"1"] * count, [0] * count)
    await pool.execute("analyze pgqueuer")
    await queuer.qm.run(batch_size=BATCH, max_concurrent_tasks=CONCURRENCY, mode=QueueExecutionMode.drain)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2])))
