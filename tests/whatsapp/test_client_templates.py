"""Templates with every kind of component, through both providers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.conftest import Line
from whatsapp.errors import ErrorClass, Refused

TO = "972501234567"
JSON = dict[str, Any]


def text(value: str, **more: str) -> JSON:
    return {"type": "text", "text": value, **more}


def part(kind: str, *parameters: JSON) -> JSON:
    return {"type": kind, "parameters": list(parameters)}


def button(sub_type: str, index: int, *parameters: JSON) -> JSON:
    return {"type": "button", "sub_type": sub_type, "index": str(index), "parameters": list(parameters)}


def header(kind: str) -> JSON:
    return part("header", {"type": kind, kind: {"link": "https://files.example/it"}})


PLACE = {"latitude": "32.08", "longitude": "34.78", "name": "Port", "address": "1 Pier"}
CURRENCY = {
    "type": "currency",
    "currency": {"fallback_value": "₪10", "code": "ILS", "amount_1000": 10_000},
}
DATE = {"type": "date_time", "date_time": {"fallback_value": "tomorrow"}}
ACTION = {"type": "action", "action": {"flow_token": "t"}}
OFFER = {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_900_000_000_000}}
BODY = {"type": "BODY", "text": "Ready: {{1}}"}


def buttons(*given: JSON) -> JSON:
    return {"type": "BUTTONS", "buttons": list(given)}


def card(*components: JSON) -> JSON:
    return {"components": list(components)}


# (the template's own components, what fills them)
TEMPLATES: dict[str, tuple[list[JSON], list[JSON]]] = {
    "nothing to fill": ([{"type": "BODY", "text": "Ready"}], []),
    "body": ([BODY], [part("body", text("42"))]),
    "currency": ([BODY], [part("body", CURRENCY)]),
    "date": ([BODY], [part("body", DATE)]),
    "text header": (
        [{"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}, BODY],
        [part("header", text("Dana")), part("body", text("42"))],
    ),
    **{
        f"{kind} header": (
            [{"type": "HEADER", "format": kind.upper()}, BODY],
            [header(kind), part("body", text("42"))],
        )
        for kind in ("image", "video", "document")
    },
    "location header": (
        [{"type": "HEADER", "format": "LOCATION"}, BODY],
        [part("header", {"type": "location", "location": PLACE}), part("body", text("42"))],
    ),
    "quick reply": (
        [BODY, buttons({"type": "QUICK_REPLY", "text": "Yes"})],
        [part("body", text("42")), button("quick_reply", 0, {"type": "payload", "payload": "yes"})],
    ),
    "address to open": (
        [BODY, buttons({"type": "URL", "text": "Track", "url": "https://shop.example/{{1}}"})],
        [part("body", text("42")), button("url", 0, text("42"))],
    ),
    "coupon code": (
        [BODY, buttons({"type": "COPY_CODE", "example": "X"})],
        [part("body", text("42")), button("copy_code", 0, {"type": "coupon_code", "coupon_code": "SPRING"})],
    ),
    "flow": (
        [BODY, buttons({"type": "FLOW", "text": "Book"})],
        [part("body", text("42")), button("flow", 0, ACTION)],
    ),
    "catalogue": (
        [BODY, buttons({"type": "CATALOG", "text": "See"})],
        [part("body", text("42")), button("catalog", 0, ACTION)],
    ),
    "products": (
        [BODY, buttons({"type": "MPM", "text": "See"})],
        [part("body", text("42")), button("mpm", 0, ACTION)],
    ),
    "limited time offer": (
        [BODY, {"type": "LIMITED_TIME_OFFER"}],
        [part("body", text("42")), part("limited_time_offer", OFFER)],
    ),
    "carousel": (
        [BODY, {"type": "CAROUSEL", "cards": [card({"type": "HEADER", "format": "IMAGE"}, BODY)] * 2}],
        [
            part("body", text("42")),
            {
                "type": "carousel",
                "cards": [
                    {"card_index": index, "components": [header("image"), part("body", text(str(index)))]}
                    for index in range(2)
                ],
            },
        ],
    ),
}


@pytest.mark.parametrize(("defined", "given"), TEMPLATES.values(), ids=TEMPLATES)
async def test_a_template_with_this_component_is_accepted_as_it_was_meant(
    line: Line, defined: list[JSON], given: list[JSON]
) -> None:
    await line.business.control("templates", name="ready", language="he", components=defined)
    sent = await line.client.send_template_message(TO, "ready", "he", given, callback_data="our-id")
    body = await line.accepted()
    assert body["template"] == {"name": "ready", "language": {"code": "he"}} | ({"components": given} if given else {})
    assert (body["biz_opaque_callback_data"], sent.message_status) == ("our-id", "accepted")


async def test_named_parameters_keep_their_names(line: Line) -> None:
    defined = [{"type": "BODY", "text": "Ready: {{order}}"}]
    await line.business.control("templates", name="ready", components=defined, parameter_format="NAMED")
    given = [part("body", text("42", parameter_name="order"))]
    await line.client.send_template_message(TO, "ready", "en_US", given)
    assert (await line.accepted())["template"]["components"] == given


async def test_an_authentication_template_goes_to_a_phone_and_to_no_user_id(line: Line) -> None:
    defined = [{"type": "BODY"}, buttons({"type": "OTP", "otp_type": "COPY_CODE"})]
    await line.business.control("templates", name="code", category="AUTHENTICATION", components=defined)
    given = [part("body", text("123456")), button("url", 0, text("123456"))]
    with pytest.raises(Refused) as refused:
        await line.client.send_template_message("IL.13491208655302741918", "code", "en_US", given)
    assert (refused.value.code, refused.value.error_class) == (131062, ErrorClass.PERMANENT)
    await line.client.send_template_message(TO, "code", "en_US", given)
    assert (await line.accepted())["template"]["components"] == given
