"""What Meta refuses, this refuses: types, fields and limits of the message reference."""

from __future__ import annotations

from typing import Any

import pytest

from tests.devstack.provider.simulator import Business

TO = "972501234567"
BODY = {"text": "choose"}
JPEG = {"link": "https://example.com/a.jpg"}


def button(index: int, title: str = "Yes") -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": f"b{index}", "title": f"{title}{index}"}}


def buttons(count: int) -> dict[str, Any]:
    return {"type": "button", "body": BODY, "action": {"buttons": [button(n) for n in range(count)]}}


def rows(count: int, start: int = 0) -> list[dict[str, str]]:
    return [{"id": f"r{n}", "title": f"Row {n}"} for n in range(start, start + count)]


def menu(*sections: dict[str, Any]) -> dict[str, Any]:
    return {"type": "list", "body": BODY, "action": {"button": "Menu", "sections": list(sections)}}


VALID: list[tuple[str, Any]] = [
    ("text", {"body": "x" * 4096, "preview_url": True}),
    ("image", {**JPEG, "caption": "x" * 1024}),
    ("document", {"link": "https://example.com/a.pdf", "filename": "a.pdf", "caption": "c"}),
    ("audio", {"link": "https://example.com/a.ogg", "voice": True}),
    ("sticker", {"link": "https://example.com/a.webp"}),
    ("location", {"latitude": 32.08, "longitude": "34.78", "name": "Here", "address": "There"}),
    (
        "contacts",
        [{"name": {"formatted_name": "A B", "first_name": "A"}, "phones": [{"phone": "+1", "type": "HOME"}]}],
    ),
    ("interactive", buttons(3)),
    ("interactive", buttons(1) | {"header": {"type": "image", "image": JPEG}, "footer": {"text": "f"}}),
    ("interactive", menu({"title": "A", "rows": rows(5)}, {"title": "B", "rows": rows(5, 5)})),
    (
        "interactive",
        {
            "type": "cta_url",
            "body": BODY,
            "action": {"name": "cta_url", "parameters": {"display_text": "Go", "url": "https://example.com"}},
        },
    ),
    ("interactive", {"type": "location_request_message", "body": BODY, "action": {"name": "send_location"}}),
    (
        "interactive",
        {
            "type": "flow",
            "body": BODY,
            "action": {
                "name": "flow",
                "parameters": {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Book"},
            },
        },
    ),
    ("interactive", {"type": "product", "action": {"catalog_id": "1", "product_retailer_id": "2"}}),
]

INVALID: list[tuple[str, Any, int]] = [
    ("text", {}, 131008),
    ("text", {"body": " "}, 131008),
    ("text", {"body": "x" * 4097}, 100),
    ("text", {"body": 5}, 100),
    ("text", "hello", 100),
    ("text", {"body": "a", "boddy": "b"}, 100),
    ("text", {"body": "a", "preview_url": "yes"}, 100),
    ("image", {}, 100),
    ("image", {"id": "1", **JPEG}, 100),
    ("image", {"id": "1"}, 100),
    ("image", {"link": "ftp://example.com/a.jpg"}, 100),
    ("image", {**JPEG, "caption": "x" * 1025}, 100),
    ("audio", {"link": "https://example.com/a.ogg", "caption": "no"}, 100),
    ("location", {"latitude": 91, "longitude": 0}, 131009),
    ("location", {"latitude": 1}, 131008),
    ("contacts", [{"name": {"first_name": "A"}}], 131008),
    ("contacts", [{"name": {"formatted_name": "A"}}] * 6, 131009),
    ("reaction", {"message_id": "wamid.x"}, 131008),
    ("interactive", {"type": "button", "body": BODY}, 131008),
    ("interactive", {"type": "butter", "body": BODY, "action": {}}, 100),
    ("interactive", buttons(0), 131009),
    ("interactive", buttons(4), 131009),
    ("interactive", {**buttons(1), "body": {"text": "x" * 1025}}, 131009),
    ("interactive", {**buttons(1), "footer": {"text": "x" * 61}}, 131009),
    ("interactive", {"type": "button", "body": BODY, "action": {"buttons": [button(1, "x" * 20)]}}, 131009),
    ("interactive", {"type": "button", "body": BODY, "action": {"buttons": [button(1), button(1)]}}, 131009),
    ("interactive", menu({"title": "A", "rows": rows(6)}, {"title": "B", "rows": rows(6, 6)}), 131009),
    ("interactive", menu({"rows": rows(1)}, {"rows": rows(1, 1)}), 131009),
    ("interactive", menu({"rows": [{"id": "1", "title": "x" * 25}]}), 131009),
    ("system", {"body": "no"}, 131051),
    ("telegram", {"body": "no"}, 100),
]


@pytest.mark.parametrize(("kind", "content"), VALID)
async def test_every_documented_form_is_accepted(business: Business, kind: str, content: Any) -> None:
    await business.user(TO)
    assert (await business.send(TO, content, kind)).wamid


@pytest.mark.parametrize(("kind", "content", "code"), INVALID)
async def test_whatever_breaks_the_reference_is_refused(business: Business, kind: str, content: Any, code: int) -> None:
    await business.user(TO)
    answer = await business.send(TO, content, kind)
    assert answer.error == (400, code)
    assert answer.body["error"]["type"] == "OAuthException"
    assert answer.details
    assert await business.seen("sent") == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"messaging_product": None}, 100),
        ({"to": "not a phone"}, 100),
        ({"to": ""}, 100),
        ({"to": None, "recipient": "nobody"}, 100),
        ({"recipient_type": "crowd"}, 100),
        ({"biz_opaque_callback_data": "x" * 513}, 100),
        ({"context": {}}, 131008),
        ({"text": None}, 100),
    ],
)
async def test_broken_envelope_is_refused(business: Business, change: dict[str, Any], code: int) -> None:
    whole = {"messaging_product": "whatsapp", "to": TO, "type": "text", "text": {"body": "hi"}} | change
    body = {name: value for name, value in whole.items() if value is not None}
    assert (await business.call("POST", "/messages", json=body)).error == (400, code)


async def test_body_that_is_no_json_is_refused(business: Business) -> None:
    assert (await business.call("POST", "/messages", data=b"{")).error == (400, 100)


async def test_sending_to_oneself_is_refused(business: Business) -> None:
    health = await business.call("GET", "/health_status")
    answer = await business.send(health.body["display_phone_number"])
    assert answer.error == (400, 131021)


async def test_reaction_cannot_quote(business: Business) -> None:
    reaction = {"message_id": "wamid.x", "emoji": "👍"}
    answer = await business.send(TO, reaction, "reaction", context={"message_id": "wamid.x"})
    assert answer.error == (400, 131009)
