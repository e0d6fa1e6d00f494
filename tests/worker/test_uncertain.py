"""The answer to a send is lost: the message is never sent again, and the report that echoes our id settles it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.shop import Shop
from tests.flows.waiting import until

pytestmark = pytest.mark.usefixtures("worker")

LOST_AFTER_ACCEPTING = {"cut": "after"}


async def test_a_line_cut_after_accepting_is_settled_by_the_echo_of_our_id(shop: Shop) -> None:
    await shop.business.behave(statuses=[])
    await shop.business.fault("messages", LOST_AFTER_ACCEPTING)
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "uncertain")
    assert (message["wamid"], message["error"]["code"]) == (None, "uncertain")
    await shop.report("delivered")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "delivered")
    (sent,) = await shop.sent()
    assert (message["wamid"], message["error"], await shop.sends()) == (sent["wamid"], None, 1)
    assert await shop.tenant.rows("select 1 from outbox where message_id = %(id)s", id=message_id) == []


async def test_an_echo_that_is_quicker_than_the_lost_answer_settles_it_too(shop: Shop) -> None:
    await shop.business.fault("messages", {"delay_ms": 700, **LOST_AFTER_ACCEPTING})
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    await until(lambda: shop.business.seen("requests", operation="messages"), lambda rows: rows[0]["status"] == 0)
    assert (await shop.tenant.message(message_id))["status"] == "read"
    assert ((await shop.sent())[0]["wamid"], await shop.sends()) == (message["wamid"], 1)


@pytest.mark.parametrize(
    "action",
    [
        {"cut": "before"},
        {"http": 502, "body": "<html>Bad Gateway</html>"},
        {"http": 504, "body": {"meta": {"success": False, "developer_message": "upstream timed out"}}},
        {"http": 200, "body": "<html>welcome</html>"},
    ],
)
async def test_a_send_that_may_have_arrived_is_never_repeated(shop: Shop, action: dict[str, Any]) -> None:
    await shop.business.fault("messages", action, times=1)
    message_id = await shop.queue_text()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "uncertain")
    await let_pass(shop, message_id, "10 minutes")
    bystander = await shop.queue_text("the worker has looked again")
    await shop.tenant.until_message(bystander, lambda row: row["status"] == "read")
    assert ((await shop.tenant.message(message_id))["status"], await shop.sends()) == ("uncertain", 2)


async def test_without_a_report_it_fails_in_the_end_and_a_late_report_still_counts(shop: Shop) -> None:
    await shop.business.behave(statuses=[])
    await shop.business.fault("messages", LOST_AFTER_ACCEPTING)
    message_id = await shop.queue_text()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "uncertain")
    await let_pass(shop, message_id, "16 minutes")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert (message["error"]["code"], await shop.sends()) == ("outcome_unknown", 1)
    await shop.report("sent")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "sent")
    assert message["error"] is None


async def test_an_uncertain_head_holds_its_followers_for_a_minute(shop: Shop) -> None:
    await shop.business.fault("messages", {"cut": "before"}, times=1)
    head, follower = await shop.tenant.queue_all(await shop.tenant.conversation(), "lost", "waits")
    await shop.tenant.until_message(head, lambda row: row["status"] == "uncertain")
    bystander = await shop.queue_text("somebody else's")
    await shop.tenant.until_message(bystander, lambda row: row["status"] == "read")
    assert (await shop.tenant.message(follower))["status"] == "queued"
    await let_pass(shop, head, "61 seconds")
    await shop.queue_text("the worker has looked again")
    await shop.tenant.until_message(follower, lambda row: row["status"] == "read")
    assert (await shop.tenant.message(head))["status"] == "uncertain"
    assert "lost" not in await shop.sent_texts()


async def test_an_answer_that_cannot_be_recorded_holds_up_nobody_else(shop: Shop) -> None:
    await shop.business.behave(statuses=[])
    answer = {"messages": [{"id": f"wamid.same-for-all-of-{shop.business.id}"}]}
    await shop.business.fault("messages", {"http": 200, "body": answer}, times=2)
    await shop.queue_text("one")
    await shop.queue_text("two")
    await until(shop.sends, lambda count: count == 2)
    other = await shop.queue_text("three")
    await shop.tenant.until_message(other, lambda row: row["status"] == "sent")
    statuses = [row["status"] for row in await shop.tenant.messages() if row["direction"] == "outbound"]
    assert sorted(statuses) == ["sending", "sent", "sent"]


async def let_pass(shop: Shop, message_id: str, time: str) -> None:
    """Time as the outbox sees it: nobody here waits 15 minutes."""
    await shop.tenant.rows(
        "update outbox set uncertain_since = uncertain_since - %(time)s::interval where message_id = %(id)s",
        id=message_id,
        time=time,
    )
    await shop.tenant.rows(
        "select private.set_heads(array(select conversation_id from outbox where message_id = %(id)s))", id=message_id
    )
