"""What becomes of each type of message: its row, its content, its columns."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import AT_NUMBER, BSUID, CUSTOMER, INBOUND, NUMBER, OUTBOUND, SHA256, only_message, payload
from whatsapp.normalise import normalise

REPLY = {"from": "97235551234", "id": OUTBOUND}
MEDIA_KEYS = ("media_id", "media_mime_type", "media_sha256", "media_filename")


def media(message: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(message.get(key) for key in MEDIA_KEYS)


def changed(name: str, **keys: Any) -> dict[str, Any]:
    """The row of a case whose message has these keys instead."""
    body = payload(name)
    body["entry"][0]["changes"][0]["value"]["messages"][0] |= keys
    result = normalise(1, AT_NUMBER, body)
    assert result.problems == []
    return result.messages[0]


def test_a_text_keeps_its_sender_its_words_and_its_time() -> None:
    assert only_message("text") == {
        "event_id": 1,
        "phone_number_id": NUMBER,
        "wamid": INBOUND,
        "wa_id": CUSTOMER,
        "bsuid": BSUID,
        "parent_bsuid": None,
        "profile_name": "Noa",
        "direction": "inbound",
        "status": "received",
        "type": "text",
        "content": {"body": "שלום, is the blue one still there? 🙂"},
        "reply_to_wamid": None,
        "occurred_at": "2026-11-08T10:00:00+00:00",
    }


@pytest.mark.parametrize(
    ("name", "kind", "content", "file"),
    [
        ("image", "image", {"caption": "like this"}, ("1003383421387256", "image/jpeg", SHA256, None)),
        ("video", "video", {"caption": "the whole room"}, ("1003383421387257", "video/mp4", SHA256, None)),
        ("audio", "audio", {"voice": False}, ("1003383421387258", "audio/mpeg", SHA256, None)),
        ("audio_voice", "audio", {"voice": True}, ("1003383421387259", "audio/ogg; codecs=opus", SHA256, None)),
        ("voice_legacy", "audio", {"voice": True}, ("1003383421387260", "audio/ogg; codecs=opus", SHA256, None)),
        (
            "document",
            "document",
            {"caption": "the signed one"},
            ("1003383421387261", "application/pdf", SHA256, "offer 12.pdf"),
        ),
        ("sticker", "sticker", {"animated": False}, ("1003383421387262", "image/webp", SHA256, None)),
        ("sticker_animated", "sticker", {"animated": True}, ("1003383421387263", "image/webp", SHA256, None)),
    ],
)
def test_a_file_is_in_columns_and_its_words_are_in_content(
    name: str, kind: str, content: dict[str, Any], file: tuple[Any, ...]
) -> None:
    message = only_message(name)
    assert (message["type"], message["content"], media(message)) == (kind, content, file)


def test_a_file_without_an_id_is_a_message_without_a_file() -> None:
    message = only_message("image_without_id")
    assert (message["type"], message["content"]) == ("image", {"caption": "still on its way"})
    assert media(message) == (None, "image/jpeg", None, None)


def test_what_is_no_text_is_in_no_file_column_and_yet_not_lost() -> None:
    message = changed("image", image={"id": {"odd": 1}, "url": ["odd"], "mime_type": 5})
    assert (message["content"], media(message)) == ({"id": {"odd": 1}, "url": ["odd"]}, (None, "5", None, None))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "location",
            {"latitude": 32.0853, "longitude": 34.7818, "name": "Dizengoff Square", "address": "Tel Aviv"},
        ),
        ("location_bare", {"latitude": 12.25089, "longitude": 43.90539}),
        ("button", {"payload": "confirm-12", "text": "Confirm"}),
        ("button_without_context", {"payload": "Confirm", "text": "Confirm"}),
        (
            "interactive_button_reply",
            {"type": "button_reply", "button_reply": {"id": "slot-3", "title": "Tuesday 10:00"}},
        ),
        (
            "interactive_list_reply",
            {
                "type": "list_reply",
                "list_reply": {"id": "haifa", "title": "Haifa", "description": "Carmel Center"},
            },
        ),
        (
            "interactive_nfm_reply",
            {
                "type": "nfm_reply",
                "nfm_reply": {
                    "name": "flow",
                    "body": "Sent",
                    "response_json": '{"flow_token":"order-12","size":"L"}',
                },
            },
        ),
        (
            "interactive_call_permission_reply",
            {
                "type": "call_permission_reply",
                "call_permission_reply": {
                    "response": "accept",
                    "expiration_timestamp": 1794736800,
                    "response_source": "user_action",
                },
            },
        ),
    ],
)
def test_an_answer_or_a_place_is_as_whatsapp_has_it(name: str, content: dict[str, Any]) -> None:
    message = only_message(name)
    assert (message["type"], message["content"]) == (name.split("_", maxsplit=1)[0], content)


@pytest.mark.parametrize("name", ["button", "interactive_button_reply", "interactive_nfm_reply", "text_reply"])
def test_an_answer_names_the_message_it_answers(name: str) -> None:
    assert only_message(name)["reply_to_wamid"] == OUTBOUND


def test_contact_cards_are_an_array_and_what_came_beside_is_in_the_first() -> None:
    avi, rina = only_message("contacts")["content"]
    assert (avi["name"]["formatted_name"], avi["birthday"], avi["org"]["company"]) == (
        "Avi Cohen",
        "1980-02-29",
        "Cohen & Sons",
    )
    assert avi["context"] == {"forwarded": True}
    assert rina == {"name": {"formatted_name": "Rina"}, "phones": [{"phone": "+972 3-555-0000"}]}


def test_a_contact_card_may_be_nothing_but_a_vcard() -> None:
    (card,) = only_message("contacts_bare")["content"]
    assert card.keys() == {"vcard"}


def test_a_number_given_on_request_says_so() -> None:
    message = only_message("contacts_requested")
    (card,) = message["content"]
    assert (card["origin"], card["phones"]) == ("contact_request", [{"phone": CUSTOMER}])
    assert (message["wa_id"], message["bsuid"]) == (None, BSUID)


@pytest.mark.parametrize(
    ("name", "emoji"),
    [
        ("reaction", {"emoji": "👍"}),
        ("reaction_changed", {"emoji": "❤️"}),
        ("reaction_removed_empty", {"emoji": ""}),
        ("reaction_removed_missing", {}),
    ],
)
def test_a_reaction_points_at_its_message(name: str, emoji: dict[str, str]) -> None:
    message = only_message(name)
    assert (message["type"], message["reply_to_wamid"]) == ("reaction", OUTBOUND)
    assert message["content"] == {"message_id": OUTBOUND, **emoji}


def test_a_reaction_to_a_message_we_never_saw_points_at_it_all_the_same() -> None:
    message = only_message("reaction_to_unknown")
    assert message["reply_to_wamid"] == message["content"]["message_id"] != OUTBOUND


def test_a_reaction_with_a_context_keeps_both_messages() -> None:
    message = changed("reaction", context={"from": CUSTOMER, "id": "wamid.other"})
    assert message["reply_to_wamid"] == OUTBOUND
    assert message["content"]["context"] == {"from": CUSTOMER, "id": "wamid.other"}


def test_an_order_keeps_every_line() -> None:
    content = only_message("order")["content"]
    assert (content["catalog_id"], content["text"]) == ("194836987003835", "gift wrapped, please")
    assert [
        (item["product_retailer_id"], item["quantity"], item["item_price"]) for item in content["product_items"]
    ] == [
        ("mug-blue", 2, 39.9),
        ("tea-mint", 1, 25),
    ]


@pytest.mark.parametrize("name", ["edit", "edit_caption", "revoke"])
def test_an_edit_or_revoke_points_at_its_message(name: str) -> None:
    message = only_message(name)
    assert message["type"] == name.split("_", maxsplit=1)[0]
    assert message["reply_to_wamid"] == message["content"]["original_message_id"] == f"{INBOUND}0"
    assert message["wamid"] == INBOUND


def test_an_edit_carries_the_new_words() -> None:
    assert only_message("edit")["content"]["message"]["text"] == {"body": "ten, not nine"}
    edited = only_message("edit_caption")
    assert edited["content"]["message"]["image"]["caption"] == "like that"
    # The file is the old one: nothing to fetch.
    assert media(edited) == (None, None, None, None)


@pytest.mark.parametrize(
    ("name", "kind", "what", "code"),
    [
        ("unsupported", "unsupported", "poll", 131051),
        ("unsupported_unavailable", "unsupported", None, 131060),
        ("unsupported_too_large", "unsupported", None, 131052),
        ("unknown", "unknown", None, 131051),
    ],
)
def test_what_whatsapp_does_not_pass_on_says_why(name: str, kind: str, what: str | None, code: int) -> None:
    message = only_message(name)
    assert (message["type"], message["content"].get("type")) == (kind, what)
    assert [error["code"] for error in message["content"]["errors"]] == [code]


@pytest.mark.parametrize("name", ["ephemeral", "request_welcome"])
def test_an_old_type_without_content_keeps_its_name(name: str) -> None:
    message = only_message(name)
    assert (message["type"], message["content"]) == (name, {})


def test_a_brand_new_type_keeps_its_name_and_its_object() -> None:
    message = only_message("brand_new")
    assert (message["type"], message["content"]) == ("hologram", {"beam": [1, 2], "title": "look around"})
    assert message["reply_to_wamid"] == OUTBOUND


def test_a_brand_new_type_without_an_object_keeps_what_it_has() -> None:
    message = only_message("brand_new_bare")
    assert (message["type"], message["content"]) == ("nudge", {"nudge": 7, "tempo": "fast"})


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("text", {"body": None}),
        ("text", {"body": 7}),
        ("text", "words"),
        ("image", [1]),
        ("video", {"id": "1", "caption": {"no": "text"}}),
        ("audio", None),
        ("location", {"name": "nowhere"}),
        ("location", {"latitude": True, "longitude": 1}),
        ("contacts", []),
        ("contacts", ["Avi"]),
        ("contacts", {"name": "Avi"}),
        ("button", {"text": 1}),
        ("interactive", {"button_reply": {}}),
        ("reaction", {"emoji": "👍"}),
        ("reaction", {"message_id": "wamid.1", "emoji": 7}),
        ("order", {"catalog_id": "1"}),
        ("system", "moved"),
        ("edit", {"message": {}}),
        ("revoke", {}),
    ],
)
def test_a_type_that_did_not_come_whole_is_unsupported_with_all_that_was_sent(kind: str, part: Any) -> None:
    message = changed("unknown", type=kind, errors=None, **{kind: part})
    assert message["type"] == "unsupported"
    assert message["content"] == {"type": kind} | ({kind: part} if part is not None else {})
    assert media(message) == (None, None, None, None)


@pytest.mark.parametrize("kind", ["x" * 65, "line\nbreak", "\u0000", "\ud800", 1.5, ["text"], {"text": 1}, True])
def test_a_type_that_is_no_name_is_unsupported(kind: Any) -> None:
    message = changed("text", type=kind)
    assert (message["type"], message["content"]["type"]) == ("unsupported", kind)
    assert message["content"]["text"]["body"].startswith("שלום")


def test_a_message_without_a_type_is_shown_with_all_that_was_sent() -> None:
    message = only_message("without_a_type")
    assert (message["type"], message["content"]) == ("unsupported", {"text": {"body": "what am I?"}})


def test_a_text_without_a_body_is_shown_with_all_that_was_sent() -> None:
    message = only_message("text_without_body")
    assert (message["type"], message["content"]) == ("unsupported", {"type": "text", "text": {"format": "none"}})
