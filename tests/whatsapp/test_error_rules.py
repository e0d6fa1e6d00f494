"""Every code that Meta documents, and pywa beside it, has its class; some have bounds of their own."""

from __future__ import annotations

import pytest

from whatsapp.errors import ErrorClass, Refused, Rule, rule_of
from whatsapp.outgoing import Outgoing

CLASS_OF = """
    0 AUTH, 1 RETRY, 2 RETRY, 3 AUTH, 4 THROTTLE, 10 AUTH, 33 PAUSE, 100 PERMANENT, 190 AUTH, 200 AUTH, 299 AUTH,
    368 PAUSE, 613 THROTTLE, 80007 THROTTLE, 130429 THROTTLE, 130472 PERMANENT, 130497 SUPPRESS,
    131000 RETRY, 131005 AUTH, 131008 PERMANENT, 131009 PERMANENT, 131016 RETRY, 131020 PERMANENT, 131021 PERMANENT,
    131026 PERMANENT, 131030 PERMANENT, 131031 PAUSE, 131037 PAUSE, 131041 PERMANENT, 131042 PAUSE, 131044 PAUSE,
    131045 PAUSE, 131047 WINDOW, 131048 THROTTLE, 131049 PERMANENT, 131050 SUPPRESS, 131051 PERMANENT,
    131052 PERMANENT, 131053 PERMANENT, 131055 PERMANENT, 131056 THROTTLE, 131057 RETRY, 131059 PERMANENT,
    131060 PERMANENT, 131062 PERMANENT, 131063 PERMANENT, 131064 PAUSE,
    131201 PERMANENT, 131207 PERMANENT, 131208 THROTTLE, 131214 PERMANENT, 131215 PERMANENT,
    132000 PERMANENT, 132001 TEMPLATE, 132005 PERMANENT, 132007 TEMPLATE, 132008 PERMANENT, 132012 PERMANENT,
    132015 TEMPLATE, 132016 TEMPLATE, 132018 PERMANENT, 132068 TEMPLATE, 132069 TEMPLATE,
    133000 PERMANENT, 133004 RETRY, 133005 PERMANENT, 133006 PERMANENT, 133008 PERMANENT, 133009 PERMANENT,
    133010 PAUSE, 133015 PERMANENT, 133016 PERMANENT, 134011 PERMANENT, 134100 PERMANENT, 134101 RETRY,
    134102 PERMANENT, 135000 RETRY, 137000 PERMANENT, 138000 PERMANENT, 138999 PERMANENT,
    139100 PERMANENT, 139101 PERMANENT, 139102 PERMANENT, 139103 RETRY, 147001 PERMANENT, 147005 PERMANENT,
    2388019 PERMANENT, 2494100 RETRY, 2593107 PERMANENT, 2593108 PERMANENT, 2593109 PERMANENT
"""
KNOWN = [(int(code), ErrorClass(name)) for code, name in (entry.split() for entry in CLASS_OF.split(","))]


@pytest.mark.parametrize(("code", "expected"), KNOWN)
def test_every_documented_code_has_its_class(code: int, expected: ErrorClass) -> None:
    assert {rule_of(code, status).error_class for status in (200, 400, 403, 429, 500)} == {expected}


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (1, Rule(ErrorClass.RETRY, max_attempts=3)),
        (131000, Rule(ErrorClass.RETRY, max_attempts=3)),
        (135000, Rule(ErrorClass.RETRY, max_attempts=2)),
        (131057, Rule(ErrorClass.RETRY, wait_seconds=60)),
        (2494100, Rule(ErrorClass.RETRY, wait_seconds=120)),
        (134101, Rule(ErrorClass.RETRY, wait_seconds=600)),
        (130429, Rule(ErrorClass.THROTTLE, wait_seconds=1, scope="number")),
        (80007, Rule(ErrorClass.THROTTLE, wait_seconds=60, scope="number")),
        (131048, Rule(ErrorClass.THROTTLE, wait_seconds=3600, scope="number")),
        (131056, Rule(ErrorClass.THROTTLE, wait_seconds=6, scope="pair")),
    ],
)
def test_some_codes_are_bounded_in_tries_or_want_a_while(code: int, rule: Rule) -> None:
    assert rule_of(code, 400) == rule


def test_only_the_pair_rate_is_the_pairs() -> None:
    throttled = {code: rule_of(code, 400).scope for code, error_class in KNOWN if error_class is ErrorClass.THROTTLE}
    assert {code for code, scope in throttled.items() if scope == "pair"} == {131056}
    assert set(throttled.values()) == {"number", "pair"}
    assert rule_of(None, 429).scope == "number"


def test_what_is_not_throttled_slows_nothing_down() -> None:
    others = [code for code, error_class in KNOWN if error_class is not ErrorClass.THROTTLE]
    assert {rule_of(code, 400).scope for code in others} == {None}


def test_a_file_that_could_not_be_fetched_is_tried_twice_more_only_when_it_was_sent_by_link() -> None:
    assert rule_of(131053, 400).error_class is ErrorClass.PERMANENT
    assert rule_of(131053, 400, by_link=True) == Rule(ErrorClass.RETRY, max_attempts=3, wait_seconds=10)
    assert rule_of(131047, 400, by_link=True) == rule_of(131047, 400)


def test_an_unknown_code_is_permanent_and_without_one_the_status_speaks() -> None:
    assert rule_of(999_999, 500).error_class is ErrorClass.PERMANENT
    assert [rule_of(None, status).error_class.value for status in (400, 401, 403, 429, 500, 503)] == [
        *("PERMANENT", "AUTH", "AUTH", "THROTTLE", "RETRY", "RETRY")
    ]


def test_a_refusal_knows_its_rule() -> None:
    refused = Refused(400, {"code": 131053}, by_link=True)
    assert (refused.rule.max_attempts, refused.error_class, refused.as_json()["class"]) == (3, "RETRY", "RETRY")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"link": "https://files.example/a.jpg", "caption": "x"}, True),
        ({"type": "button", "header": {"type": "image", "image": {"link": "https://files.example/a.jpg"}}}, True),
        ({"components": [{"type": "header", "parameters": [{"type": "video", "video": {"link": "x"}}]}]}, True),
        ({"id": "7"}, False),
        ({"body": "see https://files.example/a.jpg for the link"}, False),
        ({"action": {"parameters": {"url": "https://files.example"}}}, False),
        ([{"name": {"formatted_name": "link"}}], False),
    ],
)
def test_a_message_knows_whether_whatsapp_has_to_fetch_a_file(content: object, expected: bool) -> None:
    assert Outgoing("any", content, "972501234567", None).by_link is expected
