"""What people do to messages on their way, while two workers claim: taken back, repeated, stopped, refused."""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.claims import people_of, tell

pytestmark = pytest.mark.usefixtures("workers")


async def test_a_message_is_either_taken_back_or_sent(shop: Shop) -> None:
    await shop.business.behave(answer_delay_ms=300, statuses=[])
    messages = await tell(shop.tenant, await people_of(shop.tenant, 40))
    taken_back = dict(zip(messages, await asyncio.gather(*(cancel(shop, one) for one in messages)), strict=True))
    await until(shop.sends, lambda count: count == list(taken_back.values()).count(False))
    for message_id, canceled in taken_back.items():
        wanted = "canceled" if canceled else "sent"
        await shop.tenant.until_message(message_id, lambda row, wanted=wanted: row["status"] == wanted)
    sent = {row["body"]["biz_opaque_callback_data"] for row in await shop.sent()}
    assert sent == {message_id for message_id, canceled in taken_back.items() if not canceled}


async def test_what_is_taken_back_in_time_is_never_sent_and_lets_its_followers_go(shop: Shop) -> None:
    await shop.tenant.rows("select pause_connection(%(connection)s)")
    first, second = await tell(shop.tenant, (await people_of(shop.tenant, 1)) * 2)
    assert await cancel(shop, first)
    await shop.tenant.rows("select resume_connection(%(connection)s)")
    await shop.tenant.until_message(second, lambda row: row["status"] == "read")
    assert ((await shop.tenant.message(first))["status"], await shop.sends()) == ("canceled", 1)
    assert not await cancel(shop, second), "too late"


async def test_a_retry_is_the_same_row_and_the_past_cannot_touch_it(shop: Shop) -> None:
    await shop.business.fault("messages", {"failed": 131049}, times=1)
    message_id = await shop.queue_text()
    failed = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    await shop.tenant.rows("select retry_message(%(id)s)", id=message_id)
    again = await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    first, second = await shop.sent()
    assert [row["body"]["biz_opaque_callback_data"] for row in (first, second)] == [message_id, f"{message_id}/1"]
    assert (failed["wamid"], again["wamid"], again["error"]) == (first["wamid"], second["wamid"], None)
    (before,) = again["previous_attempts"]
    assert (before["wamid"], before["error"]["code"]) == (first["wamid"], 131049)
    # What is said about the first attempt comes late, and once more.
    old = {"id": first["wamid"], "biz_opaque_callback_data": message_id}
    await shop.report("failed", **old, errors=[{"code": 131026, "title": "Message undeliverable"}])
    await shop.report("played", **old)
    told = "select 1 from message_statuses where wamid = %(wamid)s and status = 'played'"
    await until(lambda: shop.tenant.rows(told, wamid=first["wamid"]))
    assert await shop.tenant.message(message_id) == again
    assert await shop.sends() == 2


async def test_a_repeated_insert_with_its_reference_is_refused_and_sends_nothing(shop: Shop) -> None:
    insert = (
        "insert into messages (workspace_id, conversation_id, type, content, client_reference)"
        " values (%(workspace)s, %(thread)s, 'text', '{\"body\": \"hello\"}', 'order 42')"
    )
    (thread,) = await people_of(shop.tenant, 1)
    answers = await asyncio.gather(*(shop.tenant.rows(insert, thread=thread) for _ in range(5)), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, psycopg.Error)]
    assert [error.sqlstate for error in refused] == ["23505"] * 4
    await shop.tenant.until_messages(lambda rows: [row["status"] for row in rows] == ["received", "read"])
    assert await shop.sends() == 1


async def test_a_paused_number_keeps_its_queue_and_goes_on_where_it_was(shop: Shop, other: Shop) -> None:
    await shop.tenant.rows("select pause_connection(%(connection)s)")
    messages = await tell(shop.tenant, (await people_of(shop.tenant, 1)) * 5)
    bystander = await other.queue_text("another number's")
    await other.tenant.until_message(bystander, lambda row: row["status"] == "read")
    assert [(await shop.explained(one))["reason"] for one in messages] == ["connection_paused"] * 5
    assert await shop.sends() == 0
    await shop.tenant.rows("select resume_connection(%(connection)s)")
    await until(shop.sends, lambda count: count == 5)
    assert [row["body"]["biz_opaque_callback_data"] for row in await shop.sent()] == messages


async def test_a_window_that_closes_before_the_claim_fails_the_message_unsent(shop: Shop) -> None:
    await shop.tenant.rows("select pause_connection(%(connection)s)")
    message_id, follower = await tell(shop.tenant, (await people_of(shop.tenant, 1)) * 2)
    await shop.tenant.rows(
        "update conversations set window_expires_at = now() - interval '1 minute' where connection_id = %(connection)s"
    )
    await shop.tenant.rows("select resume_connection(%(connection)s)")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert (message["error"]["code"], message["error"]["class"]) == ("window_closed", "WINDOW")
    assert bool(message["error"]["remedy"]) and bool(message["failed_at"])
    await shop.tenant.until_message(follower, lambda row: row["status"] == "failed")
    assert await shop.sends() == 0


@pytest.mark.parametrize(
    ("category", "wanted"), [("MARKETING", "failed"), ("Marketing", "failed"), ("UTILITY", "read")]
)
async def test_who_wants_no_marketing_gets_none_and_everything_else(shop: Shop, category: str, wanted: str) -> None:
    (thread,) = await people_of(shop.tenant, 1)
    body = [{"type": "BODY", "text": "News"}]
    await shop.business.control("templates", name="news", components=body, category=category)
    # The worker's own listing may have come first, and says the same.
    await shop.tenant.rows(
        "insert into message_templates (workspace_id, connection_id, name, language, category, status)"
        " values (%(workspace)s, %(connection)s, 'news', 'en_US', %(category)s, 'APPROVED') on conflict do nothing",
        category=category,
    )
    await shop.tenant.rows(
        "with person as (insert into contacts (workspace_id, phone, marketing_opted_out_at)"
        " values (%(workspace)s, '+972501112233', now()) returning id)"
        " update conversations set contact_id = (select id from person) where id = %(thread)s",
        thread=thread,
    )
    template = {"name": "news", "language": {"code": "en_US"}}
    message_id = await shop.tenant.queue(thread, template, "template")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == wanted)
    assert (message["error"] or {}).get("class") == ("SUPPRESS" if wanted == "failed" else None)
    assert await shop.sends() == (wanted == "read")


async def cancel(shop: Shop, message_id: str) -> bool:
    """Whether it could still be taken back."""
    try:
        await shop.tenant.rows("select cancel_message(%(id)s)", id=message_id)
    except psycopg.Error as error:
        assert error.sqlstate == "WA007"
        return False
    return True
