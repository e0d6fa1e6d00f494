"""The database cannot take a body: 503 in time, never 200, and the provider's retry brings it in."""

from __future__ import annotations

import asyncio
import socket
import time
from dataclasses import replace

import httpx
import pytest

from tests.flows.flaky_gateway import GARBAGE, HANGS, NO_CONNECTION, UNAVAILABLE, FlakyGateway, Trouble
from tests.flows.programs import Programs
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.webhook.posting import post, text_from_customer

# 360dialog hangs up after this.
PATIENCE = 5.0


@pytest.mark.parametrize("trouble", [UNAVAILABLE, NO_CONNECTION, HANGS, GARBAGE, Trouble(200, "[]")])
async def test_a_body_that_cannot_be_committed_gets_503_in_time(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant, trouble: Trouble
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/receive_inbound"] = trouble
    began = time.monotonic()
    assert await post(webhook, tenant, text_from_customer(tenant)) == 503
    assert time.monotonic() - began < PATIENCE
    assert await tenant.events() == []
    gateway.troubles.clear()
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    assert len(await tenant.until_messages(bool)) == 1


# The second is refused late: while a lone first body waits for its answer, the others gather.
@pytest.mark.parametrize("trouble", [HANGS, replace(UNAVAILABLE, hang=0.5)], ids=["hangs", "unavailable"])
async def test_a_group_that_cannot_be_committed_gets_503_for_each_of_its_bodies(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant, trouble: Trouble
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/receive_inbound"] = trouble
    bodies = [text_from_customer(tenant, f"number {place}") for place in range(20)]
    began = time.monotonic()
    assert await asyncio.gather(*(post(webhook, tenant, body) for body in bodies)) == [503] * 20
    assert time.monotonic() - began < PATIENCE
    assert gateway.seen.count("/rest/v1/rpc/receive_inbound") < 20, "no two of them went together"
    assert await tenant.events() == []
    gateway.troubles.clear()
    assert await asyncio.gather(*(post(webhook, tenant, body) for body in bodies)) == [200] * 20
    messages = await tenant.until_messages(lambda rows: len(rows) == 20)
    assert {message["content"]["body"] for message in messages} == {f"number {place}" for place in range(20)}


async def test_without_anybody_at_the_address_it_starts_and_answers_503(
    programs: Programs, tenant: Tenant, http: httpx.AsyncClient
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        webhook = await programs.webhook("/livez", SUPABASE_URL=f"http://127.0.0.1:{taken.getsockname()[1]}")
        assert await post(webhook, tenant, text_from_customer(tenant)) == 503
        assert (await http.get(f"{webhook.url}/readyz")).status_code == 503
        assert (await http.get(f"{webhook.url}/livez")).status_code == 200


async def test_a_key_that_is_not_accepted_gets_503_and_not_401(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/receive_inbound"] = Trouble(401, '{"message": "Invalid API key"}')
    assert await post(webhook, tenant, text_from_customer(tenant)) == 503


@pytest.mark.parametrize("trouble", [UNAVAILABLE, GARBAGE, Trouble(200, "null")])
async def test_rows_that_cannot_be_recorded_are_brought_by_the_sweep(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant, trouble: Trouble
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/record_inbound"] = trouble
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await until(lambda: seen(gateway, "/rest/v1/rpc/record_inbound"))
    assert await tenant.messages() == []
    gateway.troubles.clear()
    await expire_leases(tenant)
    assert len(await tenant.until_messages(bool, within=12)) == 1
    await tenant.until_events("processed")


async def seen(gateway: FlakyGateway, path: str) -> bool:
    return path in gateway.seen


async def expire_leases(tenant: Tenant) -> None:
    """Sooner than the 15 seconds that a receiver has to make rows of what it received."""
    await tenant.rows("update webhook_events set lease_expires_at = now() where phone_number_id = %(number)s")
