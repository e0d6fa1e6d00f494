"""The load without wrk: an HTTP/1.1 client over keep-alive connections, run by load.py in a process of its own."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop

from bench.load import PERCENTILES, TIMEOUT, Answers, Load
from bench.webhooks import Webhooks


class Connection:
    """One keep-alive connection; opened when needed, and anew after it broke."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, request: bytes) -> int:
        """The status of the answer. Raises OSError, EOFError or TimeoutError when there is none."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._post(request)
        except (OSError, EOFError, TimeoutError):
            self.close()
            raise

    async def _post(self, request: bytes) -> int:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        _, named, rest = head.partition(b"content-length:")
        if named:
            await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
        if b"connection: close" in head:
            self.close()
        return int(head[9:12])

    def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


@dataclass
class Run:
    """What all connections share: the next number, the schedule, the notes."""

    load: Load
    began: float = 0.0
    sent: int = 0
    last: float = 0.0
    latencies: list[float] = field(default_factory=list)
    lateness: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)

    async def connection(self) -> None:
        """Sends one request after the other until the load is over."""
        connection = Connection(self.load.port)
        while (due := self._next()) is not None:
            number = self.sent
            self.sent += 1
            if self.load.rate and (pause := due - time.monotonic()) > 0:
                await asyncio.sleep(pause)
            request = request_of(self.load, number)
            started = time.monotonic()
            # Measured from when it was due: a request that had to wait for its turn has waited.
            await self._send(connection, request, due if self.load.rate else started)
            if self.load.rate:
                self.lateness.append(started - due)
        connection.close()

    def _next(self) -> float | None:
        """When the next request is due; None when there is no next one."""
        load = self.load
        over = self.sent >= load.quota if load.quota else time.monotonic() >= self.began + load.seconds
        return None if over else self.began + (self.sent / load.rate if load.rate else 0)

    async def _send(self, connection: Connection, request: bytes, since: float) -> None:
        try:
            self.statuses[await connection.post(request)] += 1
        except TimeoutError:
            self.broken["timeout"] += 1
        except (OSError, EOFError):
            self.broken["read"] += 1
        self.last = time.monotonic()
        self.latencies.append(self.last - since)


def request_of(load: Load, number: int) -> bytes:
    """Webhook `number` as it goes over the line."""
    body = load.webhooks.body(number)
    return load.head(len(body)).encode() + body


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    ordered = sorted(seconds)
    if not ordered:
        return {}
    places = {f"p{share}": max(0, math.ceil(len(ordered) * share / 100) - 1) for share in PERCENTILES}
    return {**{name: ordered[place] * 1000 for name, place in places.items()}, "max": ordered[-1] * 1000}


async def run(load: Load) -> Answers:
    """The whole load. Unlike wrk it waits for the answers to what it has begun."""
    state = Run(load, began=time.monotonic() + (0.02 if load.rate else 0))
    async with asyncio.TaskGroup() as connections:
        for _ in range(load.connections):
            connections.create_task(state.connection())
    ok = sum(count for status, count in state.statuses.items() if status < 400)
    answered = state.statuses.total()
    return Answers(
        answered=answered,
        ok=ok,
        seconds=state.last - state.began,
        sent=state.sent,
        refused=answered - ok,
        broken=dict(state.broken),
        latency=spread(state.latencies),
        lateness=spread(state.lateness),
        since_due=load.rate > 0,
        statuses={str(status): count for status, count in state.statuses.items()},
    )


def _read() -> Load:
    told: dict[str, Any] = json.load(sys.stdin)
    return Load(**{**told, "webhooks": Webhooks(**told["webhooks"])})


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(json.dumps(asdict(runner.run(run(_read())))))
