"""The two envelopes, walked: whose each change is, and what stands where a change should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.whatsapp.payload import AT_META, AT_NUMBER, AT_WABA, NUMBER, WABA, payload
from whatsapp import envelope
from whatsapp.envelope import Endpoint, changes, decode, integer


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((0, 0), (7, 7), ("7", 7), ("007", 7), (999_999_999, 999_999_999), ("9" * 9, 999_999_999)),
        *((value, None) for value in (10**9, "9" * 10, "9" * 5000, 10**4299, -1, "-1", "+1")),
        *((value, None) for value in (True, False, 1.0, "1.0", "1_0", " 1", "1\n", "²", "١", "", None, [7], {"a": 7})),
    ],
)
def test_a_whole_number_is_read_within_bounds_and_nothing_else_is_one(value: Any, expected: int | None) -> None:
    assert integer(value) == expected


def test_a_number_that_python_cannot_even_write_is_none() -> None:
    assert (integer(10**5000), integer(-(10**5000))) == (None, None)


def test_a_whole_number_may_be_asked_for_with_more_digits() -> None:
    assert (integer("9" * 15, digits=15), integer(10**15, digits=15)) == (10**15 - 1, None)


def test_a_change_carries_the_ids_and_the_time_around_it() -> None:
    body = payload("text")
    body["entry"][0]["time"] = 1794132300
    (change,) = changes(body)
    assert (change.field, change.waba_id, change.phone_number_id) == ("messages", WABA, NUMBER)
    assert (change.display_phone_number, change.time, change.unreadable) == ("97235551234", 1794132300, None)
    assert change.value.keys() == {"messaging_product", "metadata", "contacts", "messages"}


@pytest.mark.parametrize("name", ["history_360dialog", "state_sync_360dialog", "phone_app_history"])
def test_360dialogs_own_envelope_is_one_change(name: str) -> None:
    (change,) = changes(payload(name))
    assert (change.waba_id, change.phone_number_id, change.display_phone_number) == (WABA, NUMBER, "97235551234")
    assert change.field in {"history", "smb_app_state_sync"}


@pytest.mark.parametrize("name", ["text", "history_360dialog"])
def test_a_token_opens_its_own_number_or_waba_only(name: str) -> None:
    (change,) = changes(payload(name))
    assert [change.foreign_to(endpoint) for endpoint in (AT_NUMBER, AT_WABA, AT_META)] == [None, None, None]
    assert change.foreign_to(Endpoint("360dialog", phone_number_id="1")) is not None
    assert change.foreign_to(Endpoint("360dialog", waba_id="1")) is not None


@pytest.mark.parametrize(
    ("body", "reasons"),
    [
        ({"entry": "x"}, ["entry is not a list"]),
        ({"entry": {"changes": []}}, ["entry is not a list"]),
        ({"entry": [7, None]}, ["an item of entry is not an object"]),
        ({"entry": [{"changes": "x"}, {"changes": None}, {}]}, ["changes is not a list"]),
        ({"entry": [{"changes": [[], None]}]}, ["an item of changes is not an object"]),
        ({"entry": [{"changes": [{"field": "messages", "value": "x"}]}]}, ["its value is not an object"]),
        ({"event": "history", "data": "x"}, ["its value is not an object"]),
        ({"entry": [{"changes": [{"field": "messages", "value": None}, {}]}]}, [None, None]),
        ({"entry": None}, []),
        ({"event": "history"}, []),
        ({}, []),
    ],
)
def test_what_is_not_where_it_should_be_says_so(body: dict[str, Any], reasons: list[str | None]) -> None:
    found = changes(body)
    assert [change.unreadable for change in found] == reasons
    # Nobody's: it is kept with its reason, not refused as somebody else's.
    assert not any(change.foreign_to(AT_WABA) for change in found if change.unreadable and change.waba_id is None)


# Texts of JSON, and of what only looks like it: each piece may stand where any other may.
PIECES = st.sampled_from(
    [
        *(
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            " ",
            "\n",
            '"',
            '"a"',
            '"b":',
            '""',
            "null",
            "true",
            "false",
            "NaN",
            "-Infinity",
        ),
        *("0", "-0", "1", "-0.0", "1.0", "1E5", "1e400", "0.1", "1e-9", "01", "1.", "18446744073709551616"),
        *("9" * 30, "9" * 4300, "9" * 4301, "-" + "9" * 4300),
        *('"\\u0000"', '"\\ud800"', '"\\udc00"', '"\\ud83d\\ude42"'),
        *('"\\ud83d"', '"é🙂"', '"\\x"', '"\t"', "\ufeff", "[" * 400 + "]" * 400, "[" * 1200 + "]" * 1200),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _told(decoder: Callable[[bytes], Any], body: bytes) -> tuple[str, Any]:
    try:
        # Types too: 1, 1.0 and True are equal.
        return "value", repr(decoder(body))
    except (ValueError, RecursionError):
        return "refused", None


@given(st.one_of(st.lists(PIECES, max_size=12).map("".join), VALUES.map(json.dumps)))
@example('{"a": 1, "a": "\\ud800"}')
def test_bodies_are_read_as_by_the_standard_library(text: str) -> None:
    body = text.encode("utf-8", "surrogatepass")
    assert _told(decode, body) == _told(lambda raw: envelope._decode(raw.decode()), body)


def test_a_number_of_any_size_keeps_its_digits() -> None:
    for digits in ("1" + "0" * 19, "9" * 30, "9" * 5000):
        assert str(decode(f'{{"id": {digits}}}'.encode())["id"]) == digits
