"""What becomes of a delivery report."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import (
    AT_NUMBER,
    BSUID,
    CUSTOMER,
    GROUP,
    NUMBER,
    OUR_MESSAGE,
    OUTBOUND,
    PARENT,
    of,
    only_status,
    payload,
)
from whatsapp.errors import REMEDIES, ErrorClass
from whatsapp.normalise import normalise


def changed(**keys: Any) -> Any:
    body = payload("status_sent")
    body["entry"][0]["changes"][0]["value"]["statuses"][0] |= keys
    return normalise(1, AT_NUMBER, body)


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "played", "failed", "deleted", "warning"])
def test_a_status_names_its_message_and_ours(name: str) -> None:
    status = only_status(f"status_{name}")
    assert (status["status"], status["wamid"], status["callback_data"]) == (name, OUTBOUND, OUR_MESSAGE)
    assert (status["participant"], status["occurred_at"]) == ("", "2026-11-08T10:01:00+00:00")
    assert (status["errors"] is not None) == (name in {"failed", "warning"})
    assert (status["event_id"], status["phone_number_id"]) == (1, NUMBER)
    assert of(f"status_{name}").kinds == [f"statuses.{name}"]


def test_a_status_of_tomorrow_is_a_status() -> None:
    status = only_status("status_future")
    assert (status["status"], status["details"]["times"]) == ("listened_twice", 2)


def test_a_status_without_our_id_is_the_messages_all_the_same() -> None:
    status = only_status("status_without_callback")
    assert (status["wamid"], status["callback_data"]) == (OUTBOUND, None)


@pytest.mark.parametrize(
    ("name", "expires"), [("status_sent", True), ("status_conversation", True), ("status_delivered", False)]
)
def test_a_status_keeps_what_whatsapp_says_about_conversation_and_price(name: str, expires: bool) -> None:
    details = only_status(name)["details"]
    assert details["pricing"].keys() == {"billable", "pricing_model", "type", "category"}
    assert ("expiration_timestamp" in details["conversation"]) == expires
    assert details["recipient_id"] == CUSTOMER


def test_a_status_to_a_username_keeps_the_user_ids() -> None:
    details = only_status("status_to_username")["details"]
    assert (details.get("recipient_id"), details["recipient_user_id"]) == (None, BSUID)
    assert details["recipient_parent_user_id"] == PARENT


def test_a_failed_status_carries_its_errors() -> None:
    status = only_status("status_failed")
    assert (status["errors"][0]["code"], status["errors"][0]["title"]) == (131047, "Re-engagement message")
    assert "errors" not in status["details"]


def test_a_status_from_a_group_says_who_in_it() -> None:
    assert only_status("status_in_group")["participant"] == CUSTOMER
    failed = only_status("status_in_group_failed")
    assert (failed["participant"], failed["details"]["recipient_id"]) == (BSUID, GROUP)


@pytest.mark.parametrize("field", ["id", "status", "recipient_participant_id", "recipient_participant_user_id"])
def test_a_status_with_an_endless_id_is_named_and_not_stored(field: str) -> None:
    result = changed(**{field: "9" * 3000})
    assert (result.statuses, result.problems) == ([], [f"change 0 status 0: {field} is longer than 512 characters"])


@pytest.mark.parametrize("errors", ["text", {"code": 1}, 7])
def test_errors_of_another_shape_stay_with_the_details(errors: Any) -> None:
    (status,) = changed(errors=errors).statuses
    assert (status["errors"], status["details"]["errors"]) == (None, errors)


@pytest.mark.parametrize("errors", [None, []])
def test_no_errors_are_none(errors: Any) -> None:
    (status,) = changed(errors=errors).statuses
    assert (status["errors"], "errors" in status["details"]) == (None, False)


def test_the_status_of_a_call_is_no_status_of_a_message() -> None:
    result = of("call_status")
    assert (result.statuses, result.problems, result.kinds) == ([], [], ["calls"])
    assert changed(type="call").kinds == ["calls"]


def test_a_failure_that_comes_late_has_the_class_and_the_remedy_of_one_that_comes_at_once() -> None:
    error = only_status("status_failed")["error"]
    assert (error["code"], error["class"], error["remedy"]) == (131047, "WINDOW", REMEDIES[ErrorClass.WINDOW])
    assert (error["title"], bool(error["details"])) == ("Re-engagement message", True)


@pytest.mark.parametrize(
    "error", [{"code": None}, {"code": "x"}, {"code": {"a": 1}}, {"error_data": "bare"}, {"code": 9e99}]
)
def test_an_error_of_any_shape_is_shown(error: Any) -> None:
    (status,) = changed(status="failed", errors=[error]).statuses
    assert (bool(status["error"]["title"]), status["error"]["class"]) == (True, "PERMANENT")


def test_a_customer_who_wants_no_marketing_is_known_for_it_by_a_failed_send() -> None:
    result = changed(status="failed", errors=[{"code": 131050, "title": "no"}])
    (fact,) = result.facts
    assert (fact["kind"], fact["wa_id"], fact["details"]["value"]) == ("preference", CUSTOMER, "stop")
    assert changed(status="failed", errors=[{"code": 131049, "title": "no"}]).facts == []
