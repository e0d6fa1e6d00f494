"""Interactive messages that can be sent, one of every kind and variant."""

from __future__ import annotations

from typing import Any

from tests.store.outgoing_entry import JPEG, Entry

PRESS = {"text": "Press one"}


def _reply(number: int) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": f"choice-{number}", "title": f"Choice {number}"}}


def _quick_reply(number: int) -> dict[str, Any]:
    return {"type": "quick_reply", "quick_reply": {"id": f"more-{number}", "title": f"More {number}"}}


def _interactive(kind: str, action: dict[str, Any], **parts: Any) -> Entry:
    return Entry("interactive", {"type": kind, "body": PRESS, "action": action} | parts)


def _buttons(**parts: Any) -> Entry:
    return _interactive("button", {"buttons": [_reply(1), _reply(2), _reply(3)]}, **parts)


def _link(url: str = "https://example.com/orders/17") -> dict[str, Any]:
    return {"name": "cta_url", "parameters": {"display_text": "Your order", "url": url}}


INTERACTIVE: dict[str, Entry] = {
    "buttons": _buttons(footer={"text": "Any time"}),
    "buttons under a text": _buttons(header={"type": "text", "text": "A choice"}),
    "buttons under an image": _buttons(header={"type": "image", "image": {"id": "<image>"}}),
    "buttons under a video": _buttons(header={"type": "video", "video": {"path": "<workspace>/outgoing/film.mp4"}}),
    "buttons under a document": _buttons(
        header={"type": "document", "document": {"link": "https://example.com/a.pdf", "filename": "terms.pdf"}}
    ),
    "list": _interactive(
        "list",
        {
            "button": "Menu",
            "sections": [
                {"title": "Sweet", "rows": [{"id": "1", "title": "Cake", "description": "Chocolate"}]},
                {"title": "Salty", "rows": [{"id": "2", "title": "Bread"}, {"id": "3", "title": "Olives"}]},
            ],
        },
        header={"type": "text", "text": "Today"},
        footer={"text": "Until six"},
    ),
    "list of one section": _interactive(
        "list", {"button": "Menu", "sections": [{"rows": [{"id": "1", "title": "A"}]}]}
    ),
    "cta_url": _interactive("cta_url", _link(), header={"type": "image", "image": JPEG}),
    "flow by id": _interactive(
        "flow",
        {
            "name": "flow",
            "parameters": {
                "flow_message_version": "3",
                "flow_id": "1234567890",
                "flow_cta": "Book",
                "flow_token": "unused",
                "mode": "published",
                "flow_action": "navigate",
                "flow_action_payload": {"screen": "FIRST", "data": {"name": "Dana"}},
            },
        },
    ),
    "flow by name": _interactive(
        "flow", {"name": "flow", "parameters": {"flow_message_version": "3", "flow_name": "book", "flow_cta": "Book"}}
    ),
    "product": Entry(
        "interactive", {"type": "product", "action": {"catalog_id": "1", "product_retailer_id": "mug-blue"}}
    ),
    "product with words": _interactive(
        "product", {"catalog_id": "1", "product_retailer_id": "mug"}, footer={"text": "New"}
    ),
    "product_list": _interactive(
        "product_list",
        {
            "catalog_id": "1",
            "sections": [
                {"title": "Mugs", "product_items": [{"product_retailer_id": "a"}, {"product_retailer_id": "b"}]},
                {"title": "Plates", "product_items": [{"product_retailer_id": "c"}]},
            ],
        },
        header={"type": "text", "text": "For the table"},
    ),
    "catalog": _interactive(
        "catalog_message", {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "mug"}}
    ),
    "catalog bare": _interactive("catalog_message", {"name": "catalog_message"}),
    "location request": _interactive("location_request_message", {"name": "send_location"}),
    "address": _interactive(
        "address_message", {"name": "address_message", "parameters": {"country": "IN", "values": {"city": "Pune"}}}
    ),
    "carousel of links": _interactive(
        "carousel",
        {
            "cards": [
                {
                    "card_index": 0,
                    "type": "cta_url",
                    "header": {"type": "image", "image": {"id": "<image>"}},
                    "body": {"text": "One\n\nand more"},
                    "action": _link(),
                },
                {
                    "card_index": 1,
                    "type": "cta_url",
                    "header": {"type": "video", "video": {"link": "https://example.com/a.mp4"}},
                    "action": {"buttons": [_quick_reply(1), _quick_reply(2)]},
                },
            ]
        },
    ),
    "carousel of products": _interactive(
        "carousel",
        {
            "cards": [
                {"card_index": n, "type": "product", "action": {"catalog_id": "1", "product_retailer_id": f"mug-{n}"}}
                for n in range(3)
            ]
        },
    ),
    "carousel of files": _interactive(
        "carousel",
        {
            "cards": [
                {
                    "card_index": place,
                    "type": "cta_url",
                    "header": {"type": kind, kind: {"path": f"<workspace>/outgoing/{name}"}},
                    "action": _link(),
                }
                for place, (kind, name) in enumerate((("image", "photo.jpg"), ("video", "film.mp4")))
            ]
        },
    ),
    "cta_url under a document": _interactive(
        "cta_url", _link(), header={"type": "document", "document": {"path": "<workspace>/outgoing/invoice.pdf"}}
    ),
    "contact request": _interactive("contact_request", {"name": "request_contact_info"}),
    "contact request as clients write it": _interactive("request_contact_info", {"name": "request_contact_info"}),
    "call": _interactive(
        "voice_call",
        {"name": "voice_call", "parameters": {"display_text": "Call us", "ttl_minutes": 60, "payload": "x"}},
    ),
    "call permission": _interactive("call_permission_request", {"name": "call_permission_request"}),
    "interactive as reply": Entry("interactive", _buttons().content, is_reply=True),
}
