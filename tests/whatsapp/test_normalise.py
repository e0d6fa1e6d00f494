"""A body as a whole: whose it is, what was in it, what could not be read; its items have tests of their own."""

from __future__ import annotations

import time
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.whatsapp.payload import (
    AT_META,
    AT_NUMBER,
    AT_WABA,
    CUSTOMER,
    NUMBER,
    WABA,
    names,
    of,
    payload,
)
from whatsapp.envelope import Endpoint, JsonObject, changes
from whatsapp.normalise import normalise, together
from whatsapp.scalars import moment

OUR_NUMBER = {
    "provider": "360dialog",
    "phone_number_id": NUMBER,
    "waba_id": WABA,
    "display_phone_number": "97235551234",
}


def messages_of(body: JsonObject) -> list[Any]:
    found: list[Any] = body["entry"][0]["changes"][0]["value"]["messages"]
    return found


def test_the_number_is_reported_for_routing() -> None:
    assert of("text").event() == {"id": 1, "numbers": [OUR_NUMBER], "wabas": [], "kinds": ["messages.text"]}


def test_what_names_no_number_is_routed_by_its_waba() -> None:
    event = of("template_update").event()
    assert event == {"id": 1, "numbers": [], "wabas": [WABA], "kinds": ["message_template_status_update"]}


def test_each_number_and_waba_is_reported_once() -> None:
    body = payload("text")
    body["entry"] = [*body["entry"], *body["entry"], *payload("template_update")["entry"] * 2]
    body["entry"][0]["changes"] += payload("status_read")["entry"][0]["changes"]
    event = normalise(1, AT_NUMBER, body).event()
    assert (event["numbers"], event["wabas"]) == ([OUR_NUMBER], [WABA])


def test_events_that_are_alike_are_one_line() -> None:
    bad = payload("text")
    del messages_of(bad)[0]["id"]
    bodies = [payload("text"), payload("status_read"), payload("text"), bad, payload("template_update"), bad]
    results = [normalise(n, AT_NUMBER, body) for n, body in enumerate(bodies, 1)]
    lines = together(results)
    assert [line.get("ids", line.get("id")) for line in lines] == [[1, 3], [2], 4, [5], 6]
    assert lines[0] == {"ids": [1, 3], "numbers": [OUR_NUMBER], "wabas": [], "kinds": ["messages.text"]}
    assert lines[2] == results[3].event()


@pytest.mark.parametrize("name", ["call_connect", "group_lifecycle", "empty_lists", "foreign_number"])
def test_what_gives_no_row_needs_no_number(name: str) -> None:
    result = of(name)
    assert (result.numbers, result.wabas) == ([], [])


@pytest.mark.parametrize("name", names())
def test_every_body_says_what_was_in_it(name: str) -> None:
    result = of(name, AT_META)
    assert 1 <= len(result.kinds) <= 20
    assert all(0 < len(kind) <= 64 for kind in result.kinds)


def test_kinds_are_distinct_and_in_order() -> None:
    assert of("batch").kinds == ["messages.text", "statuses.read"]
    assert of("interactive_without_body").kinds == ["messages.unsupported", "errors"]


def test_kinds_are_few_and_short() -> None:
    body = payload("text")
    body["entry"] = [{"changes": [{"field": f"{place:03d}" * 50, "value": {}} for place in range(300)]}]
    kinds = normalise(1, AT_NUMBER, body).kinds
    assert (len(kinds), {len(kind) for kind in kinds}) == (20, {64})


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


@pytest.mark.parametrize("name", ["text", "template_update", "history_360dialog", "state_sync_360dialog"])
def test_another_waba_under_a_wabas_token_is_a_problem_and_not_a_row(name: str) -> None:
    result = of(name, Endpoint("360dialog", waba_id="777"))
    assert (result.messages, result.facts, result.numbers, result.kinds) == ([], [], [], [])
    assert result.problems == [f"change 0: speaks of WABA {WABA}, came with the token of 777"]


@pytest.mark.parametrize("name", ["field_missing", "field_renamed"])
def test_messages_are_read_whatever_their_field_is_called(name: str) -> None:
    result = of(name)
    assert (len(result.messages), result.problems, result.kinds[0]) == (1, [], "messages.text")


def test_a_field_of_tomorrow_is_noted_and_not_refused() -> None:
    event = of("field_of_tomorrow").event()
    assert event == {"id": 1, "numbers": [], "wabas": [], "kinds": ["holograms"]}


def test_nothing_at_all_is_no_problem() -> None:
    assert normalise(1, AT_NUMBER, {}).event() == {"id": 1, "numbers": [], "wabas": [], "kinds": []}
    assert of("empty_lists").event() == {"id": 1, "numbers": [], "wabas": [], "kinds": ["messages"]}


def test_a_walked_body_is_not_walked_again() -> None:
    body = payload("text")
    found = changes(body)
    body.clear()
    assert len(normalise(1, AT_NUMBER, body, found).messages) == 1


def test_items_without_ids_are_named_and_their_neighbours_stored() -> None:
    result = of("items_without_ids")
    assert [message["content"]["body"] for message in result.messages] == ["I am whole"]
    assert result.problems == [
        "change 0 message 0: has no id",
        "change 0 message 2: names nobody",
        "change 0 status 0: has no id or no status",
        "change 0 status 1: has no id or no status",
    ]


def test_values_of_the_wrong_type_never_hide_that_somebody_wrote() -> None:
    result = of("wrong_types")
    assert [message["type"] for message in result.messages] == ["unsupported"] * 3
    assert [message["content"] for message in result.messages] == [
        {"type": "text", "text": "not an object"},
        {"type": "text", "text": {"body": ["not", "text"]}},
        {"type": "image", "image": []},
    ]
    assert result.problems == [
        "change 0 message 1: is not an object",
        "change 0: its status list is not a list",
        "change 1: names no number",
        "change 2: an item of changes is not an object",
    ]
    assert len(result.numbers) == 1


def test_nulls_are_read_as_absent() -> None:
    result = of("nulls")
    (message,) = result.messages
    assert message["content"] == {"body": "half of it is null"}
    assert (message["bsuid"], message["profile_name"], message["reply_to_wamid"]) == (None, None, None)
    assert result.problems == []


def test_numbers_where_text_is_documented_are_read_as_text() -> None:
    result = of("numbers_for_strings")
    message = result.messages[0]
    assert (message["wa_id"], message["phone_number_id"], message["profile_name"]) == (CUSTOMER, NUMBER, "7")
    assert message["occurred_at"] == "2026-11-08T10:00:00+00:00"
    assert result.numbers[0]["waba_id"] == WABA
    assert result.statuses[0]["occurred_at"] == "2026-11-08T10:01:00+00:00"


@pytest.mark.parametrize("field", ["id", "from", "from_user_id", "from_parent_user_id", "group_id"])
def test_an_id_longer_than_any_index_takes_is_named_and_not_stored(field: str) -> None:
    body = payload("batch")
    messages_of(body)[0][field] = "9" * 3000
    result = normalise(1, AT_NUMBER, body)
    assert [message["content"]["body"] for message in result.messages] == ["second", "third", "fourth"]
    assert result.problems == [f"change 0 message 0: {field} is longer than 512 characters"]


def test_a_number_or_waba_longer_than_any_index_takes_is_named_and_its_neighbours_are_rows() -> None:
    body = payload("text")
    body["entry"] += payload("text")["entry"] + payload("template_update")["entry"]
    body["entry"][1]["changes"][0]["value"]["metadata"]["phone_number_id"] = "9" * 513
    body["entry"][2]["id"] = "9" * 513
    result = normalise(1, AT_META, body)
    assert (len(result.messages), result.facts, result.wabas, len(result.numbers)) == (1, [], [], 1)
    assert result.problems == [
        "change 1: the id of its number is longer than 512 characters",
        "change 2: the id of its WABA is longer than 512 characters",
    ]


@pytest.mark.parametrize(
    "timestamp", [None, "", "soon", "NaN", True, [], {}, 1e30, "9" * 40, 253402300800, -1, -(10**18)]
)
def test_a_time_that_is_none_is_left_to_the_journals_clock(timestamp: Any) -> None:
    body = payload("text")
    messages_of(body)[0]["timestamp"] = timestamp
    message = normalise(1, AT_NUMBER, body).messages[0]
    assert message["occurred_at"] is None
    assert message["content"].get("timestamp") == timestamp


@given(st.integers(min_value=0, max_value=253402300799))
def test_a_time_is_written_as_the_standard_has_it(seconds: int) -> None:
    assert moment(str(seconds)) == moment(seconds) == datetime.fromtimestamp(seconds, UTC).isoformat()


def test_the_journals_line_stays_short_however_much_is_wrong() -> None:
    body = payload("text")
    messages_of(body)[:] = ["x"] * 1000
    body["entry"][0]["changes"] += payload("foreign_number")["entry"][0]["changes"]
    body["entry"][0]["changes"].insert(0, body["entry"][0]["changes"].pop())
    body["entry"][0]["changes"][0]["value"]["metadata"]["phone_number_id"] = "5" * 5000
    lines = normalise(1, AT_NUMBER, body).event()["problem"].split("\n")
    assert (len(lines), len(lines[0]), lines[1]) == (21, 300, "change 1 message 0: is not an object")
    assert lines[-1] == "and 981 more"


def test_a_thousand_updates_in_one_body_are_all_read() -> None:
    result = normalise(1, AT_NUMBER, body_of(500, 500))
    assert (len(result.messages), len(result.statuses), result.problems) == (500, 500, [])
    assert len({message["wamid"] for message in result.messages}) == 500


def test_twice_as_many_updates_take_about_twice_as_long() -> None:
    few, many = (min(seconds(body_of(count, count)) for _ in range(5)) for count in (500, 4000))
    assert many < few * 8 * 3


def body_of(messages: int, statuses: int) -> JsonObject:
    body = payload("text")
    value = body["entry"][0]["changes"][0]["value"]
    value["messages"] = [value["messages"][0] | {"id": f"wamid.{place}"} for place in range(messages)]
    value["contacts"] = [value["contacts"][0] | {"wa_id": str(place)} for place in range(messages)]
    reports = payload("status_read")["entry"][0]["changes"][0]["value"]["statuses"]
    value["statuses"] = [reports[0] | {"id": f"wamid.{place}"} for place in range(statuses)]
    return body


def seconds(body: JsonObject) -> float:
    begun = time.process_time()
    normalise(1, AT_NUMBER, body)
    return time.process_time() - begun


@pytest.mark.parametrize("name", names())
@pytest.mark.parametrize("endpoint", [AT_NUMBER, AT_WABA, AT_META])
def test_a_body_is_left_as_it_came(name: str, endpoint: Endpoint) -> None:
    body = payload(name)
    before = deepcopy(body)
    normalise(1, endpoint, body)
    assert body == before
