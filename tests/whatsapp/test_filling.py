"""What a template leaves open, of every kind of component, and content that fills it in."""

from __future__ import annotations

from typing import Any

import pytest

from whatsapp.filling import Variable, filling

BODY = {"type": "BODY", "text": "It is ready"}


def buttons(*given: dict[str, Any]) -> list[dict[str, Any]]:
    return [BODY, {"type": "BUTTONS", "buttons": list(given)}]


def test_a_template_with_nothing_open_is_its_name_and_language() -> None:
    found = filling("news", "he", [BODY, {"type": "FOOTER", "text": "x"}])
    assert (found.variables, found.content) == ([], {"name": "news", "language": {"code": "he"}})


def test_places_are_numbered_as_the_template_numbers_them_and_each_once() -> None:
    example = {"body_text": [["Dana", "17"]]}
    found = filling("n", "he", [{"type": "body", "text": "{{1}} {{ 2 }} {{1}}", "example": example}])
    assert found.variables == [Variable("body", "1", "text", "Dana"), Variable("body", "2", "text", "17")]
    assert found.content["components"] == [
        {"type": "body", "parameters": [{"type": "text", "text": "<body 1>"}, {"type": "text", "text": "<body 2>"}]}
    ]


def test_named_places_keep_their_names() -> None:
    example = {"body_text_named_params": [{"param_name": "first_name", "example": "Dana"}]}
    found = filling("n", "he", [{"type": "BODY", "text": "Hi {{first_name}}", "example": example}])
    assert found.variables == [Variable("body", "first_name", "text", "Dana")]
    (body,) = found.content["components"]
    assert body["parameters"] == [{"type": "text", "parameter_name": "first_name", "text": "<first_name>"}]


@pytest.mark.parametrize("kind", ["image", "video", "document", "location"])
def test_a_file_or_a_place_above_it_is_one_to_give(kind: str) -> None:
    header = {"type": "HEADER", "format": kind.upper(), "example": {"header_handle": ["https://a.example/x"]}}
    found = filling("n", "he", [header, BODY])
    assert found.variables == [Variable("header", kind, kind, "https://a.example/x")]
    (given,) = found.content["components"]
    assert given["parameters"][0]["type"] == kind
    assert given["parameters"][0][kind]


def test_only_buttons_that_need_it_are_filled_in_and_keep_their_places() -> None:
    found = filling(
        "n",
        "he",
        buttons(
            {"type": "QUICK_REPLY", "text": "Yes"},
            {"type": "URL", "text": "Shop", "url": "https://example.com/"},
            {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}", "example": ["https://example.com/17"]},
            {"type": "COPY_CODE", "example": "SUMMER"},
        ),
    )
    assert found.variables == [
        Variable("button 2", "1", "text", "https://example.com/17"),
        Variable("button 3", "coupon_code", "coupon_code", "SUMMER"),
    ]
    assert [(given["index"], given["sub_type"]) for given in found.content["components"]] == [
        ("2", "url"),
        ("3", "copy_code"),
    ]


@pytest.mark.parametrize(
    "button",
    [
        {"type": "OTP", "otp_type": "COPY_CODE"},
        {"type": "URL", "url": "https://www.whatsapp.com/otp/code/?code=otp{{1}}"},
    ],
)
def test_a_one_time_code_stands_in_its_words_and_in_its_button(button: dict[str, Any]) -> None:
    body = {"type": "BODY", "text": "*{{1}}* is your code."}
    code = [{"type": "text", "text": "<code>"}]
    assert filling("code", "he", [body, {"type": "BUTTONS", "buttons": [button]}]).content["components"] == [
        {"type": "body", "parameters": code},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": code},
    ]


def test_each_card_is_filled_in_for_itself() -> None:
    card = {"components": [{"type": "HEADER", "format": "IMAGE"}, {"type": "BODY", "text": "For {{1}}"}]}
    found = filling("n", "he", [BODY, {"type": "CAROUSEL", "cards": [card, card]}])
    assert [(variable.place, variable.name) for variable in found.variables] == [
        ("card 0 header", "image"),
        ("card 0 body", "1"),
        ("card 1 header", "image"),
        ("card 1 body", "1"),
    ]
    (carousel,) = found.content["components"]
    assert [given["card_index"] for given in carousel["cards"]] == [0, 1]


@pytest.mark.parametrize(
    "odd",
    [
        None,
        "x",
        {},
        [1, None, "x"],
        [{"type": "BODY"}, {"type": None}, {"type": "HEADER"}],
        [{"type": "BODY", "text": 5, "example": []}],
        [{"type": "BUTTONS", "buttons": [1, {"type": "URL"}]}],
        [{"type": "CAROUSEL", "cards": "x"}],
    ],
)
def test_what_cannot_be_read_is_left_out(odd: Any) -> None:
    assert filling("n", "he", odd).content == {"name": "n", "language": {"code": "he"}}


@pytest.mark.parametrize("example", [None, [], {"body_text": []}, {"body_text": "x"}, {"body_text_named_params": [1]}])
def test_an_odd_example_is_none(example: Any) -> None:
    found = filling("n", "he", [{"type": "BODY", "text": "{{1}}", "example": example}])
    assert found.variables == [Variable("body", "1", "text", None)]
