"""docs/outbound.md agrees with the code: every code's rule, outcome and reason, and the test behind each claim."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

from ops.explained import WORDS
from whatsapp.errors import ErrorClass, Rule, rule_of
from worker import outbound
from worker.shares import CLAIM_LIMIT

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/outbound.md").read_text()
HANDS = next((ROOT / "supabase/migrations").glob("*_outbound_hands.sql")).read_text()
# Beyond WhatsApp's highest code.
CODES = range(3_000_000)
ANY_STATUS = 400


def _bounds(rule: Rule) -> str:
    tries = f"{rule.max_attempts or outbound.MAX_ATTEMPTS} tries" if rule.error_class is ErrorClass.RETRY else ""
    wait = f"at least {rule.wait_seconds:g} s" if rule.wait_seconds else ""
    return ", ".join(word for word in (rule.scope, rule.reason, tries, wait) if word) or "-"


def _ranges(codes: Iterable[int]) -> str:
    """`1, 2, 5–9`"""
    runs: list[list[int]] = []
    for code in sorted(codes):
        if runs and runs[-1][-1] == code - 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    # Two neighbours are two codes; three are a range.
    return ", ".join(f"{run[0]}–{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)


def _table() -> list[str]:
    codes: dict[Rule, list[int]] = defaultdict(list)
    for code in CODES:
        codes[rule_of(code, ANY_STATUS)].append(code)
    rows = []
    for rule, known in codes.items():
        named = "every other" if rule.error_class is ErrorClass.PERMANENT else _ranges(known)
        rows.append(
            (
                list(ErrorClass).index(rule.error_class),
                known[0],
                f"| `{rule.error_class}` | {_bounds(rule)} | {named} |",
            )
        )
    return [line for _, _, line in sorted(rows)]


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_the_table_of_codes_is_what_the_rules_say() -> None:
    lines = [line for line in _section("Codes").splitlines() if line.startswith("| `")]
    assert lines == _table()


def test_a_file_by_link_has_the_rule_that_the_page_tells() -> None:
    by_link = {code: rule_of(code, ANY_STATUS, by_link=True) for code in CODES}
    others = {code: rule for code, rule in by_link.items() if rule != rule_of(code, ANY_STATUS)}
    told = [
        f"{code} when the message has a file by link: `{rule.error_class}`, {_bounds(rule)}"
        for code, rule in others.items()
    ]
    assert told
    assert [line for line in told if line not in " ".join(_section("Codes").split())] == []


def test_a_refusal_without_a_code_is_judged_by_its_status_as_the_page_tells() -> None:
    classes = [str(rule_of(None, status).error_class) for status in (400, 401, 403, 404, 408, 425, 429)]
    assert classes == ["PERMANENT", "AUTH", "AUTH", "RETRY", "RETRY", "RETRY", "THROTTLE"]
    told = " ".join(_section("Codes").split())
    assert "401 and 403 are `AUTH`, 429 is `THROTTLE`, 404, 408 and 425 are `RETRY`" in told
    assert "any other 4xx `PERMANENT`" in told


def test_every_outcome_is_on_the_page_and_no_other() -> None:
    reported = set(re.findall(r'"outcome": "(\w+)"', Path(outbound.__file__).read_text())) | {"release"}
    lines = re.findall(r"^\| `(\w+)`", _section("What becomes of an attempt"), re.MULTILINE)
    assert set(lines) == reported


def test_every_reason_to_wait_is_on_the_page_and_in_the_commands_words() -> None:
    (said,) = re.findall(r"Reasons: ([a-z_, ]+)\. WA004", HANDS)
    reasons = said.split(", ")
    assert set(re.findall(r"^\| `(\w+)`", _section("Why it waits"), re.MULTILINE)) == set(reasons) == set(WORDS)


def test_how_many_are_claimed_at_once_is_on_the_page() -> None:
    assert f"They are claimed {CLAIM_LIMIT} at a time" in " ".join(_section("The worker").split())


def test_the_parts_come_in_the_order_of_a_messages_life() -> None:
    places = [PAGE.index(f"\n## {title}\n") for title in ("Send", "States", "What becomes of an attempt", "Codes")]
    assert all(earlier < later for earlier, later in pairwise(places))


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`([a-z_]+/test_[a-z_]+\.py)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 10
    for path, name in named:
        wanted = f"def {name}(" if name else "def test_"
        assert wanted in (ROOT / "tests" / path).read_text(), f"{path}::{name}"
    for path in re.findall(r"`(supabase/tests/\w+\.sql)`", PAGE):
        assert (ROOT / path).exists(), path
