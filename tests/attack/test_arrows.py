"""Each arrow between provider, receiver and Postgres, cut in the middle: what was acknowledged is there, and once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator

import pytest

from tests.attack.wire import good_body, good_request, wire
from tests.conftest import Project
from tests.flows.flaky_gateway import HANGS, UNAVAILABLE, FlakyGateway, Trouble, flaky_gateway
from tests.flows.programs import Programs
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.webhook.posting import post, text_from_customer
from tests.webhook.test_supabase_away import expire_leases

RECORD, SWEEP = "/rest/v1/rpc/record_inbound", "/rest/v1/rpc/sweep_inbound"
# An event on which as many attempts have broken is given up; but an outage breaks no event. Or so many calls.
MOST_ATTEMPTS = 5
OFTEN = 300


@pytest.fixture
async def gateway(project: Project) -> AsyncIterator[FlakyGateway]:
    async with flaky_gateway(project.url) as gateway:
        yield gateway


async def test_a_commit_whose_answer_is_lost_is_repeated_and_leaves_one_row(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    body = text_from_customer(tenant)
    gateway.troubles["rpc/receive_inbound"] = Trouble(late=3)
    assert await post(webhook, tenant, body) == 503
    assert len(await tenant.events()) == 1
    gateway.troubles.clear()
    assert await post(webhook, tenant, body) == 200
    await expire_leases(tenant)
    await tenant.until_events("processed", "processed")
    assert len(await tenant.messages()) == 1


async def test_a_provider_that_hangs_up_before_its_answer_and_comes_again_leaves_one_row(
    programs: Programs, tenant: Tenant
) -> None:
    webhook = await programs.webhook()
    body = good_body(tenant)
    for _ in range(20):
        async with wire(webhook) as line:
            await line.send(good_request(tenant, body=body))
    assert await post(webhook, tenant, body) == 200
    await until(lambda: unfinished(tenant), lambda events: events == 0, within=20)
    assert len(await tenant.messages()) == 1


async def test_the_same_body_at_every_replica_at_once_leaves_one_row(programs: Programs, tenant: Tenant) -> None:
    replicas = [await programs.webhook() for _ in range(3)]
    body = text_from_customer(tenant)
    statuses = await asyncio.gather(*(post(replica, tenant, body) for replica in replicas for _ in range(10)))
    assert statuses == [200] * 30
    await tenant.until_events(*["processed"] * 30)
    assert len(await tenant.messages()) == 1


async def test_a_recording_whose_answer_is_lost_is_repeated_and_leaves_one_row(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/record_inbound"] = Trouble(late=1)
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await until(lambda: times(gateway, RECORD), bool)
    await webhook.kill()
    await tenant.until_events("processed")
    # As if the record had never been seen: somebody applies it again.
    await tenant.rows(
        "update webhook_events set state = 'received', lease_expires_at = now() where phone_number_id = %(number)s"
    )
    await programs.webhook()
    await tenant.until_events("processed")
    assert len(await tenant.messages()) == 1


async def test_a_receiver_killed_while_it_sweeps_leaves_its_work_to_the_next(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant
) -> None:
    first = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/record_inbound"] = HANGS
    assert await post(first, tenant, text_from_customer(tenant)) == 200
    await first.kill()
    await expire_leases(tenant)
    second = await programs.webhook(SUPABASE_URL=gateway.url)
    await until(lambda: attempts(tenant), lambda count: count == 1)
    await second.kill()
    assert await tenant.messages() == []
    await expire_leases(tenant)
    await programs.webhook()
    await tenant.until_events("processed")
    assert len(await tenant.messages()) == 1


@pytest.mark.skipif("CHAOS_KILLS" not in os.environ, reason="an outage of a minute: make chaos")
async def test_an_outage_however_long_is_no_fault_of_a_body(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant
) -> None:
    """Postgres gives bodies to sweeps and cannot record them: tried again and again, then applied, never given up."""
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/record_inbound"] = UNAVAILABLE
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await until(lambda: tried(tenant, gateway), bool, within=120)
    # A replica begins by ending what others have tried too often.
    await programs.webhook(SUPABASE_URL=gateway.url)
    begun = gateway.seen.count(SWEEP)
    await until(lambda: swept(tenant, gateway, begun + 3), bool, within=60)
    assert [(event["state"], event["error"]) for event in await tenant.events()] == [("received", None)]
    gateway.troubles.clear()
    await until(lambda: unfinished(tenant), lambda events: events == 0, within=30)
    await tenant.until_events("processed")
    assert len(await tenant.messages()) == 1


async def tried(tenant: Tenant, gateway: FlakyGateway) -> bool:
    """Whether it was tried often enough; or given up, which is for the test to say."""
    done = await unfinished(tenant) == 0
    return done or await attempts(tenant) > MOST_ATTEMPTS or await times(gateway, RECORD) > OFTEN


async def swept(tenant: Tenant, gateway: FlakyGateway, often: int) -> bool:
    return await unfinished(tenant) == 0 or await times(gateway, SWEEP) >= often


async def unfinished(tenant: Tenant) -> int:
    await tenant.rows(
        "update webhook_events set lease_expires_at = now() where phone_number_id = %(number)s and state = 'received'"
    )
    return sum(event["state"] == "received" for event in await tenant.events())


async def times(gateway: FlakyGateway, path: str) -> int:
    return gateway.seen.count(path)


async def attempts(tenant: Tenant) -> int:
    (event,) = await tenant.events()
    return int(event["attempts"])
