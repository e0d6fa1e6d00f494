"""Numbers that are shared with a phone app: what is typed there, its address book, and its chats of before."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import AT_NUMBER, BSUID, CUSTOMER, OUTBOUND, PARENT, SHA256, of, only_message, payload
from whatsapp.envelope import JsonObject
from whatsapp.normalise import normalise

OWN = "97235551234"


def threads_of(body: JsonObject) -> Any:
    return body["entry"][0]["changes"][0]["value"]["history"][0]["threads"]


def past(thread: dict[str, Any], **message: Any) -> dict[str, Any]:
    """The one row of a history that is this message in this chat."""
    body = payload("history")
    sent = {"id": "wamid.1", "timestamp": "1790000000", "type": "text", "text": {"body": "x"}, **message}
    threads_of(body)[:] = [thread | {"messages": [sent]}]
    result = normalise(1, AT_NUMBER, body)
    assert (result.problems, len(result.messages)) == ([], 1)
    return result.messages[0]


@pytest.mark.parametrize(
    ("name", "kind", "content"),
    [
        ("echo_text", "text", {"body": "on my way"}),
        ("echo_image", "image", {"caption": "the blue one"}),
        ("echo_revoke", "revoke", {"original_message_id": f"{OUTBOUND}0"}),
    ],
)
def test_what_the_business_typed_in_its_phone_app_is_outbound_and_sent(
    name: str, kind: str, content: dict[str, Any]
) -> None:
    message = only_message(name)
    assert (message["direction"], message["status"], message["wamid"]) == ("outbound", "sent", OUTBOUND)
    assert (message["wa_id"], message["bsuid"]) == (CUSTOMER, BSUID)
    assert (message["type"], message["content"]) == (kind, content)
    assert "imported" not in message
    assert of(name).kinds == ["smb_message_echoes"]


def test_a_file_sent_from_the_phone_app_can_be_fetched() -> None:
    message = only_message("echo_image")
    assert (message["media_id"], message["media_sha256"]) == ("1003383421387267", SHA256)


def test_an_edit_in_the_phone_app_points_at_its_message() -> None:
    message = only_message("echo_edit")
    assert (message["type"], message["reply_to_wamid"]) == ("edit", f"{OUTBOUND}0")
    assert message["content"]["message"] == {"type": "text", "text": {"body": "on my way now"}}


def test_an_echo_to_a_username_is_known_by_user_id() -> None:
    message = only_message("echo_to_username")
    assert (message["wa_id"], message["bsuid"], message["parent_bsuid"]) == (None, BSUID, PARENT)
    assert message["profile_name"] == "dana.k"


def test_echoes_are_read_under_their_other_field_too() -> None:
    message = only_message("echo_other_field")
    assert (message["direction"], message["wa_id"]) == ("outbound", CUSTOMER)
    assert of("echo_other_field").kinds == ["message_echoes"]


def test_an_echo_to_nobody_is_named() -> None:
    body = payload("echo_text")
    echo = body["entry"][0]["changes"][0]["value"]["message_echoes"][0]
    del echo["to"], echo["to_user_id"]
    assert normalise(1, AT_NUMBER, body).problems == ["change 0 echo 0: names nobody"]


@pytest.mark.parametrize("name", ["state_sync_add", "state_sync_360dialog"])
def test_the_address_book_names_contacts(name: str) -> None:
    result = of(name)
    assert [(fact["kind"], fact["wa_id"], fact["name"], fact["details"]["action"]) for fact in result.facts] == [
        ("contact", CUSTOMER, "Noa Levi", "add"),
        ("contact", "97235550000", "Rina", "edit"),
    ]
    assert result.facts[0]["details"]["contact"]["phone_number"] == "+972 50-123-4567"
    assert [fact["occurred_at"] for fact in result.facts] == ["2026-11-08T10:00:00+00:00", "2026-11-08T10:00:01+00:00"]
    assert (result.problems, result.kinds) == ([], ["smb_app_state_sync"])


def test_a_contact_taken_out_of_the_address_book_says_so() -> None:
    (fact,) = of("state_sync_remove").facts
    assert (fact["wa_id"], fact["name"], fact["details"]["action"]) == (CUSTOMER, None, "remove")


def test_what_else_the_app_keeps_in_step_is_no_contact() -> None:
    body = payload("state_sync_remove")
    states = body["entry"][0]["changes"][0]["value"]["state_sync"]
    states[:] = [{"type": "label", "label": {"name": "VIP"}}, {"type": "contact", "contact": {"full_name": "Nobody"}}]
    result = normalise(1, AT_NUMBER, body)
    assert (result.facts, result.problems) == ([], ["change 0 state 1: names nobody"])


@pytest.mark.parametrize("name", ["history", "history_360dialog"])
def test_the_chats_of_before_are_messages_as_far_as_the_phone_says(name: str) -> None:
    result = of(name)
    assert [(row["wa_id"], row["bsuid"], row["direction"], row["status"], row["type"]) for row in result.messages] == [
        (CUSTOMER, BSUID, "outbound", "read", "text"),
        (CUSTOMER, BSUID, "outbound", "played", "media_placeholder"),
        (CUSTOMER, BSUID, "inbound", "received", "text"),
        (CUSTOMER, BSUID, "outbound", "failed", "text"),
        (CUSTOMER, BSUID, "outbound", "sent", "text"),
        ("972521112223", None, "outbound", "delivered", "text"),
    ]
    assert all(row["imported"] for row in result.messages)
    assert result.messages[0]["content"] == {"body": "the order is ready"}
    assert result.messages[0]["occurred_at"] == "2026-09-21T14:13:21+00:00"
    assert (result.problems, result.kinds, len(result.numbers)) == ([], ["history"], 1)


def test_a_chat_with_a_username_is_known_by_user_id() -> None:
    inbound, outbound = of("history_with_username").messages
    assert (inbound["direction"], outbound["direction"]) == ("inbound", "outbound")
    for row in (inbound, outbound):
        assert (row["wa_id"], row["bsuid"], row["parent_bsuid"]) == (None, BSUID, PARENT)
        assert row["profile_name"] == "dana.k"


def test_files_of_before_follow_under_their_messages_ids() -> None:
    theirs, ours = of("history_files").messages
    assert (theirs["direction"], theirs["type"], theirs["media_id"]) == ("inbound", "image", "24230790383178626")
    assert (ours["direction"], ours["type"], ours["media_id"]) == ("outbound", "audio", "24230790383178627")
    assert theirs["imported"] and ours["imported"]
    placeholder = of("history").messages[1]
    assert (placeholder["type"], placeholder["wamid"]) == ("media_placeholder", ours["wamid"])


@pytest.mark.parametrize("name", ["history_refused", "history_refused_360dialog", "phone_app_history"])
def test_a_history_that_is_refused_or_empty_is_noted(name: str) -> None:
    event = of(name).event()
    assert event == {"id": 1, "numbers": [], "wabas": [], "kinds": ["history"]}


@pytest.mark.parametrize(
    ("thread", "message", "direction"),
    [
        ({"id": CUSTOMER}, {"from": OWN}, "outbound"),
        ({"id": CUSTOMER}, {"from": "+972 3-555-1234", "to": CUSTOMER}, "outbound"),
        ({"id": CUSTOMER}, {"from": CUSTOMER}, "inbound"),
        ({"id": CUSTOMER}, {"from": CUSTOMER, "to": OWN}, "inbound"),
        ({"id": CUSTOMER}, {"from_user_id": BSUID, "to": OWN}, "inbound"),
        ({"id": CUSTOMER}, {"to": CUSTOMER}, "outbound"),
        ({"id": CUSTOMER}, {}, "inbound"),
        ({}, {"from": OWN, "to": CUSTOMER}, "outbound"),
        ({}, {"from": CUSTOMER}, "inbound"),
    ],
)
def test_who_wrote_is_told_by_whichever_end_is_named(
    thread: dict[str, Any], message: dict[str, Any], direction: str
) -> None:
    row = past(thread, **message)
    assert row["direction"] == direction
    assert CUSTOMER in (row["wa_id"], CUSTOMER if row["bsuid"] == BSUID else None)
    assert row["content"] == {"body": "x"}


@pytest.mark.parametrize(("sender", "direction"), [(OWN, "outbound"), (CUSTOMER, "inbound")])
def test_who_wrote_is_told_by_the_chat_where_our_number_is_not(sender: str, direction: str) -> None:
    body = payload("history")
    del body["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"]
    threads_of(body)[:] = [{"id": CUSTOMER, "messages": [{"id": "wamid.1", "type": "text", "from": sender}]}]
    (row,) = normalise(1, AT_NUMBER, body).messages
    assert (row["direction"], row["wa_id"]) == (direction, CUSTOMER)


@pytest.mark.parametrize(
    ("context", "status", "kept"),
    [
        ({"status": "READ"}, "read", False),
        ({"status": "delivered"}, "delivered", False),
        ({}, "sent", False),
        ({"status": "SEEN_TWICE"}, "sent", True),
        ({"status": "READ", "device": 2}, "read", True),
        ("READ", "sent", True),
        (None, "sent", False),
    ],
)
def test_how_far_a_message_of_before_had_come_is_its_status(context: Any, status: str, kept: bool) -> None:
    row = past({"id": CUSTOMER}, **{"from": OWN}, history_context=context)
    assert row["status"] == status
    assert ("history_context" in row["content"]) == kept


def test_a_bad_item_of_a_history_is_named_by_its_place() -> None:
    body = payload("history")
    value = body["entry"][0]["changes"][0]["value"]
    value["history"] += ["x", {"threads": "x"}, {"threads": [7, {"messages": [{"id": "wamid.1"}, "x"]}, {}]}]
    result = normalise(1, AT_NUMBER, body)
    assert len(result.messages) == 6
    assert result.problems == [
        "change 0 chunk 1: is not an object",
        "change 0 chunk 2 threads: is not an object",
        "change 0 chunk 3 thread 0: is not an object",
        "change 0 chunk 3 thread 1 message 0: names nobody",
        "change 0 chunk 3 thread 1 message 1: is not an object",
    ]
