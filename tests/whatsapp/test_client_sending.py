"""Every kind of message, sent through both providers and accepted by the strict simulated WhatsApp as it was meant."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.whatsapp.conftest import Line
from whatsapp.client import WhatsAppClient
from whatsapp.errors import ErrorClass, Refused
from whatsapp.outgoing import Recipient, Sent
from whatsapp.sending import Sending

TO = "972501234567"
LINK = "https://files.example/it"
IMAGE_HEADER = {"type": "image", "image": {"link": LINK}}
CARDS = [{"name": {"formatted_name": "Dana Levi"}, "phones": [{"phone": "+972501234567", "type": "CELL"}]}]
SECTIONS = [{"title": "Cold", "rows": [{"id": "ice", "title": "Ice tea", "description": "peach"}]}]
SLIDES: list[dict[str, Any]] = [
    {
        "type": "cta_url",
        "header": IMAGE_HEADER,
        "body": {"text": str(index)},
        "action": {"name": "cta_url", "parameters": {"display_text": "See", "url": LINK}},
    }
    for index in range(2)
]

Send = Callable[[WhatsAppClient], Awaitable[Sent]]


def button(id_: str, title: str) -> dict[str, Any]:
    return {"type": "reply", "reply": {"id": id_, "title": title}}


def asked(kind: str, action: dict[str, Any], **around: Any) -> tuple[str, dict[str, Any]]:
    return "interactive", {"type": kind, "body": {"text": "Q?"}, "action": action, **around}


FLOW = {"flow_message_version": "3", "flow_id": "77", "flow_cta": "Book", "flow_token": "t", "mode": "draft"}
SCREEN = {"screen": "START", "data": {"a": 1}}

# (what is called, the type and content that must arrive)
SENDS: list[tuple[str, Send, tuple[str, Any]]] = [
    ("text", lambda c: c.send_text_message(TO, "hi"), ("text", {"body": "hi"})),
    (
        "text with preview",
        lambda c: c.send_text_message(TO, LINK, preview_url=True),
        ("text", {"body": LINK, "preview_url": True}),
    ),
    ("image", lambda c: c.send_image_message(TO, LINK, caption="a"), ("image", {"link": LINK, "caption": "a"})),
    ("video", lambda c: c.send_video_message(TO, LINK, caption="a"), ("video", {"link": LINK, "caption": "a"})),
    ("audio", lambda c: c.send_audio_message(TO, LINK), ("audio", {"link": LINK})),
    ("voice note", lambda c: c.send_audio_message(TO, LINK, voice=True), ("audio", {"link": LINK, "voice": True})),
    (
        "document",
        lambda c: c.send_document_message(TO, LINK, caption="a", filename="b.pdf"),
        ("document", {"link": LINK, "caption": "a", "filename": "b.pdf"}),
    ),
    ("sticker", lambda c: c.send_sticker_message(TO, LINK), ("sticker", {"link": LINK})),
    (
        "any media",
        lambda c: c.send_media_message(TO, "document", LINK, filename="b.pdf"),
        ("document", {"link": LINK, "filename": "b.pdf"}),
    ),
    (
        "location",
        lambda c: c.send_location_message(TO, 32.08, 34.78, name="Port", address="1 Pier"),
        ("location", {"latitude": 32.08, "longitude": 34.78, "name": "Port", "address": "1 Pier"}),
    ),
    ("contacts", lambda c: c.send_contacts_message(TO, CARDS), ("contacts", CARDS)),
    (
        "buttons",
        lambda c: c.send_button_message(TO, "Q?", {"y": "Yes", "n": "No"}, header="Top", footer="End"),
        asked(
            "button",
            {"buttons": [button("y", "Yes"), button("n", "No")]},
            header={"type": "text", "text": "Top"},
            footer={"text": "End"},
        ),
    ),
    (
        "buttons under a picture",
        lambda c: c.send_button_message(TO, "Q?", {"y": "Yes"}, header=IMAGE_HEADER),
        asked("button", {"buttons": [button("y", "Yes")]}, header=IMAGE_HEADER),
    ),
    (
        "list",
        lambda c: c.send_list_message(TO, "Q?", "Drinks", SECTIONS, footer="End"),
        asked("list", {"button": "Drinks", "sections": SECTIONS}, footer={"text": "End"}),
    ),
    (
        "address to open",
        lambda c: c.send_cta_url_message(TO, "Q?", "Open", LINK),
        asked("cta_url", {"name": "cta_url", "parameters": {"display_text": "Open", "url": LINK}}),
    ),
    (
        "flow",
        lambda c: c.send_flow_message(
            TO, "Q?", "Book", flow_id="77", flow_token="t", mode="draft", flow_action="navigate", payload=SCREEN
        ),
        asked(
            "flow", {"name": "flow", "parameters": FLOW | {"flow_action": "navigate", "flow_action_payload": SCREEN}}
        ),
    ),
    (
        "product",
        lambda c: c.send_product_message(TO, "1", "sku", "Q?", footer="End"),
        asked("product", {"catalog_id": "1", "product_retailer_id": "sku"}, footer={"text": "End"}),
    ),
    (
        "products",
        lambda c: c.send_product_list_message(TO, "Q?", "Top", "1", {"Cold": ["ice", "tea"]}),
        asked(
            "product_list",
            {
                "catalog_id": "1",
                "sections": [
                    {
                        "title": "Cold",
                        "product_items": [{"product_retailer_id": "ice"}, {"product_retailer_id": "tea"}],
                    }
                ],
            },
            header={"type": "text", "text": "Top"},
        ),
    ),
    ("catalogue", lambda c: c.send_catalog_message(TO, "Q?"), asked("catalog_message", {"name": "catalog_message"})),
    (
        "catalogue by a product",
        lambda c: c.send_catalog_message(TO, "Q?", thumbnail_product_retailer_id="sku"),
        asked("catalog_message", {"name": "catalog_message", "parameters": {"thumbnail_product_retailer_id": "sku"}}),
    ),
    (
        "location request",
        lambda c: c.send_location_request_message(TO, "Q?"),
        asked("location_request_message", {"name": "send_location"}),
    ),
    (
        "address form",
        lambda c: c.send_address_message(TO, "Q?", "IN", {"name": "Asha"}),
        asked(
            "address_message",
            {"name": "address_message", "parameters": {"country": "IN", "values": {"name": "Asha"}}},
        ),
    ),
    (
        "carousel",
        lambda c: c.send_carousel_message(TO, "Q?", SLIDES),
        asked("carousel", {"cards": [{"card_index": index, **card} for index, card in enumerate(SLIDES)]}),
    ),
    (
        "contact request",
        lambda c: c.send_contact_request_message(TO, "Q?"),
        asked("contact_request", {"name": "request_contact_info"}),
    ),
    (
        "any interactive",
        lambda c: c.send_interactive_message(TO, "call_permission_request", {"name": "call_permission_request"}, "Q?"),
        asked("call_permission_request", {"name": "call_permission_request"}),
    ),
]


@pytest.mark.parametrize(("send", "expected"), [row[1:] for row in SENDS], ids=[row[0] for row in SENDS])
async def test_what_is_sent_is_accepted_as_it_was_meant(line: Line, send: Send, expected: tuple[str, Any]) -> None:
    sent = await send(line.client)
    kind, content = expected
    assert await line.accepted() == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": TO,
        "type": kind,
        kind: content,
    }
    assert sent == Sent((await line.business.seen("sent"))[0]["wamid"], TO, None, None)


async def test_a_message_quotes_another_and_carries_our_own_text(line: Line) -> None:
    await line.client.send_text_message(TO, "yes", reply_to_wamid="wamid.1", callback_data="our-id")
    body = await line.accepted()
    assert (body["context"], body["biz_opaque_callback_data"]) == ({"message_id": "wamid.1"}, "our-id")


async def test_a_question_quotes_another_and_carries_our_own_text(line: Line) -> None:
    await line.client.send_button_message(
        TO, "Q?", {"y": "Yes"}, footer="End", reply_to_wamid="wamid.1", callback_data="our-id"
    )
    body = await line.accepted()
    assert (body["context"], body["biz_opaque_callback_data"]) == ({"message_id": "wamid.1"}, "our-id")
    assert body["interactive"].keys() == {"type", "body", "footer", "action"}


@pytest.mark.parametrize("emoji", ["👍", ""])
async def test_a_reaction_is_put_and_taken_back(line: Line, emoji: str) -> None:
    wamid = await line.business.receive({"type": "text", "text": {"body": "hi"}}, TO)
    await line.client.send_reaction(TO, wamid, emoji, callback_data="our-id")
    body = await line.accepted()
    assert body["reaction"] == {"message_id": wamid, "emoji": emoji}
    assert body["biz_opaque_callback_data"] == "our-id"


@pytest.mark.parametrize("to", ["IL.13491208655302741918", "US.ENT.506847293015824"])
async def test_a_user_id_is_the_recipient_and_is_answered_without_a_phone(line: Line, to: str) -> None:
    sent = await line.client.send_text_message(to, "hi")
    body = await line.accepted()
    assert body["recipient"] == to
    assert "to" not in body
    assert (sent.wa_id, sent.user_id) == (None, to)


async def test_a_known_phone_is_taken_before_the_user_id(line: Line) -> None:
    sent = await line.client.send_text_message(Recipient(TO, "IL.13491208655302741918"), "hi")
    body = await line.accepted()
    assert body["to"] == TO
    assert "recipient" not in body
    assert sent.wa_id == TO


async def test_a_dialled_number_may_be_another_at_whatsapp(line: Line) -> None:
    assert (await line.client.send_text_message("+55 31 99123-4567", "oi")).wa_id == "553191234567"


async def test_what_breaks_a_limit_is_whatsapps_to_refuse(line: Line) -> None:
    with pytest.raises(Refused) as refused:
        await line.client.send_button_message(TO, "Q?", {"y": "A title of far more than twenty letters"})
    assert (refused.value.code, refused.value.error_class) == (131009, ErrorClass.PERMANENT)
    assert await line.business.seen("sent") == []


async def test_only_a_media_file_sent_by_link_is_worth_another_try(line: Line) -> None:
    await line.business.fault("messages", {"error": 131053})
    for file, expected in ((LINK, ErrorClass.RETRY), ("7", ErrorClass.PERMANENT)):
        with pytest.raises(Refused) as refused:
            await line.client.send_image_message(TO, file)
        assert refused.value.error_class is expected


def test_every_kind_has_its_place_in_these_tests() -> None:
    told = "".join(path.read_text() for path in Path(__file__).parent.glob("test_client_*.py"))
    kinds = [name for name in vars(Sending) if name.startswith("send_")]
    assert [name for name in kinds if f"line.client.{name}(" not in told and f"c.{name}(" not in told] == []
