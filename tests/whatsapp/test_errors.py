"""Errors in the three shapes in use, and what each asks for."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from whatsapp.answers import error_of, raise_if_refused
from whatsapp.errors import REMEDIES, ErrorClass, Refused, classify, reported


def test_the_cloud_apis_shape_is_read() -> None:
    answer = {
        "error": {
            "message": "(#131030) Recipient phone number not in allowed list",
            "type": "OAuthException",
            "code": 131030,
            "error_data": {"messaging_product": "whatsapp", "details": "Add the number to the list."},
            "fbtrace_id": "A1",
        }
    }
    assert error_of(answer) == {
        "code": 131030,
        "message": "(#131030) Recipient phone number not in allowed list",
        "details": "Add the number to the list.",
    }


def test_error_data_may_be_a_bare_text() -> None:
    assert error_of({"error": {"code": 100, "message": "no", "error_data": "why"}})["details"] == "why"


def test_the_gateways_shape_is_read() -> None:
    answer = {
        "meta": {"success": False, "http_code": 400, "developer_message": "No channel", "360dialog_trace_id": "t"}
    }
    assert error_of(answer) == {"message": "No channel"}


def test_the_on_premise_shape_is_read() -> None:
    answer = {"meta": {"api_status": "stable"}, "errors": [{"code": 1006, "title": "Not found", "details": "gone"}]}
    assert error_of(answer) == {"code": 1006, "message": "Not found", "details": "gone"}


@pytest.mark.parametrize(
    "answer",
    [{}, {"error": None}, {"error": "no"}, {"errors": []}, {"errors": ["no"]}, {"meta": {}}, {"meta": "no"}],
)
def test_what_is_none_of_the_shapes_is_no_error(answer: dict[str, Any]) -> None:
    assert error_of(answer) == {}


@pytest.mark.parametrize("code", ["131047", 131047])
def test_a_code_is_read_from_text_and_number(code: Any) -> None:
    assert error_of({"error": {"code": code}})["code"] == 131047


@pytest.mark.parametrize("code", [None, "", "x", "²", -1, 1.5, True, []])
def test_a_code_that_is_none_is_left_out(code: Any) -> None:
    assert error_of({"error": {"code": code}})["code"] is None


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (131000, ErrorClass.RETRY),
        (130429, ErrorClass.THROTTLE),
        (131056, ErrorClass.THROTTLE),
        (80007, ErrorClass.THROTTLE),
        (190, ErrorClass.AUTH),
        (200, ErrorClass.AUTH),
        (299, ErrorClass.AUTH),
        (131042, ErrorClass.PAUSE),
        (131047, ErrorClass.WINDOW),
        (131050, ErrorClass.SUPPRESS),
        (132001, ErrorClass.TEMPLATE),
        (132000, ErrorClass.PERMANENT),
        (100, ErrorClass.PERMANENT),
        (999999, ErrorClass.PERMANENT),
    ],
)
def test_a_code_decides_whatever_the_http_status_says(code: int, expected: ErrorClass) -> None:
    assert {classify(code, status) for status in (400, 403, 429, 500)} == {expected}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, ErrorClass.PERMANENT),
        (401, ErrorClass.AUTH),
        (403, ErrorClass.AUTH),
        (429, ErrorClass.THROTTLE),
    ],
)
def test_without_a_code_the_http_status_decides(status: int, expected: ErrorClass) -> None:
    assert classify(None, status) is expected


def test_every_class_tells_a_person_what_to_do() -> None:
    assert set(REMEDIES) == set(ErrorClass)


def test_a_refusal_is_shown_with_code_title_details_class_and_remedy() -> None:
    refused = Refused(400, {"code": 131047, "message": "Re-engagement message", "details": "24 hours"})
    assert refused.as_json() == {
        "code": 131047,
        "title": "Re-engagement message",
        "details": "24 hours",
        "class": "WINDOW",
        "remedy": REMEDIES[ErrorClass.WINDOW],
    }


def test_a_refusal_without_a_word_shows_its_http_status() -> None:
    assert Refused(429, {}).as_json() == {
        "code": 429,
        "title": "HTTP 429",
        "class": "THROTTLE",
        "remedy": REMEDIES[ErrorClass.THROTTLE],
    }


@pytest.mark.parametrize("code", [131047, "131047", "0131047"])
def test_a_report_and_a_refusal_read_a_code_alike(code: object) -> None:
    assert reported({"code": code})["code"] == 131047
    assert error_of({"error": {"code": code}})["code"] == 131047
    assert error_of({"errors": [{"code": code}]})["code"] == 131047


@pytest.mark.parametrize("code", ["9" * 5000, 10**10, True, -1, "²", "1.0", [], {}, None])
def test_what_is_no_code_is_none_and_raises_nothing(code: object) -> None:
    assert reported({"code": code})["code"] == code
    assert error_of({"error": {"code": code}})["code"] is None
    assert error_of({"errors": [{"code": code}]})["code"] is None


@pytest.mark.parametrize(("said", "seconds"), [("7", 7), ("9" * 5000, None), ("soon", None), ("-1", None)])
def test_the_time_to_wait_is_seconds_or_unknown(said: str, seconds: int | None) -> None:
    with pytest.raises(Refused) as refused:
        raise_if_refused(httpx.Response(429, headers={"retry-after": said}), {})
    assert refused.value.retry_after == seconds
