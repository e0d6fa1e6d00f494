"""What WhatsApp says of templates, numbers and accounts, and what it says that changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.whatsapp.payload import AT_NUMBER, NUMBER, WABA, of, only_fact, payload
from whatsapp.normalise import normalise

NOTICED = "2026-11-08T10:05:00+00:00"


def about(kind: str, **columns: Any) -> dict[str, Any]:
    return {
        "event_id": 1,
        "kind": kind,
        "phone_number_id": None,
        "waba_id": WABA,
        "display_phone_number": None,
        "occurred_at": NOTICED,
        **columns,
    }


@pytest.mark.parametrize(
    ("name", "details"),
    [
        (
            "template_rejected",
            {
                "status": "REJECTED",
                "reason": "TAG_CONTENT_MISMATCH",
                "category": "UTILITY",
                "rejection_info": {"reason": "It promotes", "recommendation": "Use MARKETING"},
            },
        ),
        (
            "template_paused",
            {
                "status": "PAUSED",
                "reason": None,
                "other_info": {"title": "FIRST_PAUSE", "description": "Paused for 3 hours"},
            },
        ),
        (
            "template_disabled",
            {"status": "DISABLED", "reason": "NONE", "disable_info": {"disable_date": 1794132300}},
        ),
        ("template_quality", {"quality": "YELLOW", "previous_quality_score": "GREEN"}),
        ("template_quality_misnamed", {"quality": "YELLOW", "previous_quality_score": "GREEN"}),
        (
            "template_category_upcoming",
            {"category": "UTILITY", "correct_category": "MARKETING", "category_update_timestamp": 1796724300},
        ),
        ("template_category_changed", {"category": "MARKETING", "previous_category": "UTILITY"}),
    ],
)
def test_a_templates_news_say_which_template_and_what_it_has_become(name: str, details: dict[str, Any]) -> None:
    columns = {"template_id": "594425479261596", "name": "order_ready", "language": "he"}
    assert only_fact(name) == about("template", **columns, details=details)


def test_a_body_without_a_time_leaves_it_to_the_journal() -> None:
    fact = only_fact("template_update")
    assert (fact["occurred_at"], fact["details"]["status"]) == (None, "APPROVED")


def test_a_templates_new_wording_is_as_the_api_gives_components() -> None:
    details = only_fact("template_components")["details"]
    assert details["components"] == [
        {"type": "HEADER", "format": "TEXT", "text": "Your order"},
        {"type": "BODY", "text": "Order {{1}} is ready"},
        {"type": "FOOTER", "text": "Cohen & Sons"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"},
                {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+97235551234"},
            ],
        },
    ]
    assert details["message_template_element"] == "Order {{1}} is ready"


def test_a_template_without_id_and_name_is_named() -> None:
    body = payload("template_update")
    body["entry"][0]["changes"][0]["value"] |= {"message_template_id": None, "message_template_name": ""}
    result = normalise(1, AT_NUMBER, body)
    assert (result.facts, result.problems) == ([], ["change 0: names no template"])


@pytest.mark.parametrize("field", ["message_template_id", "message_template_name", "message_template_language"])
def test_a_template_with_an_endless_name_is_named(field: str) -> None:
    body = payload("template_update")
    body["entry"][0]["changes"][0]["value"][field] = "9" * 513
    result = normalise(1, AT_NUMBER, body)
    assert (result.facts, result.problems) == ([], [f"change 0: {field} is longer than 512 characters"])


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("account_disabled", "account_update"),
        ("account_restricted", "account_update"),
        ("account_offboarded", "account_update"),
        ("account_alert", "account_alerts"),
        ("account_review", "account_review_update"),
        ("business_capability", "business_capability_update"),
    ],
)
def test_a_notice_to_the_account_is_kept_whole(name: str, field: str) -> None:
    value = payload(name)["entry"][0]["changes"][0]["value"]
    assert only_fact(name) == about("notice", name=field, details=value)
    assert of(name).event() == {"id": 1, "numbers": [], "wabas": [WABA], "kinds": [field]}


@pytest.mark.parametrize("name", ["phone_number_quality", "phone_number_name"])
def test_a_notice_to_a_number_names_it_as_it_is_shown(name: str) -> None:
    value = payload(name)["entry"][0]["changes"][0]["value"]
    assert only_fact(name) == about("notice", name=f"{name}_update", details=value, display_phone_number="97235551234")


def test_errors_beside_everything_else_are_a_notice_to_the_number() -> None:
    fact = only_fact("value_errors")
    assert (fact["name"], fact["phone_number_id"], fact["details"]["errors"][0]["code"]) == ("errors", NUMBER, 130429)
    assert of("value_errors").event()["kinds"] == ["errors"]


def test_errors_beside_a_message_leave_it_a_message() -> None:
    result = of("interactive_without_body")
    assert [message["type"] for message in result.messages] == ["unsupported"]
    assert result.messages[0]["content"] == {"type": "interactive"}
    assert [fact["details"]["errors"][0]["code"] for fact in result.facts] == [131000]


def test_errors_without_a_number_are_a_notice_to_the_account() -> None:
    fact = only_fact("errors_without_number")
    assert (fact["name"], fact["phone_number_id"], fact["waba_id"]) == ("errors", None, WABA)


def test_a_failed_call_is_noted_and_its_errors_are_a_notice() -> None:
    result = of("call_failed")
    assert ([fact["name"] for fact in result.facts], result.kinds) == (["errors"], ["errors", "calls"])


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("call_connect", "calls"),
        ("call_terminate", "calls"),
        ("call_status", "calls"),
        ("flow", "flows"),
        ("security", "security"),
        ("group_lifecycle", "group_lifecycle_update"),
        ("group_participants", "group_participants_update"),
        ("field_of_tomorrow", "holograms"),
    ],
)
def test_what_changes_no_row_is_noted(name: str, kind: str) -> None:
    assert of(name).event() == {"id": 1, "numbers": [], "wabas": [], "kinds": [kind]}
