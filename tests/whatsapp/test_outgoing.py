"""The bodies of sends, in the Cloud API's own words."""

from __future__ import annotations

from typing import Any

import pytest

from whatsapp.outgoing import Outgoing, Recipient, media_in, without_nulls


def test_a_text_goes_to_a_phone_with_our_id() -> None:
    message = Outgoing("text", {"body": "hi"}, phone="972501234567", bsuid="IL.1", callback_data="our-id")
    assert message.body() == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "972501234567",
        "type": "text",
        "text": {"body": "hi"},
        "biz_opaque_callback_data": "our-id",
    }


def test_someone_without_a_phone_is_addressed_by_user_id() -> None:
    body = Outgoing("text", {"body": "hi"}, phone=None, bsuid="IL.1").body()
    assert body["recipient"] == "IL.1"
    assert "to" not in body
    assert "biz_opaque_callback_data" not in body


def test_a_reply_quotes_its_message() -> None:
    body = Outgoing("text", {"body": "yes"}, phone="972501234567", bsuid=None, reply_to_wamid="wamid.1").body()
    assert body["context"] == {"message_id": "wamid.1"}


def test_a_template_goes_out_as_it_was_written() -> None:
    content = {
        "name": "order_ready",
        "language": {"code": "he"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "42"}]}],
    }
    body = Outgoing("template", content, phone="972501234567", bsuid=None).body()
    assert (body["type"], body["template"]) == ("template", content)


@pytest.mark.parametrize("to", ["US.13491208655302741918", "IL.ENT.506847293015824", "DE.a"])
def test_a_country_and_a_dot_begin_a_user_id(to: str) -> None:
    assert Recipient.of(to) == Recipient(None, to)


@pytest.mark.parametrize("to", ["972501234567", "+972 50-123 4567", "(972) 501234567", "US.", "us.1", "ABC.1", ""])
def test_anything_else_is_dialled(to: str) -> None:
    assert Recipient.of(to) == Recipient(to)


def test_a_recipient_with_both_stays_as_it_is() -> None:
    both = Recipient("972501234567", "IL.1")
    assert Recipient.of(both) is both


def test_keys_without_a_value_stay_at_home() -> None:
    content = {"body": "hi", "preview_url": None, "deep": [{"a": None, "b": [None, 0, ""]}]}
    body = Outgoing("text", content, phone="972501234567", bsuid=None).body()
    assert body["text"] == {"body": "hi", "deep": [{"b": [None, 0, ""]}]}
    assert content["preview_url"] is None


def test_what_a_flow_is_given_is_not_touched() -> None:
    parameters = {"flow_action_payload": {"data": {"name": None}}, "mode": None}
    assert without_nulls(parameters) == {"flow_action_payload": {"data": {"name": None}}}


FILE = {"path": "here"}


@pytest.mark.parametrize(
    ("kind", "content", "kinds"),
    [
        ("text", {"body": "image"}, []),
        ("image", FILE, ["image"]),
        ("sticker", FILE, ["sticker"]),
        ("contacts", [{"name": {"formatted_name": "Dana"}}], []),
        ("interactive", {"type": "button", "header": {"type": "video", "video": FILE}}, ["video"]),
        ("interactive", {"type": "button", "header": {"type": "text", "text": "image"}, "action": {}}, []),
        (
            "interactive",
            {
                "type": "carousel",
                "action": {"cards": [{"type": "cta_url", "header": {"type": "image", "image": FILE}}, "odd", None]},
            },
            ["image"],
        ),
        (
            "interactive",
            {
                "type": "flow",
                "action": {
                    "parameters": {"flow_action_payload": {"data": {"header": {"type": "image", "image": FILE}}}}
                },
            },
            [],
        ),
        (
            "template",
            {"name": "x", "components": [{"type": "HEADER", "parameters": [{"type": "DOCUMENT", "document": FILE}]}]},
            ["document"],
        ),
        (
            "template",
            {
                "components": [
                    {
                        "type": "carousel",
                        "cards": [
                            {"components": [{"type": "header", "parameters": [{"type": kind, kind: FILE}]}]}
                            for kind in ("image", "video")
                        ],
                    }
                ]
            },
            ["image", "video"],
        ),
    ],
)
def test_the_files_of_a_message_are_found_where_its_type_keeps_them(kind: str, content: Any, kinds: list[str]) -> None:
    assert [(kind, media) for kind, media in media_in(kind, content)] == [(kind, FILE) for kind in kinds]
