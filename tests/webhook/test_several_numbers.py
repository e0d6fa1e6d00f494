"""Bodies that speak of several numbers, as a WABA's and Meta's do: each has its own, and none waits for another."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conftest import Connect
from tests.flows.programs import Program
from tests.flows.tenant import Tenant, digits, new_workspace, token_of
from tests.webhook.posting import post_raw, post_signed, text_from_customer

Door = Callable[[Program, Tenant, Any], Awaitable[int]]


async def of_waba(webhook: Program, tenant: Tenant, body: Any) -> int:
    headers = {"Authorization": f"Bearer {token_of(tenant.waba_id)}"}
    return await post_raw(webhook, f"/webhooks/360dialog/waba/{tenant.waba_id}", json.dumps(body).encode(), headers)


async def of_meta(webhook: Program, _tenant: Tenant, body: Any) -> int:
    return await post_signed(webhook, json.dumps(body).encode())


@pytest.fixture(params=[of_waba, of_meta])
def door(request: pytest.FixtureRequest) -> Door:
    opened: Door = request.param
    return opened


def to_both(one: Tenant, other: Tenant) -> Any:
    """A text to each, in two changes of one entry."""
    body, more = text_from_customer(one, "to the one"), text_from_customer(other, "to the other")
    body["entry"][0]["changes"] += more["entry"][0]["changes"]
    return body


async def connect(unknown: Tenant) -> None:
    """What its owner does at last."""
    await unknown.rows(
        "insert into whatsapp_connections (workspace_id, phone_number_id, waba_id)"
        " values (%(workspace)s, %(number)s, %(waba)s)",
        waba=unknown.waba_id,
    )


async def texts(tenant: Tenant) -> list[tuple[str, str]]:
    """What was said to a tenant, and on which number."""
    return [
        (row["body"], row["phone_number_id"])
        for row in await tenant.rows(
            "select message.content ->> 'body' as body, thread.phone_number_id from messages as message"
            " join conversations as thread on thread.id = message.conversation_id"
            " where message.workspace_id = %(workspace)s order by message.seq"
        )
    ]


async def test_each_number_of_a_body_has_its_own_in_its_own_workspace(
    webhook: Program, database: Connect, door: Door
) -> None:
    one = await Tenant.new(database)
    other = await Tenant.new(database, waba_id=one.waba_id)
    assert await door(webhook, one, to_both(one, other)) == 200
    await one.until_events("processed")
    assert await texts(one) == [("to the one", one.phone_number_id)]
    assert await texts(other) == [("to the other", other.phone_number_id)]


async def test_one_customer_of_two_numbers_is_a_contact_and_a_thread_of_each(
    webhook: Program, database: Connect, door: Door
) -> None:
    one = await Tenant.new(database)
    other = await Tenant.new(database, waba_id=one.waba_id)
    assert await door(webhook, one, to_both(one, other)) == 200
    await one.until_events("processed")
    for tenant in (one, other):
        people = await tenant.rows(
            "select contact.phone, contact.workspace_id::text as workspace, thread.unread_count"
            " from conversations as thread join contacts as contact on contact.id = thread.contact_id"
            " where thread.connection_id = %(connection)s"
        )
        assert people == [{"phone": "+972501234567", "workspace": tenant.workspace_id, "unread_count": 1}]


async def test_what_is_to_a_number_nobody_has_waits_for_it_and_holds_up_no_other(
    webhook: Program, database: Connect, door: Door
) -> None:
    known = await Tenant.new(database)
    unknown = Tenant(database, await new_workspace(database), "", digits(), known.waba_id)
    body = to_both(known, unknown)
    assert await door(webhook, known, body) == 200
    (event,) = await known.until_events("unrouted")
    assert (event["error"], event["missing"]) == (
        f"no connection for {unknown.phone_number_id}",
        [unknown.phone_number_id],
    )
    assert await texts(known) == [("to the one", known.phone_number_id)]

    await connect(unknown)
    (event,) = await known.until_events("processed", within=15)
    assert (event["error"], event["missing"]) == (None, None)
    assert await texts(unknown) == [("to the other", unknown.phone_number_id)]
    # Read twice by now, and a third time as the provider may send it: nothing is there twice.
    assert await door(webhook, known, body) == 200
    await known.until_events("processed", "processed")
    assert (len(await known.messages()), len(await unknown.messages())) == (1, 1)


async def test_a_bad_item_and_an_unknown_number_are_both_told_and_the_rest_comes_with_the_connection(
    webhook: Program, database: Connect, door: Door
) -> None:
    known = await Tenant.new(database)
    unknown = Tenant(database, await new_workspace(database), "", digits(), known.waba_id)
    body = to_both(known, unknown)
    body["entry"][0]["changes"][1]["value"]["messages"].append({"type": "text"})
    assert await door(webhook, known, body) == 200
    bad = "change 1 message 1: names nobody"
    (event,) = await known.until_events("failed")
    assert event["error"] == f"{bad}\nno connection for {unknown.phone_number_id}"
    await connect(unknown)
    await unknown.until_messages(lambda messages: len(messages) == 1, within=15)
    (event,) = await known.until_events("failed")
    assert event["error"] == bad
