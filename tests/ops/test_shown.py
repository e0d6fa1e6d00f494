"""Words of customers and providers as an operator's terminal gets them: seen, never obeyed, and JSON still JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ops import shown
from ops.findings import Finding, show
from ops.provider import Stop, say
from ops.remedies import Complaint

# Clears the screen, forges a line, and the same by one byte of the upper controls.
WORDS = "hi\x1b[2J\nok    all is well\x9b2J\x7f\u2028"
SEEN = r"hi\x1b[2J\nok    all is well\x9b2J\x7f\u2028"


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """click strips colours where there is no terminal; here it must not be what helps."""
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_: False)


def test_a_table_fields_and_lines_show_what_a_terminal_would_obey(capsys: Any) -> None:
    shown.table(("a", "b"), [[WORDS, [WORDS]]])
    shown.fields({"a": WORDS})
    show([Finding("ok", "number 1", WORDS, WORDS)])
    say(WORDS)
    print(Stop(WORDS, "Do it."))
    print(Complaint(WORDS, "Do it."))
    said, complained = capsys.readouterr()
    assert said.count(SEEN) == 7
    assert complained.count(SEEN) == 1
    left = (said + complained).replace("\x1b[32m", "").replace("\x1b[0m", "")
    assert not shown.CONTROLS.search(left.replace("\n", ""))


def test_json_is_what_it_was_and_has_none_of_it(capsys: Any) -> None:
    shown.as_json({"a": WORDS})
    said = capsys.readouterr().out
    assert json.loads(said) == {"a": WORDS}
    assert not shown.CONTROLS.search(said.replace("\n", ""))
