"""The same sends without a queue, as many at once: `python -m bench.queue_none JOBS PROVIDER_URL`.

Prints the moments at which the first began and the last had its answer: no queue whose jobs send like that does more.
"""

from __future__ import annotations

import asyncio
import sys
import time

import uvloop

from bench.queue_send import CONCURRENCY, sending


async def main(jobs: int, provider: str) -> None:
    numbers = iter(range(jobs))
    async with sending(provider) as send:

        async def work() -> None:
            for number in numbers:
                await send(number)

        await asyncio.gather(*(work() for _ in range(CONCURRENCY)))
    print(time.time(), flush=True)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
