"""A number that a member has written down is heard once its provider has shown it to be theirs, no moment before."""

from __future__ import annotations

import json

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.claimed_number import Claim
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, digits, new_workspace
from tests.flows.waiting import until
from tests.webhook.posting import post_signed, text_from_customer

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def claim(project: Project, http: httpx.AsyncClient, database: Connect, business: Business) -> Claim:
    return await Claim.new(project, http, database, business, provider="meta", waba_id=business.waba_id)


@pytest.fixture
async def business(simulator: Simulator) -> Business:
    return await simulator.business()


async def write(webhook: Program, claim: Claim, words: str) -> None:
    """A customer writes; Meta's app hears it whoever has connected the number."""
    assert await post_signed(webhook, json.dumps(text_from_customer(claim.tenant, words)).encode()) == 200


async def test_what_comes_before_the_key_is_set_aside_and_is_there_after_it(
    webhook: Program, claim: Claim, business: Business
) -> None:
    await write(webhook, claim, "before")
    (event,) = await claim.tenant.until_events("unrouted")
    assert event["missing"] == [business.id]
    assert await claim.tenant.messages() == []
    await claim.set_credential(business.access_token)
    await claim.tenant.until_messages(lambda rows: [row["content"]["body"] for row in rows] == ["before"], within=20)
    await write(webhook, claim, "after")
    await claim.tenant.until_messages(len, within=10)
    await claim.tenant.until_events("processed", "processed")
    assert (await claim.number())["waba_id"] == business.waba_id


async def test_another_numbers_key_and_a_made_up_one_show_nothing(
    webhook: Program, claim: Claim, simulator: Simulator
) -> None:
    await write(webhook, claim, "a customer's words")
    for key in ("made up", (await simulator.business()).access_token):
        await claim.set_credential(key)
        await until(claim.refusals, within=20)
    await claim.tenant.rows("select sweep_inbound()")
    await claim.tenant.until_events("unrouted")
    assert (await claim.number())["verified_at"] is None
    assert await claim.tenant.messages() == []


async def test_an_account_written_beside_ones_own_number_stays_somebody_elses(
    webhook: Program,
    project: Project,
    http: httpx.AsyncClient,
    database: Connect,
    simulator: Simulator,
    business: Business,
) -> None:
    foreign = digits()
    claim = await Claim.new(project, http, database, business, provider="meta", waba_id=foreign)
    await claim.set_credential(business.access_token)
    number = await until(claim.number, lambda row: row["verified_at"], within=20)
    assert number["waba_id"] == business.waba_id


async def test_a_claim_in_the_one_workspace_there_is_waits_for_nothing(
    programs: Programs, project: Project, http: httpx.AsyncClient, database: Connect, business: Business
) -> None:
    claim = await Claim.new(project, http, database, business, provider="meta", waba_id=business.waba_id)
    webhook = await programs.webhook(WHATSAPP_DEFAULT_WORKSPACE_ID=claim.tenant.workspace_id)
    await write(webhook, claim, "hello")
    await claim.tenant.until_messages(len)


async def test_a_strangers_claim_does_not_take_a_number_from_the_one_workspace(
    programs: Programs, claim: Claim, database: Connect
) -> None:
    home = await new_workspace(database)
    webhook = await programs.webhook(WHATSAPP_DEFAULT_WORKSPACE_ID=home)
    await write(webhook, claim, "hello")
    owned = Tenant(database, home, "", claim.tenant.phone_number_id, claim.tenant.waba_id)
    await owned.until_messages(len)
    assert await claim.tenant.messages() == []
