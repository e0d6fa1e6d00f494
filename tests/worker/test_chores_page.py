"""docs/outbound.md and docs/states.md say of chores what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from worker import chores

ROOT = Path(__file__).parents[2]
CHORES = next((ROOT / "supabase/migrations").glob("*_connection_chores.sql")).read_text()
LISTINGS = next((ROOT / "supabase/migrations").glob("*_record_templates.sql")).read_text()


def section(page: str, title: str) -> str:
    text = (ROOT / "docs" / page).read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    assert text, title
    return " ".join(text.split())


def test_the_codes_that_have_templates_synced_are_on_the_page() -> None:
    (codes,) = re.findall(r"->> 'code' in \(([^)]+)\)", CHORES)
    numbers = re.findall(r"\d+", codes)
    assert f"with {', '.join(numbers[:-1])} or {numbers[-1]}" in section("outbound.md", "Templates")


def test_the_waits_are_on_the_pages() -> None:
    templates, health = section("outbound.md", "Templates"), section("outbound.md", "Health of numbers")
    assert set(re.findall(r"'(?:templates|health)', interval '([^']+)'", CHORES)) == {"10 seconds"}
    assert "| 10 seconds later" in templates
    assert "10 seconds after each webhook" in health
    assert "started_at + interval '1 minute'" in CHORES
    assert "a minute after the last time" in templates
    (lag,) = re.findall(r"as_of - interval '(\d) seconds'", LISTINGS)
    assert (lag, "the last five seconds" in templates) == ("5", True)
    assert (chores.HEALTH_SECONDS, "Once a day" in health) == (86400, True)
    assert (chores.BLOCKED_SECONDS, "every hour" in health) == (3600, True)
    assert (chores.BACKOFF_SECONDS, "after a minute, 2, 4 … 6 hours" in health) == ((60, 6 * 3600), True)
    assert (
        chores.LEASE_SECONDS,
        "after 10 minutes" in section("states.md", "chores: `private.connection_chores`"),
    ) == (600, True)


def test_what_counts_as_a_refused_key_is_on_the_page() -> None:
    codes = ", ".join(map(str, chores.KEY_CODES))
    assert f"A key that is not taken ({codes}, or 401 without a code)" in section("outbound.md", "Health of numbers")
