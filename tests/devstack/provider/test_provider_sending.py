"""POST /messages in both dialects: acceptance, and what follows it."""

from __future__ import annotations

import base64

from tests.devstack.provider.conftest import NewBusiness
from tests.devstack.provider.receiver import Receiver
from tests.devstack.provider.simulator import Business, Simulator


async def test_accepted_text_is_answered_with_contact_and_wamid(business: Business) -> None:
    to = await business.user()
    answer = await business.send(to)
    assert answer.status == 200
    assert answer.body["contacts"] == [{"input": to, "wa_id": to}]
    assert base64.b64decode(answer.wamid.removeprefix("wamid."))[3:15] == to.encode()


async def test_graph_dialect_takes_the_same_message(business: Business) -> None:
    to = await business.user()
    body = {"messaging_product": "whatsapp", "to": to, "type": "text", "text": {"body": "hi"}}
    answer = await business.call_graph("POST", f"/{business.id}/messages", json=body)
    assert answer.wamid in [row["wamid"] for row in await business.seen("sent")]


async def test_same_body_twice_is_two_messages(business: Business) -> None:
    to = await business.user()
    first, second = await business.send(to), await business.send(to)
    assert first.wamid != second.wamid
    assert [row["attempt"] for row in await business.seen("sent", to=to)] == [1, 2]


async def test_statuses_follow_in_order_with_the_callback_data(business: Business, heard: Receiver) -> None:
    to = await business.user()
    answer = await business.send(to, biz_opaque_callback_data="row 7")
    await heard.until(lambda r: len(r.statuses) == 3)
    assert {status["status"] for status in heard.statuses} == {"sent", "delivered", "read"}
    for status in heard.statuses:
        assert (status["id"], status["recipient_id"]) == (answer.wamid, to)
        assert status["biz_opaque_callback_data"] == "row 7"
        assert status["timestamp"].isdigit()
    sent = next(status for status in heard.statuses if status["status"] == "sent")
    assert sent["pricing"]["category"] == sent["conversation"]["origin"]["type"] == "service"


async def test_statuses_are_those_that_were_asked_for(business: Business, heard: Receiver) -> None:
    await business.behave(statuses=["delivered"])
    to = await business.user()
    await business.send(to)
    await business.send(to)
    await heard.until(lambda r: len(r.statuses) == 2)
    assert [status["status"] for status in heard.statuses] == ["delivered", "delivered"]
    assert [row["statuses"] for row in await business.seen("sent")] == [["delivered"], ["delivered"]]


async def test_wrong_360dialog_key_is_refused_by_the_gateway(business: Business, simulator: Simulator) -> None:
    for headers in ({"D360-API-KEY": "wrong"}, {}):
        answer = await simulator.call("POST", "/messages", headers=headers, json={})
        assert answer.status == 401
        assert answer.body["meta"]["http_code"] == 401
        assert answer.body["meta"]["developer_message"]


async def test_wrong_access_token_is_error_190(business: Business, simulator: Simulator) -> None:
    answer = await simulator.call(
        "POST", f"/v25.0/{business.id}/messages", headers={"Authorization": "Bearer wrong"}, json={}
    )
    assert answer.error == (401, 190)
    assert answer.body["error"]["type"] == "OAuthException"
    assert answer.body["error"]["fbtrace_id"]


async def test_number_of_another_business_does_not_exist_for_a_token(new_business: NewBusiness) -> None:
    mine, other = await new_business(), await new_business()
    answer = await mine.call_graph("POST", f"/{other.id}/messages", json={})
    assert answer.error == (400, 100)
    assert answer.body["error"]["error_subcode"] == 33


async def test_wa_id_may_differ_from_the_dialled_number(business: Business) -> None:
    await business.behave(enforce_window="off")
    answer = await business.send("+55 31 99876-5432")
    assert answer.body["contacts"] == [{"input": "+55 31 99876-5432", "wa_id": "553198765432"}]


async def test_message_to_a_user_id_is_answered_without_a_phone(business: Business, heard: Receiver) -> None:
    user_id = "US.13491208655302741918"
    await business.receive({"type": "text", "text": {"body": "hi"}}, None, user_id=user_id)
    body = {"messaging_product": "whatsapp", "recipient": user_id, "type": "text", "text": {"body": "hi"}}
    answer = await business.call("POST", "/messages", json=body)
    assert answer.body["contacts"] == [{"input": user_id, "user_id": user_id}]
    await heard.until(lambda r: len(r.statuses) == 3)
    assert all("recipient_id" not in status for status in heard.statuses)
    assert {status["recipient_user_id"] for status in heard.statuses} == {user_id}


async def test_phone_wins_over_user_id_when_both_are_given(business: Business) -> None:
    to = await business.user()
    answer = await business.send(to, recipient="IL.123")
    assert answer.body["contacts"] == [{"input": to, "wa_id": to}]


async def test_received_message_can_be_marked_as_read_with_typing_indicator(business: Business) -> None:
    wamid = await business.receive({"type": "text", "text": {"body": "hi"}})
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    answer = await business.call("POST", "/messages", json=mark | {"typing_indicator": {"type": "text"}})
    assert answer.body == {"success": True}
    assert await business.seen("sent") == []
    assert [row["operation"] for row in await business.seen("requests")] == ["mark_read"]


async def test_unknown_message_cannot_be_marked_as_read(business: Business) -> None:
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.none"}
    answer = await business.call("POST", "/messages", json=mark)
    assert answer.error == (400, 131009)


async def test_refused_calls_are_on_record_with_their_error(business: Business) -> None:
    await business.send("972501234567", {"body": ""})
    [row] = await business.seen("requests", operation="messages")
    assert (row["status"], row["error"], row["dialect"]) == (400, 131008, "360dialog")
    assert row["body"]["text"] == {"body": ""}
