"""Where `wabase verify` must not be wrong: what it may not miss, and what it may not cry about."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, digits
from tests.ops.conftest import differences, wabase
from tests.webhook.posting import post, reports, text_from_customer


async def _written(webhook: Program, tenant: Tenant, phone: str, words: str, wamid: str = "", **fields: Any) -> str:
    """A message of somebody, without a name; its wamid."""
    wamid = wamid or f"wamid.{digits()}"
    body = text_from_customer(tenant, words, id=wamid, **{"from": phone, "from_user_id": f"IL.{phone}"}, **fields)
    del body["entry"][0]["changes"][0]["value"]["contacts"]
    assert await post(webhook, tenant, body) == 200
    await tenant.until_messages(lambda rows: wamid in [row["wamid"] for row in rows])
    return wamid


async def _reported(webhook: Program, tenant: Tenant, wamid: str, *statuses: str) -> None:
    for hour, status in enumerate(statuses):
        report = {"id": wamid, "status": status, "timestamp": str(1794132000 + 3600 * hour)}
        assert await post(webhook, tenant, reports(tenant, report)) == 200
    query = "select * from message_statuses where wamid = %(wamid)s and connection_id = %(connection)s"
    await tenant.until_events(*["processed"] * len(await tenant.events()))
    assert len(await tenant.rows(query, wamid=wamid)) == len(statuses)


async def _sent(tenant: Tenant, phone: str) -> str:
    wamid = f"ours.{digits()}"
    await tenant.rows(
        "insert into messages (workspace_id, connection_id, conversation_id, wamid, direction, status, type, content)"
        " select workspace_id, connection_id, id, %(wamid)s, 'outbound', 'sent', 'text', '{}'"
        " from conversations where workspace_id = %(workspace)s and phone = %(phone)s",
        wamid=wamid,
        phone=phone,
    )
    return wamid


async def _found(tenant: Tenant) -> set[tuple[str, str, str | None]]:
    return {(row["table"], row["key"], row["column"]) for row in await differences(tenant)}


async def test_a_message_in_somebody_elses_thread_is_found(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    moved = await _written(webhook, tenant, "972502220000", "two")
    await tenant.rows(
        "update messages set conversation_id = (select id from conversations where workspace_id = %(workspace)s"
        " and phone = '972501110000') where wamid = %(wamid)s",
        wamid=moved,
    )
    assert {column for table, _, column in await _found(tenant) if table == "conversations"} == {"messages"}


async def test_a_status_of_a_message_that_nothing_was_reported_of_is_found(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    wamid = await _sent(tenant, "972501110000")
    assert await _found(tenant) == set()
    await tenant.rows("update messages set status = 'read' where wamid = %(wamid)s", wamid=wamid)
    assert await _found(tenant) == {("messages", wamid, "status")}


async def test_a_time_of_ours_that_is_not_what_the_reports_say_is_found(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    wamid = await _sent(tenant, "972501110000")
    await _reported(webhook, tenant, wamid, "sent", "delivered", "read", "played", "failed")
    assert await _found(tenant) == set()
    times = ("sent_at", "delivered_at", "read_at", "played_at", "failed_at")
    forged = ", ".join(f"{time} = {time} + interval '1 minute'" for time in times)
    await tenant.rows(f"update messages set {forged} where wamid = %(wamid)s", wamid=wamid)
    assert await _found(tenant) == {("messages", wamid, time) for time in times}


async def test_a_time_of_sending_that_no_report_tells_is_no_difference(webhook: Program, tenant: Tenant) -> None:
    """The worker's own word: no webhook has it."""
    await _written(webhook, tenant, "972501110000", "one")
    wamid = await _sent(tenant, "972501110000")
    await _reported(webhook, tenant, wamid, "delivered")
    await tenant.rows("update messages set sent_at = now() where wamid = %(wamid)s", wamid=wamid)
    assert await _found(tenant) == set()


async def test_a_report_that_nobody_made_is_found(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    wamid = await _sent(tenant, "972501110000")
    await _reported(webhook, tenant, wamid, "delivered")
    await tenant.rows(
        "insert into message_statuses (workspace_id, connection_id, wamid, status, occurred_at)"
        " values (%(workspace)s, %(connection)s, %(wamid)s, 'sent', now())",
        wamid=wamid,
    )
    assert ("message_statuses", f"{wamid} sent", None) in await _found(tenant)


async def test_two_messages_of_one_second_are_no_difference(webhook: Program, tenant: Tenant) -> None:
    own = digits()
    await _written(webhook, tenant, "972501110000", "one", f"wamid.z{own}", timestamp="1794132000")
    await _written(webhook, tenant, "972501110000", "two", f"wamid.a{own}", timestamp="1794132000")
    assert await differences(tenant) == []


async def test_what_the_journal_no_longer_has_is_no_difference(webhook: Program, tenant: Tenant) -> None:
    old = await _written(webhook, tenant, "972501110000", "old", timestamp="1700000000")
    await tenant.rows("delete from webhook_events where phone_number_id = %(number)s")
    await tenant.rows("update messages set created_at = '2023-11-15' where wamid = %(wamid)s", wamid=old)
    await _written(webhook, tenant, "972501110000", "new")
    assert await differences(tenant) == []


async def test_an_event_that_waited_long_for_its_number_may_be_purged_soon_after(
    webhook: Program, tenant: Tenant
) -> None:
    await _written(webhook, tenant, "972501110000", "old", timestamp="1700000000")
    await tenant.rows("delete from webhook_events where phone_number_id = %(number)s")
    assert await differences(tenant) == []


async def test_reports_older_than_the_journal_are_taken_as_they_are(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    wamid = await _sent(tenant, "972501110000")
    await _reported(webhook, tenant, wamid, "delivered")
    await tenant.rows("delete from webhook_events where position(%(wamid)s in body::text) > 0", wamid=wamid)
    await tenant.rows("update message_statuses set received_at = '2023-11-15' where wamid = %(wamid)s", wamid=wamid)
    value = {"metadata": {"phone_number_id": tenant.phone_number_id}}
    value["statuses"] = [{"id": wamid, "status": "read", "timestamp": "1794139200"}]  # type: ignore[assignment]
    body = {"entry": [{"id": tenant.waba_id, "changes": [{"field": "messages", "value": value}]}]}
    assert await post(webhook, tenant, body) == 200
    await tenant.until_messages(lambda rows: "read" in [row["status"] for row in rows])
    assert await differences(tenant) == []


async def test_an_event_that_is_being_replayed_is_no_difference(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    await tenant.rows(
        "update webhook_events set state = 'received', lease_expires_at = now() + interval '1 hour'"
        " where phone_number_id = %(number)s"
    )
    assert await differences(tenant) == []


async def test_receivers_may_go_on_writing_meanwhile(webhook: Program, tenant: Tenant) -> None:
    ended = asyncio.Event()

    async def write() -> int:
        written = 0
        while not ended.is_set():
            await _written(webhook, tenant, "972501110000", f"{written}")
            written += 1
        return written

    writer = asyncio.create_task(write())
    try:
        assert await differences(tenant) == []
    finally:
        ended.set()
        assert await writer > 1


async def test_statistics_of_another_number_are_not_this_numbers(webhook: Program, tenant: Tenant) -> None:
    await _written(webhook, tenant, "972501110000", "one")
    await tenant.rows("update workspaces set connection_limit = 2 where id = %(workspace)s")
    await tenant.rows(
        "with other as (insert into whatsapp_connections (workspace_id, provider, phone_number_id)"
        " values (%(workspace)s, '360dialog', %(other)s) returning id)"
        " insert into conversations (workspace_id, connection_id, phone) select %(workspace)s, id, '1' from other",
        other=digits(),
    )
    await tenant.rows("update conversations set unread_count = 7 where workspace_id = %(workspace)s and phone = '1'")
    assert await differences(tenant) == []
    whole = await wabase("verify", "--workspace", tenant.workspace_id, "--json")
    assert [row["column"] for row in whole.json["differences"]] == ["unread_count"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("verify", "--workspace", "no uuid"),
        ("inbound", "list", "--since", "yesterday"),
        ("inbound", "replay", "4711", "--state", "failed"),
    ],
    ids=" ".join,
)
async def test_what_cannot_be_meant_is_refused_as_wrong_usage(arguments: tuple[str, ...]) -> None:
    answer = await wabase(*arguments)
    assert (answer.status, answer.said) == (2, "")
    assert "Traceback" not in answer.complained
