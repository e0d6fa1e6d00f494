"""The pages hang together: links and anchors lead somewhere, every page is found, tests and commands named exist."""

from __future__ import annotations

import importlib.util
import posixpath
import re
import shlex
import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, get_args, get_type_hints

import click
import pytest
import yaml

from ops.__main__ import main
from ops.migrate import MIGRATION
from whatsapp.errors import Rule

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/**/*.md", "bench/*.md", "examples/*.md", "examples/*/*.md")
    for path in ROOT.glob(pattern)
)
# Written by another and not here yet.
AWAITED: set[str] = set()
HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TEST = re.compile(r"`(?:tests/)?((?:\w+/)*test_\w+\.py)(?:::(\w+))?`|`(supabase/tests/\w+\.sql)`")


def _hook() -> ModuleType:
    spec = importlib.util.spec_from_file_location("mkdocs_links", ROOT / "docs/mkdocs_links.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOK = _hook()


def text(page: str) -> str:
    return (ROOT / page).read_text()


@cache
def anchors(page: str) -> set[str]:
    """Of its headings, where GitHub and MkDocs make the same of them."""
    titles = HEADING.findall(FENCED.sub("", text(page)))
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)|[`*\\]", r"\1", title).lower() for title in titles]
    of_github = [re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain]
    ascii_only = [unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode() for title in plain]
    of_mkdocs = [re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title).strip()) for title in ascii_only]
    return {ours for ours, theirs in zip(of_github, of_mkdocs, strict=True) if ours == theirs}


def targets(page: str) -> Iterator[tuple[str, str]]:
    """Path in the repository and anchor of every link within it."""
    for path, anchor in HOOK.links(text(page)):
        yield posixpath.normpath(posixpath.join(posixpath.dirname(page), path)), anchor.removeprefix("#")
    for anchor in re.findall(r"\]\(#([^)]+)\)", FENCED.sub("", text(page))):
        yield page, anchor


def nav() -> list[str]:
    """The sources of the site's pages, in its order."""
    groups = config()["nav"]
    return [
        HOOK.source_of(place)
        for group in groups
        for pages in group.values()
        for page in pages
        for place in page.values()
    ]


def config() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    return settings


@pytest.mark.parametrize("page", PAGES)
def test_every_link_and_anchor_of_a_page_leads_somewhere(page: str) -> None:
    for target, anchor in targets(page):
        if target in AWAITED and not (ROOT / target).exists():
            continue
        assert (ROOT / target).exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(target), f"{page}: {target}#{anchor}"


def test_every_page_is_in_the_sites_navigation_once_and_every_entry_is_a_page() -> None:
    entries = nav()
    assert len(entries) == len(set(entries))
    assert {entry for entry in entries if not (ROOT / entry).exists()} <= AWAITED
    assert {page for page in PAGES if page.startswith("docs/")} <= set(entries)


def test_every_page_outside_the_site_is_linked_from_one_within() -> None:
    linked = {target for page in PAGES for target, _ in targets(page)}
    assert set(PAGES) - set(nav()) <= linked


@pytest.mark.parametrize("page", [page for page in PAGES if page.startswith("docs/")])
def test_every_test_that_a_page_names_exists(page: str) -> None:
    for path, name, story in TEST.findall(text(page)):
        file = ROOT / (story or f"tests/{path}")
        assert file.exists(), f"{page}: {file}"
        assert not name or f"def {name}(" in file.read_text(), f"{page}: {path}::{name}"


def _commands(page: str) -> Iterator[list[str]]:
    """Every `wabase …` in a page's text and blocks, as words."""
    for line in re.findall(r"(?:^|`|\| )wabase ([^`#|&\n]+)", text(page), flags=re.MULTILINE):
        yield shlex.split(line.replace('"$WORKSPACE"', "ID"))


def test_a_page_shows_commands_and_options_that_there_are() -> None:
    shown = [words for page in ("docs/operating.md", "docs/quickstart.md") for words in _commands(page)]
    assert len(shown) > 15
    for words in shown:
        command: click.Command = main
        rest = list(words)
        while (
            isinstance(command, click.Group) and rest and (rest[0] in command.commands or not rest[0].startswith("-"))
        ):
            assert rest[0] in command.commands, f"wabase {' '.join(words)}"
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, f"wabase {' '.join(words)}"


def test_figures_of_the_scaling_page_are_those_of_the_benchmarks() -> None:
    measured = text("docs/scaling.md").partition("## What was measured")[2].partition("\n## ")[0]
    figures = set(re.findall(r"\d[\d,.]*\d", measured.partition("|---|---|")[2].partition("\n\n")[0]))
    assert len(figures) > 15
    assert {figure for figure in figures if figure not in text("bench/README.md")} == set()


def test_every_reason_that_pauses_a_number_says_whose_turn_it_is() -> None:
    section = text("docs/operating.md").partition("### A number is paused")[2].partition("\n### ")[0]
    told = set(re.findall(r"^\| `(\w+)` \|", section, flags=re.MULTILINE))
    of_codes = {reason for kind in get_args(get_type_hints(Rule)["reason"]) for reason in get_args(kind)}
    migrations = "".join(path.read_text() for path in (ROOT / "supabase/migrations").glob("*.sql"))
    of_database = set(re.findall(r"status_reason :?= '(\w+)'", migrations))
    # The reasons of numbers that are gone, and a person's own.
    assert told == of_codes | of_database - {"deleted", "operator"} | {MIGRATION}


def test_links_of_the_site_lead_to_places_of_the_site() -> None:
    pages = [HOOK.place_of(source) for source in nav() if (ROOT / source).exists()]
    for place in pages:
        source = HOOK.source_of(place)
        page = SimpleNamespace(file=SimpleNamespace(src_uri=place))
        moved = HOOK.on_page_markdown(text(source), page=page)
        for before, after in zip(HOOK.links(text(source)), HOOK.links(moved), strict=True):
            wanted = posixpath.normpath(posixpath.join(posixpath.dirname(source), before[0]))
            reached = posixpath.normpath(posixpath.join(posixpath.dirname(place), after[0]))
            assert reached == HOOK.place_of(wanted), f"{source}: {before[0]}"
            assert not reached.startswith(".."), f"{source}: {before[0]}"


def test_the_site_loads_nothing_from_elsewhere() -> None:
    settings = config()
    assert settings["theme"]["font"] is False
    assert settings["strict"] is True
    assert not {"extra_javascript", "extra_css", "extra"} & settings.keys()
    assert "http" not in (ROOT / "mkdocs.yml").read_text()
