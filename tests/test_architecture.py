"""Habits that a machine can check: who reads the environment, how large a file is, what is named and documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ops.settings import Settings as OpsSettings
from webhook.settings import Settings as WebhookSettings
from worker.settings import Settings as WorkerSettings

ROOT = Path(__file__).parent.parent
ROOMS = ("webhook", "worker", "whatsapp", "store", "ops", "devstack", "examples", "tests", "bench")
PRODUCT = ("webhook", "worker", "whatsapp", "store")
# As long as the schema is wide; nobody reads or writes it by hand.
GENERATED = {ROOT / "examples/bot/database_types.py"}
SOURCES = sorted({path for room in ROOMS for path in (ROOT / room).rglob("*.py")} - GENERATED)
MIGRATIONS = sorted((ROOT / "supabase/migrations").glob("*.sql"))
STORIES = sorted((ROOT / "supabase/tests").rglob("*.sql"))


def test_only_settings_modules_read_the_environment() -> None:
    product = [path for path in SOURCES if path.relative_to(ROOT).parts[0] in PRODUCT]
    readers = {path.name for path in product if re.search(r"os\.environ|os\.getenv|BaseSettings", path.read_text())}
    assert readers == {"settings.py"}


@pytest.mark.parametrize("path", SOURCES + MIGRATIONS + STORIES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_longer_than_300_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 300


def test_no_pool_towards_a_provider_keeps_cookies() -> None:
    pools = {
        path: path.read_text().count("httpx.AsyncClient(")
        for room in (*PRODUCT, "ops")
        for path in (ROOT / room).rglob("*.py")
    }
    opened = {path for path, count in pools.items() if count and path.parent.name != "store"}
    assert {path.parent.name for path in opened} >= {"webhook", "ops"}
    assert not [path for path in opened if path.read_text().count("cookies=no_cookies()") != pools[path]]


def test_no_module_is_named_for_nothing() -> None:
    assert not {path.stem for path in SOURCES} & {"utils", "util", "common", "helpers", "helper", "base", "misc"}


def test_migrations_are_named_by_what_they_do_and_say_why_first() -> None:
    for path in MIGRATIONS:
        assert re.fullmatch(r"\d{14}_[a-z]+(_[a-z]+)*\.sql", path.name)
        assert path.read_text().startswith("-- "), path.name


@pytest.mark.parametrize("story", STORIES, ids=lambda path: path.stem)
def test_a_story_says_what_it_is_about_counts_its_tests_and_leaves_nothing(story: Path) -> None:
    text = story.read_text()
    assert re.match(r"-- [^\n]+\nbegin;\nselect plan\(\d+\);\n", text)
    assert text.endswith("\nselect * from finish();\nrollback;\n")


def test_the_actors_are_the_same_in_every_story() -> None:
    """A story stands alone, as `supabase test db` runs it, so each has its copy; copies must not drift."""
    opening = re.compile(r"^-- `by\(actor.*?'owner';$", re.MULTILINE | re.DOTALL)
    copies = {path.stem: found[0] for path in STORIES if (found := opening.search(path.read_text()))}
    assert copies.keys() == {path.stem for path in STORIES} - {"schema"}
    assert len(set(copies.values())) == 1


def test_every_code_that_the_database_raises_is_documented_and_no_other() -> None:
    raised = set(re.findall(r"errcode = '(WA\d{3})'", "".join(path.read_text() for path in MIGRATIONS)))
    documented = set(re.findall(r"^\| `(WA\d{3})`", (ROOT / "docs/errors.md").read_text(), re.MULTILINE))
    assert raised == documented


def test_settings_example_and_page_name_the_same_variables() -> None:
    fields: set[str] = set()
    for module in ("store", "webhook", "worker", "ops"):
        source = (ROOT / module / "settings.py").read_text()
        fields |= {name.upper() for name in re.findall(r"^    ([a-z0-9_]+): ", source, re.MULTILINE)}
    example = set(re.findall(r"^(?:# )?([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    page = set(re.findall(r"^\| `([A-Z0-9_]+)`", (ROOT / "docs/settings.md").read_text(), re.MULTILINE))
    assert fields == example == page


def test_settings_example_and_page_name_the_defaults_that_hold() -> None:
    held = {
        name.upper(): f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        for settings in (WebhookSettings, WorkerSettings, OpsSettings)
        for name, field in settings.model_fields.items()
        if not field.is_required() and field.default is not None
    }
    example = re.findall(r"^# ([A-Z0-9_]+)=(.+)$", (ROOT / ".env.example").read_text(), re.MULTILINE)
    page = re.findall(
        r"^\| `([A-Z0-9_]+)` \| \w+ \| `([^`]+)` \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE
    )
    assert dict(example) == dict(page) == held


@pytest.mark.parametrize("noun", ["inbound", "outbound", "media"])
def test_each_noun_has_its_place_on_every_floor(noun: str) -> None:
    assert any(noun in path.name for path in MIGRATIONS), "migration"
    assert (ROOT / f"supabase/tests/{noun}.sql").exists(), "pgTAP story"
    assert f"claim_{noun}" in (ROOT / "store/rpc.py").read_text(), "function"
    assert f"## {noun}" in (ROOT / "docs/states.md").read_text(), "states"
