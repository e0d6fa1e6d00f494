"""Templates that can be sent, one with every kind of component."""

from __future__ import annotations

from typing import Any

from tests.store.outgoing_entry import JPEG, Entry


def _text(*values: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": value} for value in values]


def _template(name: str, defined: list[dict[str, Any]], *given: dict[str, Any], **options: Any) -> Entry:
    content: dict[str, Any] = {"name": name, "language": {"code": "en_US"}}
    if given:
        content["components"] = list(given)
    return Entry("template", content, {"name": name, "components": defined, **options})


def _button(sub_type: str, *parameters: dict[str, Any], index: str = "0") -> dict[str, Any]:
    return {"type": "button", "sub_type": sub_type, "index": index, "parameters": list(parameters)}


def _with_button(name: str, button: dict[str, Any], given: dict[str, Any]) -> Entry:
    return _template(name, [_BODY, {"type": "BUTTONS", "buttons": [button]}], given)


def _header(kind: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "header", "parameters": [{"type": kind, kind: value}]}


def _with_header(name: str, kind: str, value: dict[str, Any]) -> Entry:
    return _template(name, [{"type": "HEADER", "format": kind.upper()}, _BODY], _header(kind, value))


_BODY = {"type": "BODY", "text": "It is ready"}
_GREETING = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} comes {{3}}"}
_CARD = {"components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "For {{1}}"}]}
_FILM = {
    "components": [
        {"type": "HEADER", "format": "VIDEO"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "QUICK_REPLY", "text": "More"},
                {"type": "URL", "text": "See", "url": "https://example.com/{{1}}"},
            ],
        },
    ]
}

TEMPLATES: dict[str, Entry] = {
    "template": _template("plain", [_BODY]),
    "template in the workspace's language": Entry(
        "template", {"name": "plain_he"}, {"name": "plain_he", "language": "he", "components": [_BODY]}
    ),
    "template as reply": Entry(
        "template", {"name": "plain", "language": "en_US"}, {"name": "plain", "components": [_BODY]}, is_reply=True
    ),
    "template of three parameters": _template(
        "greeting", [_GREETING], {"type": "body", "parameters": _text("Dana", "17", "tomorrow at six")}
    ),
    "template of named parameters": _template(
        "named",
        [{"type": "BODY", "text": "Hello {{first_name}}"}],
        {"type": "body", "parameters": [{"type": "text", "parameter_name": "first_name", "text": "Dana"}]},
        parameter_format="NAMED",
    ),
    "template of money and time": _template(
        "money",
        [{"type": "BODY", "text": "{{1}} until {{2}}"}],
        {
            "type": "body",
            "parameters": [
                {"type": "currency", "currency": {"fallback_value": "17 NIS", "code": "ILS", "amount_1000": 17000}},
                {"type": "date_time", "date_time": {"fallback_value": "1 November"}},
            ],
        },
    ),
    "template under a text": _template(
        "titled",
        [{"type": "HEADER", "format": "TEXT", "text": "For {{1}}"}, _BODY],
        {"type": "header", "parameters": _text("Dana")},
    ),
    "template under an image": _with_header("pictured", "image", {"id": "<image>"}),
    "template under a video": _with_header("filmed", "video", {"link": "https://example.com/a.mp4"}),
    "template under a document": _with_header(
        "attached", "document", {"path": "<workspace>/outgoing/invoice.pdf", "filename": "invoice.pdf"}
    ),
    "template under a location": _with_header(
        "placed", "location", {"latitude": 32.1, "longitude": 34.8, "name": "Shop", "address": "Allenby 1"}
    ),
    "template with quick replies": _template(
        "asking",
        [_BODY, {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": text} for text in ("Yes", "No")]}],
        _button("quick_reply", {"type": "payload", "payload": "yes-17"}),
        _button("quick_reply", {"type": "payload", "payload": "no-17"}, index="1"),
    ),
    "template with a link": _with_button(
        "tracking",
        {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"},
        _button("url", *_text("orders/17")),
    ),
    "template with a coupon": _with_button(
        "coupon",
        {"type": "COPY_CODE", "example": "SUMMER"},
        _button("copy_code", {"type": "coupon_code", "coupon_code": "SUMMER25"}),
    ),
    "template that opens a Flow": _with_button(
        "flowing",
        {"type": "FLOW", "text": "Book", "flow_id": "1"},
        _button("flow", {"type": "action", "action": {"flow_token": "t", "flow_action_data": {"name": "Dana"}}}),
    ),
    "template of a catalogue": _with_button(
        "shelf",
        {"type": "CATALOG", "text": "All"},
        _button("catalog", {"type": "action", "action": {"thumbnail_product_retailer_id": "mug"}}),
    ),
    "template of products": _with_button(
        "shelves",
        {"type": "MPM", "text": "View"},
        _button(
            "mpm",
            {
                "type": "action",
                "action": {
                    "thumbnail_product_retailer_id": "mug",
                    "sections": [{"title": "Mugs", "product_items": [{"product_retailer_id": "mug"}]}],
                },
            },
        ),
    ),
    "carousel template": _template(
        "carousel",
        [{"type": "BODY", "text": "Look"}, {"type": "CAROUSEL", "cards": [_CARD, _CARD]}],
        {
            "type": "carousel",
            "cards": [
                {
                    "card_index": 0,
                    "components": [_header("image", {"id": "<image>"}), {"type": "body", "parameters": _text("Dana")}],
                },
                {
                    "card_index": "1",
                    "components": [_header("image", JPEG), {"type": "body", "parameters": _text("Eva")}],
                },
            ],
        },
    ),
    "carousel template of films with buttons": _template(
        "films",
        [{"type": "BODY", "text": "Look"}, {"type": "CAROUSEL", "cards": [_FILM, _FILM]}],
        {
            "type": "carousel",
            "cards": [
                {
                    "card_index": index,
                    "components": [
                        _header("video", {"path": "<workspace>/outgoing/film.mp4"}),
                        _button("quick_reply", {"type": "payload", "payload": f"more-{index}"}),
                        _button("url", *_text(f"films/{index}"), index="1"),
                    ],
                }
                for index in range(2)
            ],
        },
    ),
    "template of all parts": _template(
        "whole",
        [
            {"type": "HEADER", "format": "IMAGE"},
            _GREETING,
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Later"},
                    {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"},
                    {"type": "COPY_CODE", "example": "SUMMER"},
                ],
            },
        ],
        _header("image", {"path": "<workspace>/outgoing/photo.jpg"}),
        {"type": "body", "parameters": _text("Dana", "17", "tomorrow")},
        _button("quick_reply", {"type": "payload", "payload": "later"}),
        _button("url", *_text("orders/17"), index="1"),
        _button("copy_code", {"type": "coupon_code", "coupon_code": "x" * 20}, index="2"),
    ),
    "template under a named text": _template(
        "named_title",
        [{"type": "HEADER", "format": "TEXT", "text": "For {{who}}"}, _BODY],
        {"type": "header", "parameters": [{"type": "text", "parameter_name": "who", "text": "Dana"}]},
        parameter_format="NAMED",
    ),
    "template under a product": _with_header("shown", "product", {"catalog_id": "1", "product_retailer_id": "mug"}),
    "limited-time offer with a coupon": _template(
        "offer_coupon",
        [
            _BODY,
            {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": True}},
            {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "SUMMER"}]},
        ],
        {
            "type": "limited_time_offer",
            "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": "1900000000000"}}
            ],
        },
        _button("copy_code", {"type": "coupon_code", "coupon_code": "SUMMER25"}),
    ),
    "limited-time offer": _template(
        "offer",
        [_BODY, {"type": "LIMITED_TIME_OFFER", "limited_time_offer": {"text": "Now", "has_expiration": True}}],
        {
            "type": "limited_time_offer",
            "parameters": [
                {"type": "limited_time_offer", "limited_time_offer": {"expiration_time_ms": 1_900_000_000_000}}
            ],
        },
    ),
    "authentication template": _template(
        "code",
        [{"type": "BODY"}, {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE"}]}],
        {"type": "body", "parameters": _text("123456")},
        _button("url", *_text("123456")),
        category="AUTHENTICATION",
    ),
}
