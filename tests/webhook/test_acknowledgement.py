"""What 200 means: the body is in the journal, byte for byte, and becomes rows exactly once."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conftest import Connect
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, digits, new_workspace, token_of
from tests.webhook.posting import post, text_from_customer


async def test_a_body_is_in_the_journal_when_200_arrives(webhook: Program, tenant: Tenant) -> None:
    raw = json.dumps(text_from_customer(tenant)).encode()
    assert await post(webhook, tenant, raw) == 200
    assert [event["raw"] for event in await tenant.events()] == [raw.decode()]


@pytest.mark.parametrize(
    "oddity",
    [
        r'"\u0000 and \ud83d alone \ud83d\ude42"',
        '"\u202eשלום\u2028 🙂"',
        '{"a": 1, "a": 2, "b": 1.0, "c": 1e999, "d": -0, "e": 123456789012345678901234567890}',
        "[ 1 ,\t2\r\n,3 ]",
        r'"\/ \x5c \u001e \u001f"'.replace("x5c", "\\"),
        "[" * 50 + "]" * 50,
    ],
)
async def test_the_journal_keeps_every_byte(webhook: Program, tenant: Tenant, oddity: str) -> None:
    body = json.dumps(text_from_customer(tenant))
    raw = body.replace('"text": {"body"', f'"odd": {oddity}, "text": {{"body"').encode()
    assert await post(webhook, tenant, raw) == 200
    (event,) = await tenant.until_events("processed")
    assert event["raw"].encode() == raw
    content = (await tenant.messages())[0]["content"]
    assert (content["body"], set(content)) == ("hello", {"body", "odd"})


async def test_a_text_becomes_contact_conversation_and_message(webhook: Program, tenant: Tenant) -> None:
    assert await post(webhook, tenant, text_from_customer(tenant, "is it still there?")) == 200
    (message,) = await tenant.until_messages(bool)
    assert (message["direction"], message["status"], message["type"]) == ("inbound", "received", "text")
    assert message["content"] == {"body": "is it still there?"}
    (thread,) = await tenant.rows(
        "select thread.unread_count, thread.last_message_preview, contact.profile_name"
        " from conversations as thread join contacts as contact on contact.id = thread.contact_id"
        " where thread.workspace_id = %(workspace)s"
    )
    assert thread == {"unread_count": 1, "last_message_preview": "is it still there?", "profile_name": "Noa"}


async def test_a_second_delivery_of_a_webhook_adds_no_row(webhook: Program, tenant: Tenant) -> None:
    body = text_from_customer(tenant)
    statuses = await asyncio.gather(*(post(webhook, tenant, body) for _ in range(20)))
    assert set(statuses) == {200}
    await tenant.until_events(*["processed"] * 20)
    assert len(await tenant.messages()) == 1


async def test_a_type_we_do_not_know_yet_is_stored_under_its_own_name(webhook: Program, tenant: Tenant) -> None:
    body = text_from_customer(tenant, type="hologram", hologram={"beam": [1, 2]})
    assert await post(webhook, tenant, body) == 200
    (message,) = await tenant.until_messages(bool)
    assert message["type"] == "hologram"
    assert message["content"] == {"beam": [1, 2], "text": {"body": "hello"}}


@pytest.mark.parametrize(
    ("oddity", "kept"),
    [("\u0000", "\ufffd"), ("\ud83d", "\ufffd"), (float("inf"), "1e999")],
    ids=["NUL", "half a surrogate pair", "1e999"],
)
async def test_what_jsonb_cannot_hold_is_replaced_and_not_lost(
    webhook: Program, tenant: Tenant, oddity: str | float, kept: str
) -> None:
    body = text_from_customer(tenant, "hello", type="odd", odd={"it": oddity})
    raw = json.dumps(body).replace("Infinity", "1e999").encode()
    assert await post(webhook, tenant, raw) == 200
    (message,) = await tenant.until_messages(bool)
    assert message["content"]["it"] == kept


async def test_a_bad_item_does_not_hold_back_its_neighbours(webhook: Program, tenant: Tenant) -> None:
    body = text_from_customer(tenant, "whole")
    messages = body["entry"][0]["changes"][0]["value"]["messages"]
    messages.append(messages[0] | {"id": None})
    messages.append(messages[0] | {"id": "9" * 10_000})
    assert await post(webhook, tenant, body) == 200
    (event,) = await tenant.until_events("failed")
    assert event["error"] == "change 0 message 1: has no id\nchange 0 message 2: id is longer than 512 characters"
    assert [message["content"]["body"] for message in await tenant.messages()] == ["whole"]


async def test_a_body_that_breaks_the_recording_fails_with_its_reason_and_leaves_the_receiver_at_work(
    webhook: Program, tenant: Tenant
) -> None:
    nested = "[" * 900 + r'"\u0000"' + "]" * 900
    raw = json.dumps(text_from_customer(tenant, type="deep", deep={"it": "here"})).replace('"here"', nested).encode()
    assert await post(webhook, tenant, raw) == 200
    assert await post(webhook, tenant, text_from_customer(tenant, "still alive?")) == 200
    messages = await tenant.until_messages(bool)
    assert [message["content"] for message in messages] == [{"body": "still alive?"}]
    await tenant.until_events("received", "processed")
    # Four replicas have had it, and their leases have run out.
    await tenant.rows(
        "update webhook_events set attempts = 4, lease_expires_at = now()"
        " where phone_number_id = %(number)s and state = 'received'"
    )
    (event, _) = await tenant.until_events("failed", "processed", within=15)
    assert (event["attempts"], event["error"]) == (5, "nesting: nested too deeply")


async def test_a_number_nobody_has_connected_is_kept_as_unrouted(webhook: Program, database: Connect) -> None:
    stranger = Tenant(database, "", "", digits(), digits())
    assert await post(webhook, stranger, text_from_customer(stranger)) == 200
    (event,) = await stranger.until_events("unrouted")
    assert event["error"] == f"no connection for {stranger.phone_number_id}"


async def test_in_single_workspace_mode_an_unknown_number_belongs_to_the_workspace(
    programs: Programs, database: Connect
) -> None:
    workspace_id = await new_workspace(database)
    webhook = await programs.webhook(WHATSAPP_DEFAULT_WORKSPACE_ID=workspace_id)
    tenant = Tenant(database, workspace_id, "", digits(), digits())
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await tenant.until_messages(lambda messages: len(messages) == 1)
    connections = await tenant.rows(
        "select phone_number_id, waba_id, provider from whatsapp_connections where workspace_id = %(workspace)s"
    )
    assert connections == [
        {"phone_number_id": tenant.phone_number_id, "waba_id": tenant.waba_id, "provider": "360dialog"}
    ]


async def test_many_at_once_are_all_kept_and_all_become_rows(webhook: Program, tenant: Tenant) -> None:
    bodies = [text_from_customer(tenant, f"number {place}") for place in range(200)]
    statuses = await asyncio.gather(*(post(webhook, tenant, body) for body in bodies))
    assert set(statuses) == {200}
    messages = await tenant.until_messages(lambda rows: len(rows) == 200)
    assert {message["content"]["body"] for message in messages} == {f"number {place}" for place in range(200)}


async def test_neither_texts_nor_secrets_are_in_the_logs(webhook: Program, tenant: Tenant) -> None:
    words, wrong = f"private {digits()}", f"0badc0de{digits()}"
    assert await post(webhook, tenant, text_from_customer(tenant, words)) == 200
    assert await post(webhook, tenant, text_from_customer(tenant, words), token=wrong) == 401
    await tenant.until_messages(bool)
    for secret in (words, wrong, token_of(tenant.phone_number_id), "972501234567"):
        assert secret not in webhook.said
