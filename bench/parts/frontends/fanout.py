"""What a message costs Postgres with so many browsers listening, by the publication and by broadcast.

Realtime is devstack's. What carries over is what Postgres is asked: for each change of a published table once per
identity that listens, for a broadcast nothing after the join. How often changes are fetched, and that all of one fetch
are asked about together, is the stand-in's; the real service asks about each by itself, which is dearer.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import LiteralString

from bench.crowd import Crowd, housed
from bench.listeners import Listeners, listening
from bench.outcome import Outcome
from bench.populate import Database
from bench.processes import spending
from bench.stand import Stand

WAYS = PUBLICATION, BROADCAST = "publication", "broadcast"
SUBSCRIBERS = (1, 10, 100)
# Fewer a second than fetches, so that hardly two share one.
RATE = 4
# Seconds: what a hundred joins leave to do, and how long is looked at nothing.
SETTLING, IDLE = 3, 10
THREAD: LiteralString = """
insert into public.conversations (workspace_id, connection_id, phone)
values (%s, %s, '972500000001') returning id::text"""
MESSAGE: LiteralString = """
insert into public.messages (workspace_id, connection_id, conversation_id, wamid, direction, status, type, content)
values (%s, %s, %s, %s, 'inbound', 'received', 'text', '{"body": "Is my order on its way?"}')"""


@dataclass(frozen=True)
class House:
    """A workspace with one thread that everybody listens to."""

    crowd: Crowd
    thread: str


async def measure(stand: Stand) -> Outcome:
    outcome = Outcome()
    count = 20 if stand.quick else 60
    name = f"listeners {secrets.token_hex(4)}"
    crowd = await housed(stand.database, name, 1, 1, max(SUBSCRIBERS))
    row = await (await stand.database.execute(THREAD, (crowd.workspace_id, crowd.connections[0]))).fetchone()
    assert row is not None
    house = House(crowd, row[0])
    costs: dict[tuple[str, int], float] = {}
    for way in WAYS:
        await stand.database.execute(
            "update workspaces set broadcasts = %s where id = %s", (way == BROADCAST, crowd.workspace_id)
        )
        for listeners in (0, *SUBSCRIBERS):
            cost, problem = await _measured(stand, house, way, listeners, count)
            costs[way, listeners] = cost
            outcome.figures[f"{way}, {listeners} listening: CPU ms a message"] = round(cost, 2)
            outcome.problems += [problem] if problem else []
    for listeners in SUBSCRIBERS:
        ratio = costs[PUBLICATION, listeners] / max(costs[BROADCAST, listeners], 0.01)
        outcome.figures[f"publication over broadcast, {listeners} listening"] = round(ratio, 1)
    return outcome


async def _measured(stand: Stand, house: House, way: str, count: int, messages: int) -> tuple[float, str]:
    """CPU ms of Postgres a message while they come, less what it takes while none do; and what was not heard."""
    users = house.crowd.agents[:count]
    async with listening(stand.project, house.crowd.workspace_id, users, by_broadcast=way == BROADCAST) as listeners:
        await asyncio.sleep(SETTLING)
        idle, quiet = await _spent(stand, asyncio.sleep(IDLE))
        busy, seconds = await _spent(stand, _write(stand.database, house, messages, listeners))
    cost = (busy - idle / quiet * seconds) / messages * 1000
    missed = any(heard != messages for heard in listeners.heard)
    return (
        cost,
        f"{way}, {count} listening: of {messages} messages {sorted(set(listeners.heard))} were heard" if missed else "",
    )


async def _spent(stand: Stand, doing: Awaitable[None]) -> tuple[float, float]:
    """CPU seconds of Postgres meanwhile, and how many seconds that took."""
    began = time.monotonic()
    async with spending(stand.spending_of()) as spent:
        await doing
    return spent.seconds["postgres"], time.monotonic() - began


async def _write(database: Database, house: House, messages: int, listeners: Listeners) -> None:
    """On a schedule, until the last was heard by everybody."""
    began = time.monotonic()
    crowd = house.crowd
    for number in range(messages):
        await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
        wamid = f"wamid.{secrets.token_hex(12)}"
        await database.execute(MESSAGE, (crowd.workspace_id, crowd.connections[0], house.thread, wamid))
    await listeners.all_have_heard(messages)
