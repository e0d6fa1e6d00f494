"""A receiver that is stopped, killed or reconfigured: nothing acknowledged is lost, nothing appears twice."""

from __future__ import annotations

import asyncio
import os
import signal

from tests.flows.flaky_gateway import HANGS, FlakyGateway, Trouble
from tests.flows.programs import Programs, free_port
from tests.flows.tenant import Tenant, token_of
from tests.flows.waiting import until
from tests.webhook.posting import post, text_from_customer
from tests.webhook.test_supabase_away import expire_leases, seen


async def test_sigterm_finishes_what_is_in_flight(programs: Programs, gateway: FlakyGateway, tenant: Tenant) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/receive_inbound"] = Trouble(late=0.7)
    posting = asyncio.create_task(post(webhook, tenant, text_from_customer(tenant)))
    await until(lambda: seen(gateway, "/rest/v1/rpc/receive_inbound"))
    webhook.signal(signal.SIGTERM)
    assert await posting == 200
    assert await webhook.ended() == 0
    # Before it went, it also made the rows.
    assert len(await tenant.messages()) == 1


async def test_sigkill_after_the_200_loses_nothing(programs: Programs, gateway: FlakyGateway, tenant: Tenant) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/record_inbound"] = HANGS
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await until(lambda: seen(gateway, "/rest/v1/rpc/record_inbound"))
    await webhook.kill()
    assert await tenant.messages() == []
    await expire_leases(tenant)
    await programs.webhook()
    assert len(await tenant.until_messages(bool)) == 1
    await tenant.until_events("processed")


async def test_a_replica_leaves_events_alone_that_another_is_working_on(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/record_inbound"] = Trouble(late=1)
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await programs.webhook()
    (event,) = await tenant.until_events("processed")
    assert event["attempts"] == 0


async def test_during_a_rotation_the_previous_secret_opens_too(programs: Programs, tenant: Tenant) -> None:
    current = os.environ["WHATSAPP_WEBHOOK_SECRET"]
    webhook = await programs.webhook(WHATSAPP_WEBHOOK_SECRET="new", WHATSAPP_WEBHOOK_SECRET_PREVIOUS=current)
    for secret, status in ((current, 200), ("new", 200), ("newer", 401)):
        token = token_of(tenant.phone_number_id, secret)
        assert await post(webhook, tenant, text_from_customer(tenant), token) == status


async def test_a_restarted_receiver_gets_its_port_back_at_once(programs: Programs, tenant: Tenant) -> None:
    port = free_port()
    first = await programs.webhook(port=port)
    assert await post(first, tenant, text_from_customer(tenant)) == 200
    await first.kill()
    second = await programs.webhook(port=port)
    assert await post(second, tenant, text_from_customer(tenant)) == 200
