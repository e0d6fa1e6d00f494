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


async def test_processed_bodies_leave_after_their_time_and_all_others_stay(programs: Programs, tenant: Tenant) -> None:
    rows = (("processed", 31), ("failed", 31), ("unrouted", 400), ("processed", 29), ("processed", 0))
    for place, (state, days) in enumerate(rows):
        # What is old has a low number, too.
        await tenant.rows(
            "insert into webhook_events (id, provider, body, phone_number_id, state, error, received_at)"
            " overriding system value values (%(id)s, '360dialog', '{}', %(number)s, %(state)s, 'a reason',"
            " now() - make_interval(days => %(days)s))",
            id=place - int(tenant.phone_number_id),
            state=state,
            days=days,
        )
    await programs.webhook(WEBHOOK_JOURNAL_DAYS="30")
    await tenant.until_events("failed", "unrouted", "processed", "processed")
    await programs.webhook(WEBHOOK_JOURNAL_DAYS="20")
    await tenant.until_events("failed", "unrouted", "processed")


async def test_what_was_made_of_a_body_stays_when_the_body_has_left(webhook: Program, tenant: Tenant) -> None:
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await tenant.until_events("processed")
    await tenant.rows("delete from webhook_events where phone_number_id = %(number)s")
    assert len(await tenant.messages()) == 1
