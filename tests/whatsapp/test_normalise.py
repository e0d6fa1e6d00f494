"""What becomes of each payload under tests/payloads: rows for what can be read, a named problem for what cannot."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import (
    AT_META,
    AT_NUMBER,
    AT_WABA,
    BSUID,
    CUSTOMER,
    INBOUND,
    NUMBER,
    OUR_MESSAGE,
    OUTBOUND,
    WABA,
    names,
    payload,
)
from whatsapp.envelope import Endpoint
from whatsapp.normalise import Normalised, normalise


def of(name: str, endpoint: Endpoint = AT_NUMBER) -> Normalised:
    return normalise(1, endpoint, payload(name))


def only_message(name: str) -> dict[str, Any]:
    result = of(name)
    assert (result.problems, len(result.messages)) == ([], 1)
    return result.messages[0]


def only_status(name: str) -> dict[str, Any]:
    result = of(name)
    assert (result.problems, len(result.statuses)) == ([], 1)
    return result.statuses[0]


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


def test_the_number_is_reported_for_routing() -> None:
    assert of("text").event() == {
        "id": 1,
        "numbers": [
            {
                "provider": "360dialog",
                "phone_number_id": NUMBER,
                "waba_id": WABA,
                "display_phone_number": "97235551234",
            }
        ],
        "wabas": [],
        "kinds": ["messages.text"],
    }


def test_a_reply_names_the_message_it_answers() -> None:
    assert only_message("text_reply")["reply_to_wamid"] == OUTBOUND


def test_an_image_has_its_file_in_columns_and_its_caption_in_content() -> None:
    message = only_message("image")
    assert (message["type"], message["content"]) == ("image", {"caption": "like this"})
    assert message["media_id"] == "1003383421387256"
    assert message["media_mime_type"] == "image/jpeg"
    assert message["media_sha256"] == "6Ks7pr3rB6lX0l1GdJXvBKoSJHNEgeR9bzXVTjBXxW8="


def test_an_image_without_a_file_id_is_a_message_without_a_file() -> None:
    message = only_message("image_without_id")
    assert (message["type"], message.get("media_id")) == ("image", None)


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "played", "failed"])
def test_a_status_names_its_message_and_ours(name: str) -> None:
    status = only_status(f"status_{name}")
    assert (status["status"], status["wamid"], status["callback_data"]) == (name, OUTBOUND, OUR_MESSAGE)
    assert (status["participant"], status["occurred_at"]) == ("", "2026-11-08T10:01:00+00:00")
    assert (status["errors"] is not None) == (name == "failed")


def test_a_status_keeps_what_whatsapp_says_about_conversation_and_price() -> None:
    details = only_status("status_sent")["details"]
    assert details["pricing"] == {
        "billable": False,
        "pricing_model": "PMP",
        "type": "free_customer_service",
        "category": "service",
    }
    assert details["conversation"]["origin"] == {"type": "service"}
    assert details["recipient_id"] == CUSTOMER


def test_a_failed_status_carries_its_errors() -> None:
    errors = only_status("status_failed")["errors"]
    assert (errors[0]["code"], errors[0]["title"]) == (131047, "Re-engagement message")


def test_a_status_from_a_group_says_who_in_it() -> None:
    assert only_status("status_in_group")["participant"] == CUSTOMER


def test_a_message_without_contacts_has_no_profile_name() -> None:
    assert only_message("no_contacts")["profile_name"] is None


def test_a_sender_without_a_phone_is_known_by_user_id() -> None:
    message = only_message("username_only")
    assert (message["wa_id"], message["bsuid"], message["parent_bsuid"]) == (None, BSUID, "IL.ENT.77120394")
    assert message["profile_name"] == "Dana"


def test_nulls_are_read_as_absent() -> None:
    message = only_message("nulls")
    assert message["content"] == {"body": "half of it is null"}
    assert (message["bsuid"], message["profile_name"], message["reply_to_wamid"]) == (None, None, None)


def test_values_of_the_wrong_type_never_hide_that_somebody_wrote() -> None:
    result = of("wrong_types")
    assert [message["type"] for message in result.messages] == ["unsupported"] * 3
    assert [message["content"].get("text") for message in result.messages] == [
        "not an object",
        {"body": ["not", "text"]},
        None,
    ]
    assert (result.statuses, len(result.numbers)) == ([], 1)


def test_numbers_where_text_is_documented_are_read_as_text() -> None:
    result = of("numbers_for_strings")
    message = result.messages[0]
    assert (message["wa_id"], message["phone_number_id"], message["profile_name"]) == (CUSTOMER, NUMBER, "7")
    assert message["occurred_at"] == "2026-11-08T10:00:00+00:00"
    assert result.numbers[0]["waba_id"] == WABA
    assert result.statuses[0]["occurred_at"] == "2026-11-08T10:01:00+00:00"


def test_every_entry_change_and_message_of_a_batch_is_read_in_order() -> None:
    result = of("batch")
    assert [message["content"]["body"] for message in result.messages] == ["first", "second", "third", "fourth"]
    assert [status["status"] for status in result.statuses] == ["read"]


@pytest.mark.parametrize("endpoint", [AT_WABA, AT_META])
def test_a_wabas_and_metas_endpoint_take_any_number_of_theirs(endpoint: Endpoint) -> None:
    result = of("foreign_number", endpoint)
    assert (len(result.messages), result.problems) == (1, [])


def test_another_number_under_a_numbers_token_is_a_problem_and_not_a_row() -> None:
    result = of("mixed_numbers")
    assert [message["content"]["body"] for message in result.messages] == ["for us"]
    assert result.problems == [f"change 1: speaks of number 999000111222333, came with the token of {NUMBER}"]
    assert [number["phone_number_id"] for number in result.numbers] == [NUMBER]


def test_another_waba_under_a_wabas_token_is_a_problem_and_not_a_row() -> None:
    result = of("text", Endpoint("360dialog", waba_id="777"))
    assert (result.messages, result.numbers) == ([], [])
    assert result.problems == [f"change 0: speaks of WABA {WABA}, came with the token of 777"]


def test_items_without_ids_are_named_and_their_neighbours_stored() -> None:
    result = of("items_without_ids")
    assert [message["content"]["body"] for message in result.messages] == ["I am whole"]
    assert result.problems == [
        "change 0 message 0: has no id",
        "change 0 message 2: names nobody",
        "change 0 status 0: has no id or no status",
        "change 0 status 1: has no id or no status",
    ]


@pytest.mark.parametrize("timestamp", [None, "", "soon", "NaN", True, [], {}, 1e30, "9" * 40, -(10**18)])
def test_a_time_that_is_none_is_left_to_the_journals_clock(timestamp: Any) -> None:
    body = payload("text")
    body["entry"][0]["changes"][0]["value"]["messages"][0]["timestamp"] = timestamp
    assert normalise(1, AT_NUMBER, body).messages[0]["occurred_at"] is None


@pytest.mark.parametrize("field", ["id", "from", "from_user_id", "from_parent_user_id"])
def test_an_id_longer_than_any_index_takes_is_named_and_not_stored(field: str) -> None:
    body = payload("batch")
    messages = body["entry"][0]["changes"][0]["value"]["messages"]
    messages[0][field] = "9" * 3000
    result = normalise(1, AT_NUMBER, body)
    assert [message["content"]["body"] for message in result.messages] == ["second", "third", "fourth"]
    assert result.problems == [f"change 0 message 0: {field} is longer than 512 characters"]


@pytest.mark.parametrize("field", ["id", "status", "recipient_participant_id"])
def test_a_status_with_an_endless_id_is_named_and_not_stored(field: str) -> None:
    body = payload("status_sent")
    body["entry"][0]["changes"][0]["value"]["statuses"][0][field] = "9" * 3000
    result = normalise(1, AT_NUMBER, body)
    assert (result.statuses, result.problems) == ([], [f"change 0 status 0: {field} is longer than 512 characters"])


def test_every_payload_is_read_at_every_endpoint() -> None:
    for name in names():
        for endpoint in (AT_NUMBER, AT_WABA, AT_META):
            assert of(name, endpoint).event()["id"] == 1
