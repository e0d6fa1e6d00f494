"""Fifty messages a second for a minute: from the insert to the provider, and the doorbell's own lag beside it.

The doorbell is timed by itself, before, with nobody at work: as many inserts a second, by messages that wait for
tomorrow.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, LiteralString

from realtime import AsyncRealtimeClient

from bench import campaign, sends
from bench.campaign import Campaign
from bench.load_client import spread
from bench.outcome import Outcome, Target
from bench.populate import Database
from bench.processes import spending
from bench.project import Project
from bench.receivers import PROVIDER, ReceiverFailure, running
from bench.sends import Sends
from bench.stand import Stand
from bench.workers import all_sent, working

RATE = 50
PEOPLE = 200
INSERT: LiteralString = (
    "insert into messages (workspace_id, conversation_id, type, content, send_after)"
    " values (%s, md5('line ' || %s)::uuid, 'text', jsonb_build_object('body', 'Your order is ready'), %s::timestamptz)"
    " returning id::text"
)


async def measure(stand: Stand) -> Outcome:
    count = RATE * (10 if stand.quick else 60)
    rung = await _doorbell_alone(stand, RATE * (10 if stand.quick else 30))
    people = await campaign.new(stand.database, PEOPLE)
    async with running(PROVIDER) as provider, working(provider) as at_work, stand.observer() as looking:
        await at_work.live()
        parts = stand.spending_of(worker=at_work.pids, provider=[provider.pid])
        async with spending(parts) as spent:
            inserted, took = await _insert(stand.database, people, count)
            await all_sent(looking)
        arrived = await Sends.at(provider)
    if problems := await sends.problems(stand.database, arrived, count):
        return Outcome(problems=problems)
    reached = dict(zip(arrived.ids, arrived.moments, strict=True))
    sent = spread([reached[message] - moment for message, moment in inserted.items()])
    return Outcome(
        {
            "messages": count,
            "insert ms": spread(took),
            "doorbell lag ms": rung,
            "insert to provider ms": sent,
            "CPU seconds": spent.seconds,
        },
        [
            Target("insert to provider p50 ms, beyond the doorbell's", sent["p50"] - rung["p50"], 30),
            Target("insert to provider p99 ms, beyond the doorbell's", sent["p99"] - rung["p99"], 150),
        ],
    )


async def _doorbell_alone(stand: Stand, count: int) -> dict[str, float]:
    """From the answer to an insert until a subscription like the worker's hears of it, nobody at work."""
    people = await campaign.new(stand.database, PEOPLE)
    async with doorbell(stand.project) as heard:
        inserted, _ = await _insert(stand.database, people, count, "tomorrow")
        await asyncio.sleep(2)  # the last ring
    if missed := len(inserted.keys() - heard.keys()):
        raise ReceiverFailure(f"{missed} of {count} inserts did not ring")
    return spread([heard[message] - moment for message, moment in inserted.items()])


async def _insert(
    database: Database, people: Campaign, count: int, send_after: str | None = None
) -> tuple[dict[str, float], list[float]]:
    """One at a time on a schedule; when each was answered, which is after its commit, and how long it took."""
    inserted: dict[str, float] = {}
    took = []
    began = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, began + number / RATE - time.monotonic()))
        asked = time.time()
        values = (people.workspace_id, number * 7 % PEOPLE, send_after)
        row = await (await database.execute(INSERT, values)).fetchone()
        assert row is not None
        inserted[row[0]] = time.time()
        took.append(inserted[row[0]] - asked)
    return inserted, took


@asynccontextmanager
async def doorbell(project: Project) -> AsyncIterator[dict[str, float]]:
    """A subscription like the worker's: when the insert of each message was heard."""
    heard: dict[str, float] = {}
    live = asyncio.Event()

    def rung(told: Any) -> None:
        heard[told["payload"]["message_id"]] = time.time()

    def on_system(_payload: Any) -> None:
        live.set()

    client = AsyncRealtimeClient(f"{project.url}/realtime/v1", project.service_role_key, auto_reconnect=False)
    try:
        await client.connect()
        broadcast = {"ack": False, "self": False, "replication_ready": True}
        config: Any = {"config": {"private": True, "broadcast": broadcast}}
        channel = client.channel("wabase:worker", config)
        channel.on_system(on_system)
        channel.on_broadcast("outbox", rung)
        await channel.subscribe()
        try:
            await asyncio.wait_for(live.wait(), 30)
        except TimeoutError as error:
            raise ReceiverFailure("the bench does not hear the doorbell") from error
        yield heard
    finally:
        await client.close()
