"""Receivers and Postgres are killed under load: what got a 200 is in the journal and, in the end, in the rows, once."""

from __future__ import annotations

import asyncio
import os
import random
import time

import httpx
import pytest

from tests.attack import judgement
from tests.attack.deliver import Delivery
from tests.attack.postgres import Postgres
from tests.attack.siege import Siege
from tests.attack.traffic import Traffic
from tests.conftest import Project
from tests.flows.programs import Programs
from tests.flows.tenant import Tenant, phones
from tests.flows.waiting import until

KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "1"))
PER_SECOND = int(os.environ.get("CHAOS_PER_SECOND", "200"))
CUSTOMERS = 30


@pytest.mark.parametrize("place", range(ROUNDS))
async def test_what_got_a_200_is_there_once_whoever_is_killed(
    tenant: Tenant, programs: Programs, project: Project, http: httpx.AsyncClient, place: int
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**6)) + place
    print(f"KILL_SEED={seed}")
    siege = Siege(programs, tenant, Postgres(tenant, project, http), random.Random(seed))
    traffic = Traffic(tenant, random.Random(seed), await messages_of_ours(tenant))
    delivery = Delivery(tenant, siege.urls, random.Random(seed), PER_SECOND)
    over = asyncio.Event()
    await siege.start()
    began = time.monotonic()
    delivering = asyncio.create_task(delivery.run(traffic.bodies(), over))
    await siege.until_killed(KILLS - KILLS // 4, KILLS // 4, delivery.acknowledged)
    over.set()
    await delivering
    lasted = time.monotonic() - began
    await until(lambda: unfinished(siege), lambda events: events == 0, within=60)
    behind = time.monotonic() - began - lasted
    print(f"{delivery.acknowledged.total()} acknowledged in {lasted:.0f} s, all in the rows {behind:.0f} s later")
    print(f"kills: {dict(siege.kills)}; setbacks: {dict(delivery.setbacks)}; {await judgement.swept(tenant)}")
    await judge(tenant, traffic, delivery)
    assert "Traceback" not in siege.said


async def judge(tenant: Tenant, traffic: Traffic, delivery: Delivery) -> None:
    assert not delivery.acknowledged - await judgement.journal_of(tenant), "acknowledged, and not in the journal"
    await judgement.every_body_is_processed(tenant)
    await judgement.everything_is_in_the_rows_once(tenant, traffic)
    await judgement.each_customer_has_one_thread_and_one_contact(tenant, traffic)
    await judgement.our_messages_are_where_their_reports_put_them(tenant, traffic)
    await judgement.statistics_equal_the_messages(tenant)


async def unfinished(siege: Siege) -> int:
    await siege.let_time_pass()
    return await judgement.unfinished(siege.tenant)


async def messages_of_ours(tenant: Tenant) -> list[tuple[str, str]]:
    """One sent message to each customer, for statuses to speak of."""
    sent = []
    for phone in phones(CUSTOMERS):
        wamid = f"wamid.{tenant.phone_number_id}.known.{phone}"
        await tenant.rows(
            "insert into messages (workspace_id, conversation_id, type, content, wamid, status)"
            " values (%(workspace)s, %(conversation)s, 'text', '{\"body\": \"hello\"}', %(wamid)s, 'sent')",
            conversation=await tenant.conversation(phone),
            wamid=wamid,
        )
        sent.append((phone, wamid))
    return sent
