"""Procrastinate with jobs that do a fake send: `python -m bench.queue_procrastinate DATABASE_URL JOBS [PROVIDER_URL]`.

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


async def main(url: str, jobs: int, provider: str | None = None) -> None:
    logging.disable(logging.WARNING)
    connector: Any = procrastinate.PsycopgConnector(conninfo=url, min_size=CONNECTIONS, max_size=CONNECTIONS)
    app: Any = procrastinate.App(connector=connector)
    async with sending(provider) as send, app.open_async():
        task = app.task(name="send")(send)
        await app.schema_manager.apply_schema_async()
        for first in range(0, jobs, 1_000):
            await task.batch_defer_async(*({"number": number} for number in range(first, min(jobs, first + 1_000))))
        await connector.execute_query_async("analyze procrastinate_jobs")
        await app.run_worker_async(concurrency=CONCURRENCY, wait=False, delete_jobs="successful")


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:]))
