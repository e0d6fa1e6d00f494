"""From a row in the outbox to a message at WhatsApp, and its ticks back."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Program
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from whatsapp.errors import REMEDIES, ErrorClass

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_text_goes_out_with_our_id_and_its_ticks_come_back(shop: Shop) -> None:
    conversation_id = await shop.tenant.conversation("972501112233")
    message_id = await shop.tenant.queue(conversation_id, "it is ready")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    (sent,) = await shop.sent()
    assert sent["body"] == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "972501112233",
        "type": "text",
        "text": {"body": "it is ready"},
        "biz_opaque_callback_data": message_id,
    }
    assert (message["wamid"], message["error"]) == (sent["wamid"], None)
    assert message["sent_at"] and message["delivered_at"] and message["read_at"]
    assert await shop.tenant.rows("select 1 from outbox where message_id = %(id)s", id=message_id) == []


async def test_a_template_goes_out_in_the_workspaces_language_when_it_names_none(shop: Shop) -> None:
    await shop.business.control(
        "templates", name="order_ready", language="he", components=[{"type": "BODY", "text": "Order {{1}} is ready"}]
    )
    components = [{"type": "body", "parameters": [{"type": "text", "text": "42"}]}]
    message_id = await shop.tenant.queue(
        await shop.tenant.conversation(), {"name": "order_ready", "components": components}, "template"
    )
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    (sent,) = await shop.sent()
    assert sent["body"]["template"] == {
        "name": "order_ready",
        "language": {"code": "he"},
        "components": components,
    }


async def test_a_reply_quotes_the_message_it_answers(shop: Shop) -> None:
    conversation_id = await shop.tenant.conversation()
    (theirs,) = await shop.tenant.messages()
    await shop.tenant.rows(
        "insert into messages (workspace_id, conversation_id, type, content, reply_to_wamid)"
        " values (%(workspace)s, %(conversation)s, 'text', '{\"body\": \"yes\"}', %(wamid)s)",
        conversation=conversation_id,
        wamid=theirs["wamid"],
    )
    (sent,) = await until(shop.sent)
    assert sent["body"]["context"] == {"message_id": theirs["wamid"]}


async def test_somebody_without_a_phone_is_answered_by_user_id(shop: Shop) -> None:
    await shop.business.receive({"type": "text", "text": {"body": "hi"}}, None, user_id="IL.13491208655302741918")
    (message,) = await shop.tenant.until_messages(bool)
    message_id = await shop.tenant.queue(str(message["conversation_id"]), "hello, whoever you are")
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    (sent,) = await shop.sent()
    assert (sent["body"]["recipient"], sent["body"].get("to")) == ("IL.13491208655302741918", None)


async def test_a_group_is_written_to_as_a_group(shop: Shop) -> None:
    (thread,) = await shop.tenant.rows(
        "insert into conversations (workspace_id, connection_id, group_id, last_customer_message_at, window_expires_at)"
        " values (%(workspace)s, %(connection)s, 'Y2FwaV9ncm91cDox', now(), now() + interval '1 day') returning id"
    )
    message_id = await shop.tenant.queue(str(thread["id"]), "hello, everybody")
    await shop.tenant.until_message(message_id, lambda row: row["wamid"])
    (sent,) = await shop.sent()
    assert (sent["body"]["recipient_type"], sent["body"]["to"]) == ("group", "Y2FwaV9ncm91cDox")


async def test_messages_of_a_conversation_go_out_in_the_order_they_were_written(shop: Shop) -> None:
    await shop.business.behave(answer_delay_ms=30)
    conversation_id = await shop.tenant.conversation()
    texts = [f"line {place}" for place in range(8)]
    await shop.tenant.queue_all(conversation_id, *texts)
    await until(shop.sent, lambda rows: len(rows) == len(texts))
    assert await shop.sent_texts() == texts


async def test_a_slow_conversation_does_not_hold_up_another(shop: Shop) -> None:
    slow, quick = await shop.tenant.conversation("972500000001"), await shop.tenant.conversation("972500000002")
    await shop.business.fault("messages", {"hang": 4}, to="972500000001", times=1)
    await shop.tenant.queue_all(slow, "slow", "after slow")
    await shop.tenant.queue_all(quick, "quick")
    await until(shop.sent_texts, lambda texts: texts == ["quick"], within=4)
    await until(shop.sent_texts, lambda texts: texts == ["quick", "slow", "after slow"], within=20)


@pytest.mark.parametrize(
    ("code", "expected"), [(131026, ErrorClass.PERMANENT), (131050, ErrorClass.SUPPRESS), (131047, ErrorClass.WINDOW)]
)
async def test_a_refused_message_fails_with_what_a_person_can_do(shop: Shop, code: int, expected: ErrorClass) -> None:
    await shop.business.fault("messages", {"error": code, "details": "because"})
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    error = message["error"]
    assert (error["code"], error["class"], error["remedy"]) == (code, expected, REMEDIES[expected])
    assert (error["details"], bool(error["title"]), bool(message["failed_at"])) == ("because", True, True)
    assert await shop.sends() == 1


async def test_a_failed_head_lets_its_followers_go(shop: Shop) -> None:
    await shop.business.fault("messages", {"error": 131026}, times=1)
    await shop.tenant.queue_all(await shop.tenant.conversation(), "refused", "fine")
    await until(shop.sent_texts, lambda texts: texts == ["fine"])


async def test_a_template_that_does_not_exist_is_whatsapps_word_on_the_message(shop: Shop) -> None:
    message_id = await shop.tenant.queue(await shop.tenant.conversation(), {"name": "no_such"}, "template")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert (message["error"]["code"], message["error"]["class"]) == (132001, "TEMPLATE")


async def test_a_failure_reported_later_fails_the_message(shop: Shop) -> None:
    await shop.business.fault("messages", {"failed": 131049})
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert message["error"]["code"] == 131049
    assert message["wamid"] == (await shop.sent())[0]["wamid"]


@pytest.mark.parametrize("action", [{"error": 130429}, {"error": 131000}, {"http": 429, "retry_after": 1}])
async def test_what_is_throttled_or_passing_is_tried_again(shop: Shop, action: dict[str, int]) -> None:
    await shop.business.fault("messages", action, times=1)
    conversation_id = await shop.tenant.conversation()
    message_id, _ = await shop.tenant.queue_all(conversation_id, "first", "second")
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "read" and row["error"] is None)
    await until(shop.sent_texts, lambda texts: texts == ["first", "second"])


async def test_a_code_that_is_worth_one_more_try_gets_no_third(shop: Shop) -> None:
    await shop.business.fault("messages", {"error": 135000})
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert (message["error"]["code"], await shop.sends()) == (135000, 2)


async def test_a_number_taken_for_spam_waits_an_hour(shop: Shop) -> None:
    await shop.business.fault("messages", {"error": 131048})
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["error"])
    assert (message["status"], message["error"]["class"]) == ("queued", "THROTTLE")
    explained = await shop.explained(message_id)
    assert explained["reason"] == "number_rate"
    assert datetime.fromisoformat(explained["until"]) > datetime.now(UTC) + timedelta(minutes=59)


@pytest.mark.parametrize("error", [None, 131016])
async def test_an_answer_that_asks_for_years_is_given_an_hour(shop: Shop, error: int | None) -> None:
    body = {"error": {"code": error, "message": "later"}} if error else "later"
    await shop.business.fault("messages", {"http": 503 if error else 429, "body": body, "retry_after": 999_999_999})
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["error"])
    until_then = datetime.fromisoformat((await shop.explained(message_id))["until"])
    assert message["status"] == "queued"
    assert timedelta(minutes=59) < until_then - datetime.now(UTC) <= timedelta(hours=1)


async def test_each_connection_is_reached_with_its_own_credential(
    shop: Shop, database: Connect, simulator: Simulator, webhook: Program
) -> None:
    other = await Shop.new(database, simulator, webhook)
    await asyncio.gather(shop.queue_text("from one"), other.queue_text("from other"))
    assert await until(shop.sent_texts) == ["from one"]
    assert await until(other.sent_texts) == ["from other"]


async def test_metas_dialect_is_spoken_to_a_meta_connection(
    database: Connect, simulator: Simulator, webhook: Program
) -> None:
    business = await simulator.business()
    await business.behave(enforce_window="off")
    tenant = await Tenant.new(database, business.id, business.waba_id, provider="meta")
    await tenant.set_credential(business.access_token)
    message_id = await tenant.queue(await tenant.conversation(), "hello")
    await tenant.until_message(message_id, lambda row: row["status"] == "sent")
    (request,) = await business.seen("requests", operation="messages")
    assert (request["dialect"], request["path"]) == ("meta", f"/v25.0/{business.id}/messages")


async def test_a_new_credential_is_taken_up_after_the_old_one_is_refused(
    database: Connect, simulator: Simulator, webhook: Program
) -> None:
    shop = await Shop.new(database, simulator, webhook, credential=None)
    async with database() as connection, connection.transaction():
        own = [shop.tenant.connection_id]
        await connection.execute("select set_connection_credential(%s, 'revoked')", own)
        # Nobody else finds out: it is the send that is refused.
        await connection.execute(
            "update private.connection_chores set due_at = 'infinity' where connection_id = %s", own
        )
    message_id = await shop.queue_text("queued under the old key")
    message = await shop.tenant.until_message(message_id, lambda row: row["error"])
    assert (message["status"], message["error"]["class"]) == ("queued", "AUTH")
    assert (await shop.explained(message_id))["reason"] == "connection_paused"
    await shop.tenant.set_credential(shop.business.api_key)
    assert await until(shop.sent_texts) == ["queued under the old key"]


async def test_neither_texts_nor_credentials_nor_phones_are_in_the_logs(shop: Shop, worker: Program) -> None:
    await shop.business.fault("messages", {"error": 131026}, times=1)
    await shop.tenant.queue_all(await shop.tenant.conversation("972509998877"), "very private", "very private")
    await until(shop.sent_texts)
    for secret in ("very private", shop.business.api_key, "972509998877"):
        assert secret not in worker.said
