"""docs/upgrades.md says what is done: each place has its page there, and each of these the two sections it names."""

from __future__ import annotations

import re

from tests.upgrade.trees import ROOT

PAGE = (ROOT / "docs/upgrades.md").read_text()


def test_the_page_leads_to_every_place_and_its_two_sections() -> None:
    places = {path.name for path in (ROOT / "docs/deploy").glob("*.md")}
    assert set(re.findall(r"\(deploy/([\w.]+)\)", PAGE)) == places
    named = re.findall(r"\*(Upgrade|Roll back)\*", PAGE)
    assert set(named) == {"Upgrade", "Roll back"}
    for place in places:
        titles = re.findall(r"^## (.*)$", (ROOT / "docs/deploy" / place).read_text(), re.MULTILINE)
        assert set(titles) >= set(named), place


def test_a_line_for_operators_begins_with_the_word() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    lines = [line for line in changelog.splitlines() if "**Operators**" in line and not line.startswith("Form: ")]
    assert lines
    assert [line for line in lines if not line.startswith("- **Operators** ")] == []
