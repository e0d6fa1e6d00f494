"""Templates: the edge that lists and makes them, and what a send must bring along."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devstack.provider.conftest import NewBusiness
from tests.devstack.provider.receiver import Receiver
from tests.devstack.provider.simulator import Answer, Business

TO = "972501234567"
BODY = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is ready"}


def text(*values: str) -> list[dict[str, str]]:
    return [{"type": "text", "text": value} for value in values]


def body(*values: str) -> dict[str, Any]:
    return {"type": "body", "parameters": text(*values)}


def url_button(value: str) -> dict[str, Any]:
    return {"type": "button", "sub_type": "url", "index": "0", "parameters": text(value)}


async def has(business: Business, *components: dict[str, Any], **fields: Any) -> None:
    await business.control("templates", **{"name": "order_ready", "components": list(components), **fields})


def content(*components: dict[str, Any], language: str = "en_US") -> dict[str, Any]:
    return {"name": "order_ready", "language": {"code": language}, "components": list(components)}


async def send(business: Business, *components: dict[str, Any], language: str = "en_US") -> Answer:
    return await business.send(TO, content(*components, language=language), "template")


async def test_template_is_delivered_outside_the_window(business: Business, heard: Receiver) -> None:
    await has(business, BODY)
    answer = await send(business, body("Dana", "17"))
    assert answer.body["messages"][0]["message_status"] == "accepted"
    await heard.until(lambda r: len(r.statuses) == 3)
    sent = next(status for status in heard.statuses if status["status"] == "sent")
    assert sent["pricing"] == {
        "billable": True,
        "pricing_model": "PMP",
        "type": "regular",
        "category": "utility",
    }


async def test_unknown_name_or_language_is_132001(business: Business) -> None:
    await has(business, BODY)
    answer = await send(business, body("a", "b"), language="he")
    assert answer.error == (404, 132001)
    assert answer.details == "template name (order_ready) does not exist in he"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("PENDING", (404, 132001)),
        ("REJECTED", (404, 132001)),
        ("PAUSED", (400, 132015)),
        ("DISABLED", (400, 132016)),
    ],
)
async def test_only_approved_templates_can_be_sent(business: Business, status: str, error: tuple[int, int]) -> None:
    await has(business, BODY, status=status)
    assert (await send(business, body("a", "b"))).error == error


@pytest.mark.parametrize("given", [[], [body()], [body("one")], [body("one", "two", "three")]])
async def test_wrong_number_of_parameters_is_132000(business: Business, given: list[dict[str, Any]]) -> None:
    await has(business, BODY)
    answer = await send(business, *given)
    assert answer.error == (400, 132000)
    assert "does not match the expected number of params (2)" in answer.details


async def test_parameter_of_another_kind_is_132012(business: Business) -> None:
    await has(business, BODY)
    image = {"type": "image", "image": {"link": "https://example.com/a.jpg"}}
    answer = await send(business, {"type": "body", "parameters": [image, *text("b")]})
    assert answer.error == (400, 132012)


async def test_missing_header_image_is_132012(business: Business) -> None:
    await has(business, {"type": "HEADER", "format": "IMAGE"}, BODY)
    answer = await send(business, body("a", "b"))
    assert answer.error == (400, 132012)
    assert answer.details == "header: Format mismatch, expected IMAGE, received UNKNOWN"
    image = {"type": "image", "image": {"link": "https://example.com/a.jpg"}}
    assert (await send(business, {"type": "header", "parameters": [image]}, body("a", "b"))).wamid


async def test_url_button_without_its_parameter_is_131008(business: Business) -> None:
    button = {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"}
    await has(business, BODY, {"type": "BUTTONS", "buttons": [button, {"type": "QUICK_REPLY", "text": "Stop"}]})
    answer = await send(business, body("a", "b"))
    assert answer.error == (400, 131008)
    assert (await send(business, body("a", "b"), url_button("17"))).wamid


async def test_button_that_the_template_lacks_is_refused(business: Business) -> None:
    await has(business, BODY)
    assert (await send(business, body("a", "b"), url_button("17"))).error == (400, 131009)


async def test_named_parameters_must_bear_the_template_s_names(business: Business) -> None:
    await has(business, {"type": "BODY", "text": "Hello {{name}}"}, parameter_format="NAMED")
    named = {"type": "body", "parameters": [{"type": "text", "text": "Dana", "parameter_name": "name"}]}
    assert (await send(business, named)).wamid
    assert (await send(business, body("Dana"))).error == (400, 100)


@pytest.mark.parametrize(("value", "code"), [("a\nb", 100), ("x" * 1025, 132005)])
async def test_parameter_text_has_its_own_rules(business: Business, value: str, code: int) -> None:
    await has(business, BODY)
    assert (await send(business, body(value, "b"))).error == (400, code)


async def test_authentication_template_needs_code_twice_and_a_phone(business: Business) -> None:
    buttons = {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}
    await has(business, {"type": "BODY"}, buttons, category="AUTHENTICATION")
    assert (await send(business, body("123456"))).error == (400, 131008)
    assert (await send(business, body("123456"), url_button("123456"))).wamid
    template = content(body("123456"), url_button("123456"))
    message = {"messaging_product": "whatsapp", "recipient": "IL.1", "type": "template", "template": template}
    answer = await business.call("POST", "/messages", json=message)
    assert answer.error == (400, 131062)


async def test_carousel_needs_every_card(business: Business) -> None:
    card = {"components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "Card {{1}}"}]}
    await has(business, {"type": "BODY", "text": "Look"}, {"type": "CAROUSEL", "cards": [card, card]})
    image = {
        "type": "header",
        "parameters": [{"type": "image", "image": {"link": "https://example.com/a.jpg"}}],
    }
    filled = [{"card_index": n, "components": [image, body("x")]} for n in range(2)]
    assert (await send(business, {"type": "carousel", "cards": filled})).wamid
    assert (await send(business, {"type": "carousel", "cards": filled[:1]})).error == (400, 132012)
    filled[1]["components"] = [image]
    assert (await send(business, {"type": "carousel", "cards": filled})).error == (400, 132000)


async def test_created_template_is_pending_and_listed_page_by_page(business: Business) -> None:
    for name in ("one", "two", "three"):
        template = {"name": name, "language": "en_US", "category": "UTILITY", "components": [BODY]}
        created = await business.call("POST", "/message_templates", json=template)
        assert created.body["status"] == "PENDING"
    first = await business.call("GET", "/message_templates", params={"limit": "2", "fields": "name,status"})
    assert [row["name"] for row in first.body["data"]] == ["one", "two"]
    assert first.body["data"][0].keys() == {"name", "status", "id"}
    after = first.body["paging"]["cursors"]["after"]
    rest = await business.call_graph("GET", f"/{business.waba_id}/message_templates", params={"after": after})
    assert [row["name"] for row in rest.body["data"]] == ["three"]
    assert "next" not in rest.body["paging"]


async def test_bad_or_second_creation_is_refused(business: Business) -> None:
    template = {"name": "one", "language": "en_US", "category": "UTILITY", "components": [BODY]}
    assert (await business.call("POST", "/message_templates", json=template | {"name": "Not This"})).status == 400
    assert (await business.call("POST", "/message_templates", json=template)).status == 200
    again = await business.call("POST", "/message_templates", json=template)
    assert again.body["error"]["error_subcode"] == 2388024


async def test_template_is_deleted_by_name(business: Business) -> None:
    await has(business, BODY)
    assert (await business.call("DELETE", "/message_templates", params={"name": "order_ready"})).body == {
        "success": True
    }
    assert (await business.call("GET", "/message_templates")).body["data"] == []
    assert (await business.call("DELETE", "/message_templates", params={"name": "order_ready"})).status == 400


async def test_templates_belong_to_their_waba(new_business: NewBusiness) -> None:
    mine, other = await new_business(), await new_business()
    await has(mine, BODY)
    assert (await send(other, body("a", "b"))).error == (404, 132001)


async def test_change_of_state_can_be_told_to_the_webhook(business: Business, heard: Receiver) -> None:
    await has(business, BODY, status="PAUSED", notify=True)
    await heard.until(lambda r: len(r.webhooks) == 1)
    [change] = heard.webhooks[0].body["entry"][0]["changes"]
    assert change["field"] == "message_template_status_update"
    assert (change["value"]["event"], change["value"]["message_template_name"]) == ("PAUSED", "order_ready")
