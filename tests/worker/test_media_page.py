"""docs/media.md agrees with the code: every code with its tries and its end, states, limits, and the tests it names."""

from __future__ import annotations

import re
from pathlib import Path

from worker import media_failures
from worker.settings import Settings

RULES = media_failures.RULES
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/media.md").read_text()
MIGRATIONS = {path.name: path.read_text() for path in (ROOT / "supabase/migrations").glob("*.sql")}
SCHEMA = "".join(MIGRATIONS.values())
OF_MEDIA = "".join(text for name, text in MIGRATIONS.items() if "media" in name and "uploaded" not in name)
# WhatsApp's own number stands for these; an address that leads nowhere is a file that is gone.
NUMBERS, STALE = {"auth", "paused", "refused"}, "stale"


def _section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def _table(title: str) -> dict[str, list[str]]:
    """The rows of a section's tables by the name in backquotes that each begins with."""
    lines = [line.strip("| ").split(" | ") for line in _section(title).splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[1:] for cells in lines}


def test_every_code_of_the_worker_has_its_tries_and_its_end_on_the_page() -> None:
    told = {code: (cells[1], cells[2].strip("`")) for code, cells in _table("Codes").items()}
    for kind in RULES.keys() - NUMBERS - {STALE}:
        rule = RULES[kind]
        held = ("until the deadline", "pending") if rule.tries is None else (str(rule.tries), rule.outcome)
        assert told[kind] == held, kind
    assert f"or {RULES[STALE].tries} times in a row its address led nowhere" in _table("Codes")["gone"][0]
    assert f"is `{RULES['refused'].outcome}` after {RULES['refused'].tries} tries" in _section("Codes")
    assert {RULES[kind].tries for kind in ("auth", "paused")} == {None}
    assert {RULES[kind].wait_seconds for kind in ("auth", "paused", "no_credential")} == {300.0}


def test_every_code_of_the_database_is_on_the_page_and_no_other_is() -> None:
    of_database = set(re.findall(r"media_error\('(\w+)'\)", SCHEMA))
    of_database |= set(re.findall(r"'code', '(\w+)', 'title', '", OF_MEDIA))
    # An error of a removal is no file's.
    of_database |= set(re.findall(r'"code": "(\w+)", "title"', OF_MEDIA)) - {"left"}
    assert {"expired", "lost"} <= of_database
    assert of_database | (RULES.keys() - NUMBERS - {STALE}) == _table("Codes").keys()


def test_every_state_is_on_the_page_and_no_other() -> None:
    (allowed,) = re.findall(r"check \(media_status in \(([^)]+)\)\)", SCHEMA)
    assert _table("States").keys() == set(re.findall(r"'(\w+)'", allowed))


def test_every_column_of_a_file_is_on_the_page() -> None:
    columns = set(
        re.findall(r"^  (media_\w+) ", MIGRATIONS[min(name for name in MIGRATIONS if "_messages." in name)], re.M)
    )
    told = {name.strip("`") for row in _table("Show a file") for name in row.split("`, `")}
    assert told == columns - {"media_id"} | {"media_url"}


def test_the_limits_are_the_defaults() -> None:
    limits = _section("Limits and settings")
    fields = Settings.model_fields
    assert f"| Largest file | {fields['worker_media_limit_mb'].default} MiB |" in limits
    assert f"of one worker | {fields['worker_downloads'].default} |" in limits
    (at_once,) = re.findall(r"media_downloads_at_once integer not null default (\d+)", SCHEMA)
    assert f"of one number | {at_once} |" in limits
    (lifetime,) = re.findall(r"media_lifetime interval not null default '([^']+)'", SCHEMA)
    assert f"WhatsApp keeps a file | {lifetime} |" in limits


def test_every_problem_that_the_database_finds_is_on_the_operators_page() -> None:
    (verifying,) = (text for name, text in MIGRATIONS.items() if name.endswith("_verify_media.sql"))
    found = set(re.findall(r"\('(\w+)', (?:waits|status)|(?:then|else) '(stray|orphan)'", verifying))
    problems = {name for pair in found for name in pair if name} | {"hash"}
    page = (ROOT / "docs/wabase.md").read_text().partition("\n## Media\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE)) == problems


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`([a-z_]+/test_[a-z_]+\.py)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 8
    for path, name in named:
        wanted = f"def {name}(" if name else "def test_"
        assert wanted in (ROOT / "tests" / path).read_text(), f"{path}::{name}"
    for path in re.findall(r"`(supabase/tests/\w+\.sql)`", PAGE):
        assert (ROOT / path).exists(), path
