"""Whose a message is, and who goes on as whom."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import (
    AT_NUMBER,
    BSUID,
    CUSTOMER,
    NEW_BSUID,
    NEW_PHONE,
    NUMBER,
    PARENT,
    WABA,
    of,
    only_fact,
    only_message,
    payload,
)
from whatsapp.envelope import JsonObject
from whatsapp.normalise import normalise

MOMENT = "2026-11-08T10:00:00+00:00"
NOBODY = dict.fromkeys(("wa_id", "bsuid", "parent_bsuid", "new_wa_id", "new_bsuid", "new_parent_bsuid"))


def people_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["wa_id"], row["bsuid"], row["parent_bsuid"]


def value_of(body: JsonObject) -> Any:
    return body["entry"][0]["changes"][0]["value"]


def identity(**ids: str) -> dict[str, Any]:
    return {
        "event_id": 1,
        "kind": "identity",
        "phone_number_id": NUMBER,
        "waba_id": WABA,
        "display_phone_number": "97235551234",
        "occurred_at": MOMENT,
        **NOBODY,
        **ids,
    }


def test_a_sender_without_a_phone_is_known_by_user_id() -> None:
    message = only_message("username_only")
    assert (people_of(message), message["profile_name"]) == ((None, BSUID, PARENT), "Dana")


@pytest.mark.parametrize("name", ["username_number_known", "number_user_id_in_contacts"])
def test_what_a_message_leaves_out_of_its_sender_is_found_in_contacts(name: str) -> None:
    assert people_of(only_message(name)) == (CUSTOMER, BSUID, None)


def test_a_message_without_contacts_has_no_profile_name() -> None:
    assert only_message("no_contacts")["profile_name"] is None


def test_each_sender_of_a_batch_has_their_own_name_and_ids() -> None:
    body = payload("text")
    value = value_of(body)
    value["contacts"] = [
        {"wa_id": "1", "user_id": "IL.1", "profile": {"name": "One"}},
        {"wa_id": "2", "profile": {"username": "two.2"}},
        {"wa_id": "2", "user_id": "IL.2"},
        {"user_id": "IL.3", "profile": {}},
        None,
        {},
    ]
    value["messages"] = [
        {"id": f"wamid.{place}", "type": "text", "text": {"body": "x"}, **sender}
        for place, sender in enumerate([{"from": "2"}, {"from": 1}, {"from_user_id": "IL.3"}, {"from": "4"}])
    ]
    rows = normalise(1, AT_NUMBER, body).messages
    assert [(row["wa_id"], row["bsuid"], row["profile_name"]) for row in rows] == [
        ("2", "IL.2", "two.2"),
        ("1", "IL.1", "One"),
        (None, "IL.3", None),
        ("4", None, None),
    ]


def test_an_endless_id_among_the_contacts_completes_nobody() -> None:
    body = payload("number_user_id_in_contacts")
    value_of(body)["contacts"][0]["user_id"] = "9" * 3000
    assert people_of(normalise(1, AT_NUMBER, body).messages[0]) == (CUSTOMER, None, None)


@pytest.mark.parametrize(
    ("name", "sender", "fact"),
    [
        (
            "system_number_changed",
            (CUSTOMER, None, None),
            {"wa_id": CUSTOMER, "new_wa_id": NEW_PHONE, "new_bsuid": NEW_BSUID},
        ),
        ("system_number_changed_old_names", (CUSTOMER, None, None), {"wa_id": CUSTOMER, "new_wa_id": NEW_PHONE}),
        (
            "system_user_id_changed",
            (None, BSUID, PARENT),
            {"bsuid": BSUID, "new_bsuid": NEW_BSUID, "parent_bsuid": PARENT, "new_parent_bsuid": "IL.ENT.99"},
        ),
        (
            "system_user_id_changed_previous",
            (CUSTOMER, BSUID, None),
            {"wa_id": CUSTOMER, "bsuid": BSUID, "new_bsuid": NEW_BSUID},
        ),
    ],
)
def test_a_changed_number_or_user_id_is_told_in_the_old_thread(
    name: str, sender: tuple[Any, ...], fact: dict[str, str]
) -> None:
    message = only_message(name)
    assert (message["type"], people_of(message)) == ("system", sender)
    assert only_fact(name) == identity(**fact)


def test_a_change_that_does_not_say_from_what_is_a_message_alone() -> None:
    result = of("system_user_id_changed_untold")
    assert (result.facts, people_of(result.messages[0])) == ([], (None, NEW_BSUID, None))


def test_a_changed_security_key_changes_nobody() -> None:
    message = only_message("system_identity_changed")
    assert message["content"]["identity"]["hash"] == "b3duIGtleQ=="
    assert (of("system_identity_changed").facts, people_of(message)) == ([], (CUSTOMER, BSUID, None))


@pytest.mark.parametrize(
    ("body", "old"),
    [
        (f"User IL.Cohen changed from {BSUID} to {NEW_BSUID}", BSUID),
        (f"{BSUID} {PARENT} {NEW_BSUID}", BSUID),
        (f"User changed to {NEW_BSUID}", None),
        (f"User changed from {BSUID} to somebody", None),
        (f"User changed from {NEW_BSUID} to {NEW_BSUID}", None),
        ("", None),
        (7, None),
    ],
)
def test_the_old_user_id_is_read_out_of_the_words_only_when_it_is_before_the_new(body: Any, old: str | None) -> None:
    told = payload("system_user_id_changed_untold")
    value_of(told)["messages"][0]["system"]["body"] = body
    assert [fact["bsuid"] for fact in normalise(1, AT_NUMBER, told).facts] == ([old] if old else [])


def test_a_system_message_of_another_kind_makes_nobody_somebody_else() -> None:
    body = payload("system_number_changed")
    value_of(body)["messages"][0]["system"]["type"] = "somebody_was_added"
    result = normalise(1, AT_NUMBER, body)
    assert (result.facts, people_of(result.messages[0])) == ([], (CUSTOMER, NEW_BSUID, None))


def test_a_user_id_update_says_who_goes_on_as_whom() -> None:
    assert only_fact("user_id_update") == identity(
        wa_id=CUSTOMER, bsuid=BSUID, parent_bsuid=PARENT, new_bsuid=NEW_BSUID, new_parent_bsuid="IL.ENT.99"
    )


@pytest.mark.parametrize(
    ("item", "ids"),
    [
        ({"wa_id": CUSTOMER, "user_id": {"current": NEW_BSUID}}, {"wa_id": CUSTOMER, "new_bsuid": NEW_BSUID}),
        ({"wa_id": CUSTOMER, "user_id": NEW_BSUID}, {"wa_id": CUSTOMER, "new_bsuid": NEW_BSUID}),
        ({"user_id": {"previous": BSUID, "current": NEW_BSUID}}, {"bsuid": BSUID, "new_bsuid": NEW_BSUID}),
    ],
)
def test_a_user_id_update_may_know_one_of_the_old_ids_only(item: Any, ids: dict[str, str]) -> None:
    body = payload("user_id_update")
    value_of(body)["user_id_update"] = [item | {"timestamp": 1794132000}]
    assert normalise(1, AT_NUMBER, body).facts == [identity(**ids)]


@pytest.mark.parametrize("item", [{}, {"user_id": {"current": NEW_BSUID}}, {"wa_id": CUSTOMER, "user_id": {}}])
def test_a_user_id_update_that_does_not_say_of_whom_is_named(item: Any) -> None:
    body = payload("user_id_update")
    value_of(body)["user_id_update"].append(item)
    result = normalise(1, AT_NUMBER, body)
    assert len(result.facts) == 1
    assert result.problems == ["change 0 update 1: does not say whose id became which"]


@pytest.mark.parametrize(
    ("name", "who", "value", "moment"),
    [
        ("user_preferences_stop", (CUSTOMER, BSUID), "stop", MOMENT),
        ("user_preferences_resume", (None, BSUID), "resume", "2026-11-08T10:01:40+00:00"),
    ],
)
def test_a_word_on_marketing_messages_says_whose_and_which(
    name: str, who: tuple[str | None, str], value: str, moment: str
) -> None:
    fact = only_fact(name)
    assert (fact["kind"], fact["wa_id"], fact["bsuid"], fact["occurred_at"]) == ("preference", *who, moment)
    assert (fact["details"]["category"], fact["details"]["value"]) == ("marketing_messages", value)
    assert fact["details"]["detail"].startswith("User requested to")


def test_a_preference_of_nobody_is_named() -> None:
    body = payload("user_preferences_stop")
    value_of(body)["user_preferences"].insert(0, {"value": "stop"})
    result = normalise(1, AT_NUMBER, body)
    assert (len(result.facts), result.problems) == (1, ["change 0 preference 0: names nobody"])
