"""Webhooks: who gets them, how they are signed, retried, batched, and disturbed on the way."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import Counter

from tests.devstack.provider.conftest import NewBusiness
from tests.devstack.provider.receiver import Receiver, listening
from tests.devstack.provider.simulator import Business, Simulator

HI = {"type": "text", "text": {"body": "hi"}}


async def meta_only(simulator: Simulator, receiver: Receiver, app_secret: str) -> Business:
    """A number whose webhooks go to the Meta app of its WABA."""
    business = await simulator.business()
    app = {"callback_url": receiver.url, "verify_token": "right", "app_secret": app_secret}
    answer = await simulator.control("meta_app", app | {"waba_id": business.waba_id})
    assert answer["verified"]
    return business


async def test_inbound_message_arrives_in_meta_s_envelope(business: Business, heard: Receiver) -> None:
    wamid = await business.receive(HI, "972501234567", profile_name="Dana")
    await heard.until(lambda r: len(r.webhooks) == 1)
    body = heard.webhooks[0].body
    assert body["object"] == "whatsapp_business_account"
    assert body["entry"][0]["id"] == business.waba_id
    [value] = heard.webhooks[0].values
    assert value["metadata"]["phone_number_id"] == business.id
    [contact], [message] = value["contacts"], value["messages"]
    assert (contact["profile"]["name"], contact["wa_id"]) == ("Dana", "972501234567")
    assert (message["id"], message["from"], message["text"]) == (wamid, "972501234567", {"body": "hi"})
    assert message["from_user_id"] == contact["user_id"]
    assert message["from_user_id"].startswith("IL.")


async def test_webhook_carries_the_registered_headers(business: Business, heard: Receiver) -> None:
    await business.receive(HI)
    await heard.until(lambda r: len(r.webhooks) == 1)
    assert heard.webhooks[0].headers["Authorization"] == "Bearer secret"
    assert "X-Hub-Signature-256" not in heard.webhooks[0].headers


async def test_registration_can_be_read_back(business: Business, heard: Receiver) -> None:
    answer = await business.call("GET", "/v1/configs/webhook")
    assert answer.body == {"url": heard.url, "headers": {"Authorization": "Bearer secret"}}


async def test_unusable_url_is_refused_in_the_gateway_s_form(business: Business) -> None:
    for url in ("nonsense", "https://under_score.example.com/hook"):
        answer = await business.call("POST", "/v1/configs/webhook", json={"url": url})
        assert (answer.status, answer.body["meta"]["http_code"]) == (400, 400)


async def test_number_webhook_wins_over_waba_webhook_unless_overridden(new_business: NewBusiness) -> None:
    business = await new_business()
    async with listening() as own, listening() as shared:
        await business.listen(own)
        await business.call("POST", "/waba_webhook", json={"url": shared.url})
        await business.receive(HI)
        await own.until(lambda r: len(r.messages) == 1)
        await business.call("POST", "/waba_webhook", json={"url": shared.url, "override_all": True})
        await business.receive(HI)
        await shared.until(lambda r: len(r.messages) == 1)
        assert len(own.messages) == 1


async def test_new_api_key_wipes_the_webhook(simulator: Simulator, business: Business, heard: Receiver) -> None:
    fresh = secrets.token_hex(8)
    for api_key, url in ((business.api_key, heard.url), (fresh, None)):
        await simulator.control("numbers", {"phone_number_id": business.id, "api_key": api_key})
        answer = await simulator.call("GET", "/v1/configs/webhook", headers={"D360-API-KEY": api_key})
        assert answer.body["url"] == url
    assert (await business.call("GET", "/v1/configs/webhook")).status == 401


async def test_meta_webhook_is_signed_over_the_raw_bytes(simulator: Simulator, receiver: Receiver) -> None:
    business = await meta_only(simulator, receiver, "app secret")
    await business.receive({"type": "text", "text": {"body": "שלום 👋"}})
    await receiver.until(lambda r: len(r.webhooks) == 1)
    expected = hmac.new(b"app secret", receiver.webhooks[0].raw, hashlib.sha256).hexdigest()
    assert receiver.webhooks[0].headers["X-Hub-Signature-256"] == f"sha256={expected}"


async def test_meta_app_with_a_wrong_verify_token_is_not_registered(
    simulator: Simulator, business: Business, receiver: Receiver
) -> None:
    app = {
        "callback_url": receiver.url,
        "verify_token": "wrong",
        "app_secret": "s",
        "waba_id": business.waba_id,
    }
    answer = await simulator.control("meta_app", app)
    assert (answer["verified"], answer["status"]) == (False, 403)
    await business.receive(HI)
    assert [row["state"] for row in await business.seen("deliveries")] == ["no_webhook"]


async def test_unsubscribed_waba_gets_no_webhooks(simulator: Simulator, receiver: Receiver) -> None:
    business = await meta_only(simulator, receiver, "s")
    path = f"/{business.waba_id}/subscribed_apps"
    assert len((await business.call_graph("GET", path)).body["data"]) == 1
    await business.call_graph("DELETE", path)
    await business.receive(HI)
    assert (await business.seen("deliveries"))[0]["state"] == "no_webhook"
    await business.call_graph("POST", path)
    await business.receive(HI)
    await receiver.until(lambda r: len(r.messages) == 1)


async def test_anything_but_200_is_retried_until_it_is_200(business: Business, heard: Receiver) -> None:
    await business.behave(retry_start_ms=5)
    heard.answers = [500, 401, 204, 302]
    wamid = await business.receive(HI)
    await heard.until(lambda r: len(r.webhooks) == 5)
    assert {message["id"] for message in heard.messages} == {wamid}
    assert len({webhook.raw for webhook in heard.webhooks}) == 1
    [row] = await business.seen("deliveries")
    assert row["attempts"] == 5
    assert row["responses"][:4] == [500, 401, 204, 302]


async def test_retries_can_be_limited(business: Business, heard: Receiver) -> None:
    await business.behave(retry_start_ms=5, retry_limit=2)
    heard.answers = [500] * 9
    await business.receive(HI)
    await heard.until(lambda r: len(r.webhooks) == 3)
    await business.receive(HI)
    await heard.until(lambda r: len(r.webhooks) == 6)
    assert (await business.seen("deliveries"))[0]["state"] == "abandoned"


async def test_webhook_registered_later_gets_what_waits(business: Business) -> None:
    await business.behave(retry_start_ms=20, retry_cap_ms=50)
    gone = Receiver(url="http://127.0.0.1:9/hook")
    await business.listen(gone)
    wamid = await business.receive(HI)
    async with listening() as receiver:
        await business.listen(receiver)
        await receiver.until(lambda r: len(r.messages) >= 1)
        assert receiver.messages[0]["id"] == wamid


async def test_batch_puts_many_messages_into_one_body(business: Business, heard: Receiver) -> None:
    messages = [{"from": f"97250000000{n % 2}", "message": HI} for n in range(5)]
    answer = await business.control("batch", messages=messages)
    await heard.until(lambda r: len(r.messages) == 5)
    assert len(heard.webhooks) == 1
    assert [message["id"] for message in heard.messages] == answer["wamids"]
    assert len(heard.webhooks[0].values[0]["contacts"]) == 2


async def test_any_body_can_be_posted_with_the_right_authentication(business: Business, heard: Receiver) -> None:
    for content in ({"raw": "{not json"}, {"body": {"object": "other"}}, {"raw_base64": "/w=="}):
        await business.control("webhook", **content)
    await heard.until(lambda r: len(r.webhooks) == 3)
    assert {webhook.raw for webhook in heard.webhooks} == {b"{not json", b'{"object": "other"}', b"\xff"}
    assert {webhook.headers["Authorization"] for webhook in heard.webhooks} == {"Bearer secret"}


async def test_duplicates_arrive_as_often_as_asked(business: Business, heard: Receiver) -> None:
    await business.control("webhook_faults", duplicate=2)
    wamid = await business.receive(HI)
    await heard.until(lambda r: len(r.messages) == 3)
    assert {message["id"] for message in heard.messages} == {wamid}


async def test_reordered_webhooks_all_arrive(business: Business, heard: Receiver) -> None:
    await business.control("webhook_faults", reorder=True, seed=4)
    wamids = [await business.receive(HI) for _ in range(12)]
    await heard.until(lambda r: len(r.messages) == 12)
    arrived = [message["id"] for message in heard.messages]
    assert arrived != wamids
    assert Counter(arrived) == Counter(wamids)


async def test_dropped_webhooks_come_with_the_retry(business: Business, heard: Receiver) -> None:
    await business.behave(retry_start_ms=5)
    await business.control("webhook_faults", drop_first=1)
    wamid = await business.receive(HI)
    await heard.until(lambda r: len(r.messages) == 1)
    assert heard.messages[0]["id"] == wamid
    [row] = await business.seen("deliveries")
    assert row["responses"][0] == "dropped on the way"


async def test_updates_share_bodies_when_the_receiver_is_behind(business: Business, heard: Receiver) -> None:
    await business.behave(max_batch=100, enforce_window="off", statuses=["sent", "delivered"], status_delay_ms=300)
    for n in range(60):
        await business.send(f"9725000000{n:02d}")
    await heard.until(lambda r: len(r.statuses) == 120)
    assert len(heard.webhooks) < 120


async def test_user_without_phone_is_known_by_user_id_alone(business: Business, heard: Receiver) -> None:
    await business.receive(HI, None, user_id="IL.777", username="dana")
    await heard.until(lambda r: len(r.messages) == 1)
    assert "from" not in heard.messages[0]
    assert heard.messages[0]["from_user_id"] == "IL.777"
    [contact] = heard.webhooks[0].values[0]["contacts"]
    assert "wa_id" not in contact
    assert contact["profile"]["username"] == "dana"


async def test_hung_receiver_gets_the_webhook_again(business: Business, heard: Receiver) -> None:
    await business.behave(webhook_timeout_ms=50, retry_start_ms=5)
    heard.silent = 1
    wamid = await business.receive(HI)
    await heard.until(lambda r: len(r.messages) == 2)
    assert {message["id"] for message in heard.messages} == {wamid}
    [row] = await business.seen("deliveries")
    assert "TimeoutError" in row["responses"][0]
