"""`wabase verify`: clean after everything WhatsApp can send, and no planted difference escapes it."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, digits
from tests.flows.waiting import until
from tests.ops.conftest import differences, wabase
from tests.webhook.posting import post, reports, text_from_customer
from tests.whatsapp.payload import INBOUND, NUMBER, OUTBOUND, STRANGER, WABA, names, payload
from whatsapp.envelope import Endpoint
from whatsapp.normalise import normalise

LOOKED_AT = ("messages", "message_statuses", "conversations", "contacts", "outbox", "media_downloads", "workspaces")


async def _everything(webhook: Program, tenant: Tenant) -> set[str]:
    """Every payload there is, as if it had been sent to this tenant's number: all under the ids they share, since they
    speak of each other's messages, and each under ids of its own. The ids of all the messages."""
    wamids: set[str] = set()
    for ids in ({}, None):
        for name in names():
            body = _readdressed(name, tenant, ids)
            assert await post(webhook, tenant, body) == 200, name
            endpoint = Endpoint("360dialog", phone_number_id=tenant.phone_number_id)
            wamids |= {row["wamid"] for row in normalise(1, endpoint, json.loads(body)).messages}
    await until(tenant.events, lambda rows: all(row["state"] != "received" for row in rows), within=30)
    return wamids


def _readdressed(name: str, tenant: Tenant, ids: dict[str, str] | None) -> bytes:
    """A payload of the tenant's number and WABA; None for `ids`: of messages that no other payload speaks of."""
    ids = {INBOUND: f"wamid.{digits()}", OUTBOUND: f"wamid.{digits()}"} if ids is None else ids
    body = json.dumps(payload(name))
    number, waba = tenant.phone_number_id, tenant.waba_id
    for known, own in ({NUMBER: number, STRANGER: number, WABA: waba} | ids).items():
        body = body.replace(known, own)
    return body.encode()


async def _conversation(webhook: Program, tenant: Tenant) -> list[str]:
    """Two people, three messages, and a report about a message of ours; the wamids."""
    wamids = []
    for phone, words in (("972501110000", "one"), ("972501110000", "two"), ("972502220000", "three")):
        wamids.append(f"wamid.{digits()}")
        body = text_from_customer(tenant, words, id=wamids[-1], **{"from": phone, "from_user_id": f"IL.{phone}"})
        del body["entry"][0]["changes"][0]["value"]["contacts"]
        assert await post(webhook, tenant, body) == 200
    await tenant.until_events(*["processed"] * 3)
    await tenant.rows(
        "insert into messages (workspace_id, connection_id, conversation_id, wamid, direction, status, type, content)"
        " select workspace_id, connection_id, id, 'ours.' || phone_number_id, 'outbound', 'sent', 'text', '{}'"
        " from conversations where workspace_id = %(workspace)s and phone = '972501110000'"
    )
    status = {"id": f"ours.{tenant.phone_number_id}", "status": "read", "timestamp": "1794132000"}
    assert await post(webhook, tenant, reports(tenant, status)) == 200
    await tenant.until_events(*["processed"] * 4)
    return wamids


async def test_all_that_whatsapp_can_send_is_in_the_rows_as_the_journal_tells_it(
    webhook: Program, tenant: Tenant
) -> None:
    wamids = await _everything(webhook, tenant)
    assert len(wamids) > 90
    assert {message["wamid"] for message in await tenant.messages()} == wamids
    answer = await wabase("verify", "--number", tenant.phone_number_id)
    assert (answer.status, answer.said.splitlines()[-1].endswith(": 0 differences.")) == (0, True), answer.said


async def test_verifying_leaves_nothing_behind(webhook: Program, tenant: Tenant) -> None:
    await _conversation(webhook, tenant)
    before = [await tenant.rows(f"select count(*), max(xmin::text::bigint) from {table}") for table in LOOKED_AT]
    assert await differences(tenant) == []
    assert [
        await tenant.rows(f"select count(*), max(xmin::text::bigint) from {table}") for table in LOOKED_AT
    ] == before


PLANTED: dict[str, tuple[str, Callable[[str, list[str]], tuple[str, str, str | None]]]] = {
    "a changed text": (
        'update messages set content = \'{"body": "forged"}\' where wamid = %(wamid)s',
        lambda _number, wamids: ("messages", wamids[2], "content"),
    ),
    "a lost message": (
        "delete from messages where wamid = %(wamid)s",
        lambda _number, wamids: ("messages", wamids[2], None),
    ),
    "another time": (
        "update messages set occurred_at = occurred_at - interval '1 hour' where wamid = %(wamid)s",
        lambda _number, wamids: ("messages", wamids[2], "occurred_at"),
    ),
    "a status that no report tells": (
        "update messages set status = 'delivered' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("messages", f"ours.{number}", "status"),
    ),
    "a lost report": (
        "delete from message_statuses where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("message_statuses", f"ours.{number} read", None),
    ),
    "another time of a report": (
        "update message_statuses set occurred_at = occurred_at - interval '1 hour' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("message_statuses", f"ours.{number} read", "occurred_at"),
    ),
    "another reason in a report": (
        "update message_statuses set errors = '[{\"code\": 1}]' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("message_statuses", f"ours.{number} read", "errors"),
    ),
    "another price in a report": (
        "update message_statuses set details = '{\"pricing\": {}}' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("message_statuses", f"ours.{number} read", "details"),
    ),
    "another echo in a report": (
        "update message_statuses set callback_data = 'forged' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("message_statuses", f"ours.{number} read", "callback_data"),
    ),
    "another advice in a report": (
        "update message_statuses set error = '{\"class\": \"WAIT\"}' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("message_statuses", f"ours.{number} read", "error"),
    ),
    "another time of reading": (
        "update messages set read_at = read_at - interval '1 hour' where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("messages", f"ours.{number}", "read_at"),
    ),
    "a reading forgotten": (
        "update messages set read_at = null where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("messages", f"ours.{number}", "read_at"),
    ),
    "a delivery that no report tells": (
        "update messages set delivered_at = now() where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("messages", f"ours.{number}", "delivered_at"),
    ),
    "a failure that no report tells": (
        "update messages set failed_at = now() where wamid = 'ours.' || %(number)s",
        lambda number, _wamids: ("messages", f"ours.{number}", "failed_at"),
    ),
    "a message of ours that is a customer's": (
        "update messages set direction = 'inbound', status = 'received' where wamid = 'ours.' || %(number)s",
        # One that nobody sent.
        lambda number, _wamids: ("messages", f"ours.{number}", None),
    ),
    "a thread that was parted": (
        "with other as (insert into conversations (workspace_id, connection_id, bsuid)"
        " values (%(workspace)s, %(connection)s, 'IL.nobody') returning id)"
        " update messages set conversation_id = other.id from other where wamid = %(first)s",
        lambda _number, wamids: ("conversations", min(wamids[:2]), "messages"),
    ),
    "a message that nobody sent": (
        "insert into messages (workspace_id, connection_id, direction, status, type, content, wamid)"
        " values (%(workspace)s, %(connection)s, 'inbound', 'received', 'text', '{}', 'forged.' || %(number)s)",
        lambda number, _wamids: ("messages", f"forged.{number}", None),
    ),
}
STATISTICS = {
    "unread_count": "7",
    "window_expires_at": "now()",
    "last_message_preview": "'forged'",
    "last_message_direction": "'outbound'",
    "last_customer_message_at": "now()",
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_planted_difference_is_found(planted: str, webhook: Program, tenant: Tenant) -> None:
    wamids = await _conversation(webhook, tenant)
    statement, expected = PLANTED[planted]
    await tenant.rows(statement, wamid=wamids[2], first=wamids[0])
    found = {(row["table"], row["key"], row["column"]) for row in await differences(tenant)}
    wanted = expected(tenant.phone_number_id, wamids)
    assert wanted in found
    # Nothing else is wrong with messages and reports; a thread shows what follows from it as well.
    assert [name for name in found if name[0] == wanted[0] != "conversations"] in ([wanted], [])


async def test_a_customers_message_that_is_said_to_be_ours_is_found(webhook: Program, tenant: Tenant) -> None:
    *_, wamid = await _conversation(webhook, tenant)
    await tenant.rows(
        "update messages set direction = 'outbound', status = 'sent' where wamid = %(wamid)s", wamid=wamid
    )
    found = {(row["column"], row["live"], row["rebuilt"]) for row in await differences(tenant) if row["key"] == wamid}
    assert found == {("direction", "outbound", "inbound"), ("status", "sent", "received")}


async def test_a_thread_that_the_inbox_does_not_show_where_it_should_is_found(webhook: Program, tenant: Tenant) -> None:
    await _conversation(webhook, tenant)
    await tenant.rows(
        "update private.inbox_places set state = 4 where conversation_id ="
        " (select id from conversations where workspace_id = %(workspace)s and phone = '972502220000')"
    )
    assert [(row["column"], row["live"], row["rebuilt"]) for row in await differences(tenant)] == [("places", 0, 1)]


# What the journal tells of a message, beside what is planted above; and of a thread.
MESSAGE = {
    "type": "'forged'",
    "reply_to_wamid": "'forged'",
    "sent_at": "now()",
    "edited_at": "now()",
    "original_content": "'{}'",
    "revoked_at": "now()",
    "imported": "true",
    "media_id": "'forged'",
    "media_filename": "'forged'",
    "media_mime_type": "'forged'",
    "media_sha256": "'forged'",
    "wa_id": "'1'",
    "bsuid": "'forged'",
    "profile_name": "'Forged'",
}
THREAD = {"phone": "'1'", "bsuid": "'forged'"}


@pytest.mark.parametrize(("table", "forged"), [("messages", MESSAGE), ("conversations", THREAD)])
async def test_no_column_that_the_journal_tells_of_can_be_forged(
    table: str, forged: dict[str, str], webhook: Program, tenant: Tenant
) -> None:
    *_, wamid = await _conversation(webhook, tenant)
    where = "wamid = %(wamid)s" if table == "messages" else "phone = '972502220000'"
    changed = ", ".join(f"{column} = {value}" for column, value in forged.items())
    await tenant.rows(f"update {table} set {changed} where workspace_id = %(workspace)s and {where}", wamid=wamid)
    found = {row["column"] for row in await differences(tenant) if row["table"] == table}
    assert found >= forged.keys()


@pytest.mark.parametrize("column", STATISTICS)
async def test_a_statistic_that_is_not_what_the_messages_give_is_found(
    column: str, webhook: Program, tenant: Tenant
) -> None:
    await _conversation(webhook, tenant)
    await tenant.rows(
        f"update conversations set {column} = {STATISTICS[column]}"
        " where workspace_id = %(workspace)s and phone = '972502220000'"
    )
    assert {row["column"] for row in await differences(tenant)} == {column}
