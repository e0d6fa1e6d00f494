"""Workers, Postgres and the provider's line die while four numbers send: each message ends, once, in order, in time."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections import Counter

import aiohttp
import httpx
import pytest

from tests.attack import verdict
from tests.attack.barrage import Barrage, Line
from tests.attack.postgres import Postgres
from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until

MESSAGES = int(os.environ.get("CHAOS_SENDS", "600"))
KILLS = int(os.environ.get("CHAOS_SEND_KILLS", "12"))
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))
RATES = (80, 40, 20, 20)


@pytest.mark.parametrize("place", range(ROUNDS))
async def test_each_message_ends_once_in_order_and_within_the_rates_whoever_is_killed(
    database: Connect, programs: Programs, project: Project, http: httpx.AsyncClient, place: int
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**6)) + place
    print(f"KILL_SEED={seed}")
    dice = random.Random(seed)
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        lines = await lines_of(database, Simulator(project.provider_url, session), programs, dice)
        barrage = Barrage(programs, Postgres(lines[0].shop.tenant, project, http), lines, dice)
        await barrage.start()
        began = time.monotonic()
        over = asyncio.Event()
        ageing = asyncio.create_task(barrage.age(over))
        await asyncio.gather(
            barrage.until_killed(KILLS - KILLS // 4, KILLS // 4),
            *(line.queue(random.Random(seed + number)) for number, line in enumerate(lines)),
        )
        lasted = time.monotonic() - began
        await until(lambda: unsettled(lines), lambda left: not left, within=300)
        over.set()
        await ageing
        print(
            f"{MESSAGES} messages; kills: {dict(barrage.kills)} in {lasted:.0f} s of {time.monotonic() - began:.0f} s"
        )
        await judge(lines)
    assert "Traceback" not in barrage.said


async def lines_of(database: Connect, simulator: Simulator, programs: Programs, dice: random.Random) -> list[Line]:
    webhook = await programs.webhook()
    lines = []
    for rate in RATES:
        shop = await Shop.new(database, simulator, webhook)
        await shop.business.behave(retry_cap_ms=500)
        lines.append(await Line.new(shop, rate, MESSAGES // len(RATES), dice))
        await lines[-1].misbehave(dice)
    return lines


async def unsettled(lines: list[Line]) -> Counter[str]:
    return Counter([status for line in lines for status in await verdict.unsettled(line)])


async def judge(lines: list[Line]) -> None:
    faults = sum([await verdict.faults_of(line) for line in lines], Counter[str]())
    failed = [await verdict.each_was_accepted_once_and_says_so(line) for line in lines]
    print(f"faults: {dict(faults)}; never reached WhatsApp: {sum(failed)}")
    for line in lines:
        await verdict.each_conversation_was_told_in_the_order_of_writing(line)
        await verdict.no_rate_was_exceeded(line)
