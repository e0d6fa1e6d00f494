"""Questions of an inbox, asked in several ways in turn: whatever the machine does meanwhile, it does to all of them."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, LiteralString

import httpx
import jwt

from bench.crowd import Crowd
from bench.populate import Database
from bench.processes import running_time
from bench.project import Project
from bench.stand import connected

WARM_UP = 5

Rows = list[tuple[Any, ...]]
Ask = Callable[[], Awaitable[Any]]


@dataclass(frozen=True)
class Query:
    """SQL with its parameters."""

    sql: LiteralString
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Seats:
    """Who asks: a member under row level security, in SQL and through PostgREST; the service key; the tables' owner."""

    member: Database
    service: Database
    owner: Database
    http: httpx.AsyncClient

    async def of(self, seat: Database, query: Query) -> Rows:
        """All rows. Prepared at once, as PostgREST does with what comes again."""
        return await (await seat.execute(query.sql, query.values, prepare=True)).fetchall()

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        answer = await self.http.post(path, json=body)
        answer.raise_for_status()
        return answer.json()


@asynccontextmanager
async def seats(project: Project, crowd: Crowd) -> AsyncIterator[Seats]:
    """Sessions as PostgREST sets them up, and the way through it."""
    claims = {"sub": crowd.me, "role": "authenticated", "aud": "authenticated"}
    token = jwt.encode(claims, project.jwt_secret)
    headers = {"apikey": project.anon_key, "Authorization": f"Bearer {token}"}
    async with (
        connected(project) as member,
        connected(project) as service,
        connected(project) as owner,
        httpx.AsyncClient(base_url=f"{project.url}/rest/v1", headers=headers, timeout=120) as http,
    ):
        await _as(member, claims)
        await _as(service, {"role": "service_role"})
        yield Seats(member, service, owner, http)


async def _as(session: Database, claims: Mapping[str, str]) -> None:
    await session.execute(
        "select set_config('request.jwt.claims', %s, false), set_config('role', %s, false)",
        (json.dumps(claims), claims["role"]),
    )


@dataclass
class Took:
    """Milliseconds of one way's calls: of each by the clock, and of CPU in its Postgres session on the average."""

    clock: list[float] = field(default_factory=list)
    cpu: float = 0.0

    @property
    def middle(self) -> float:
        return statistics.median(self.clock)

    @property
    def figure(self) -> dict[str, float]:
        """Median, 95th percentile, CPU."""
        spread = {"p50": self.middle, "p95": statistics.quantiles(self.clock, n=20)[-1]}
        return {name: round(value, 3) for name, value in (spread | ({"CPU": self.cpu} if self.cpu else {})).items()}


async def in_turn(ways: Mapping[str, Ask], calls: int, backends: Mapping[str, int]) -> dict[str, Took]:
    """Each way so many times; `backends` are the processes of those with a session of their own.

    Who begins a round changes, for the second finds warmer pages.
    """
    took = {name: Took() for name in ways}
    names = list(ways)
    before: dict[str, float] = {}
    for number in range(-WARM_UP, calls):
        if number == 0:
            before = {name: running_time(pid) for name, pid in backends.items()}
        for place in range(len(names)):
            name = names[(number + place) % len(names)]
            began = time.perf_counter()
            await ways[name]()
            if number >= 0:
                took[name].clock.append((time.perf_counter() - began) * 1000)
    for name, pid in backends.items():
        took[name].cpu = (running_time(pid) - before[name]) / calls * 1000
    return took
