"""What stays in the journal, what leaves it, and what becomes rows late."""

from __future__ import annotations

import asyncio

import pytest

from tests.attack.wire import ask, bearer, good_body, good_request, request
from tests.conftest import Connect
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, digits, new_workspace
from tests.flows.waiting import until
from tests.webhook.posting import post, post_signed, text_from_customer


@pytest.fixture
async def stranger(database: Connect) -> Tenant:
    """A workspace whose number nobody has connected yet."""
    return Tenant(database, await new_workspace(database), "", digits(), digits())


async def connect(stranger: Tenant) -> None:
    await stranger.rows(
        "insert into whatsapp_connections (workspace_id, provider, phone_number_id, waba_id)"
        " values (%(workspace)s, '360dialog', %(number)s, %(waba)s)",
        waba=stranger.waba_id,
    )


async def test_what_came_before_the_connection_becomes_rows_when_it_appears(webhook: Program, stranger: Tenant) -> None:
    """By whichever door it came in."""
    raws = [good_body(stranger, f"number {place}") for place in range(3)]
    of_waba = request(f"/webhooks/360dialog/waba/{stranger.waba_id}", bearer(stranger.waba_id), body=raws[1])
    assert (await ask(webhook, good_request(stranger, body=raws[0]))).status == 200
    assert (await ask(webhook, of_waba)).status == 200
    assert await post_signed(webhook, raws[2]) == 200
    await stranger.until_events(*["unrouted"] * 3)
    await connect(stranger)
    await stranger.until_events(*["processed"] * 3, within=15)
    messages = await stranger.messages()
    assert {message["content"]["body"] for message in messages} == {f"number {place}" for place in range(3)}


async def test_a_connection_made_while_its_messages_arrive_misses_none(webhook: Program, stranger: Tenant) -> None:
    bodies = [text_from_customer(stranger, f"number {place}") for place in range(60)]
    posting = asyncio.gather(*(post(webhook, stranger, body) for body in bodies))
    await until(stranger.events, lambda events: len(events) > 5)
    await connect(stranger)
    assert set(await posting) == {200}
    await stranger.until_messages(lambda messages: len(messages) == 60, within=20)
    await stranger.until_events(*["processed"] * 60)


async def test_processed_bodies_leave_after_their_time_and_all_others_stay(
    programs: Programs, tenant: Tenant, database: Connect
) -> None:
    stranger = Tenant(database, "", "", digits(), digits())
    webhook = await programs.webhook(WEBHOOK_JOURNAL_DAYS="30")
    assert await post(webhook, tenant, text_from_customer(tenant, "old")) == 200
    assert await post(webhook, tenant, text_from_customer(tenant, "bad", id=None)) == 200
    assert await post(webhook, tenant, text_from_customer(tenant, "nearly old")) == 200
    assert await post(webhook, stranger, text_from_customer(stranger)) == 200
    await tenant.until_events("processed", "failed", "processed")
    await stranger.until_events("unrouted")
    for one, days in ((tenant, 31), (stranger, 400)):
        await one.rows(
            "update webhook_events set received_at = now() - make_interval(days => %(days)s)"
            " where phone_number_id = %(number)s and body::text not like '%%nearly old%%'",
            days=days,
        )
    await programs.webhook(WEBHOOK_JOURNAL_DAYS="30")
    await tenant.until_events("failed", "processed")
    await stranger.until_events("unrouted")
    # What was made of it stays.
    assert {message["content"]["body"] for message in await tenant.messages()} == {"old", "nearly old"}
