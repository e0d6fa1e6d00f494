"""Procrastinate with jobs that do a fake send.

`python -m bench.queue_procrastinate DATABASE_URL JOBS [PROVIDER_URL [CONVERSATIONS]]`: with conversations, each gets as
many jobs and has one of them at work at a time, in the order in which they came (`lock`).

Prints the moment at which the first job began, and works until nothing waits.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import procrastinate
import uvloop

from bench.queue_send import CONCURRENCY, sending

CONNECTIONS = 10
POLL_SECONDS = 0.01


async def main(url: str, count: str, provider: str | None = None, people: str = "0") -> None:
    jobs, conversations = int(count), int(people)
    logging.disable(logging.WARNING)
    connector: Any = procrastinate.PsycopgConnector(conninfo=url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    app: Any = procrastinate.App(connector=connector)
    async with sending(provider) as send, app.open_async():
        task = app.task(name="send")(send)
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 1_000):
            numbers = range(first, min(jobs, first + 1_000))
            await app.job_manager.batch_defer_jobs_async(
                jobs=[
                    task.configure(lock=f"{number % conversations}" if conversations else None).make_new_job(
                        number=number
                    )
                    for number in numbers
                ]
            )
        await connector.execute_query_async("analyze procrastinate_jobs")
        # It looks anew when it is told of a job, not when a lock comes free, and with `wait=False` it would end there.
        await app.run_worker_async(
            concurrency=CONCURRENCY,
            wait=conversations > 0,
            fetch_job_polling_interval=POLL_SECONDS,
            delete_jobs="successful",
        )


if __name__ == "__main__":
    uvloop.run(main(*sys.argv[1:]))
