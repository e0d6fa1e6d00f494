"""CONTRIBUTING, SECURITY, upgrades.md and docs/deploy agree with the tree: paths, commands, variables are there."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, KNOWN, ROOT, documents

PLACES = sorted((ROOT / "docs/deploy").glob("*.md"))
PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", ROOT / "docs/upgrades.md", *PLACES]
# What the worked example would add, and what belongs to the machine it runs on.
MADE_UP = {"tests/payloads/poll.json"}
NOT_OURS = re.compile(r"/(etc|opt|var|webhooks|metrics|livez|readyz)\b|/dev/stdin")
TOP = {path.name for path in ROOT.iterdir()}
# Environment of other programs, and words that are no variables.
WORDS = {"RELEASE", "SIGTERM", "SIGKILL", "HTTPS", "HTTP", "TEST_ARGS", "CHANGELOG"}


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def spans(text: str) -> list[str]:
    """What stands between backticks, outside of fenced blocks."""
    return re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))


def commands(text: str) -> list[list[str]]:
    """Every command of the fenced sh blocks, as a shell would split it: continuations joined, comments left out."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    lines = "".join(blocks).replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r" (?:&&|\|) ", line)]
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def named(page: Path) -> set[str]:
    """Paths of this tree that a page names, in its text or its commands."""
    text = page.read_text()
    words = [word for span in spans(text) for word in span.split()] + [w for command in commands(text) for w in command]
    words = [word.partition("=")[2] if word.startswith("--") else word for word in words]
    found = {word.rstrip(".,:;/") for word in words if word.partition("/")[0] in TOP and not NOT_OURS.match(word)}
    return {word for word in found if "*" not in word} - {".venv/bin/python", ".env"}


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_path_that_a_page_names_is_there(page: Path) -> None:
    paths = named(page)
    assert paths
    assert {path for path in paths - MADE_UP if not (ROOT / path).exists()} == set()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve()
        assert path.exists(), target
        headings = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
        assert not anchor or anchor in anchors, target


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_every_make_target_and_module_that_a_page_runs_is_there(page: Path) -> None:
    text = page.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    run = commands(text) + [span.split() for span in spans(text)]
    assert {words[1] for words in run if words[0] == "make" and len(words) > 1} <= targets
    modules = {words[place + 1] for words in run for place, word in enumerate(words[:-1]) if word == "-m"}
    assert {module for module in modules if not (ROOT / module).is_dir()} <= {"pytest", "venv"}


@pytest.mark.parametrize("page", PLACES, ids=ids)
def test_every_variable_that_a_page_of_a_place_names_is_one(page: Path) -> None:
    text = page.read_text()
    found = set(re.findall(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b", " ".join(spans(text))))
    assert found - KNOWN - WORDS == set()


@pytest.mark.parametrize("page", PLACES, ids=ids)
def test_a_page_of_a_place_says_how_to_set_up_how_many_how_to_upgrade_and_how_to_go_back(page: Path) -> None:
    text = page.read_text()
    wanted = ["Set up", "How many", "Upgrade", "Roll back"]
    assert [title for title in re.findall(r"^## (.*)$", text, re.MULTILINE) if title in wanted] == wanted
    upgrade = text.partition("\n## Upgrade\n")[2].partition("\n## ")[0]
    steps = [" ".join(words) for words in commands(upgrade)]
    # The schema before the code.
    assert steps.index("npx supabase db push --remote") == 2
    assert "migrations only go forward" in " ".join(text.split())


@pytest.mark.parametrize("page", PLACES, ids=ids)
def test_a_page_of_a_place_says_who_reads_the_metrics(page: Path) -> None:
    assert "`METRICS_TOKEN`" in page.read_text()


def test_there_is_a_page_for_every_place_that_has_files() -> None:
    places = {"docker": ROOT / "compose.yaml", "vm": DEPLOY / "systemd", "kubernetes": DEPLOY / "kubernetes"}
    places |= {name: path for name in ("fly", "render", "railway") for path in DEPLOY.glob(f"{name}.[tyj]*")}
    assert {page.stem for page in PLACES} == set(places)
    assert all(path.exists() for path in places.values())


def test_every_function_that_contributing_names_is_in_the_schema() -> None:
    schema = "".join(path.read_text() for path in (ROOT / "supabase/migrations").glob("*.sql"))
    functions = {span for span in spans(PAGES[0].read_text()) if span.startswith("private.")}
    assert functions
    assert {name for name in functions if f"create function {name}(" not in schema} == set()


def test_the_manifests_name_the_release_that_this_is() -> None:
    (kustomization,) = documents(DEPLOY / "kubernetes/base/kustomization.yaml")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert [image["newTag"] for image in kustomization["images"]] == [project["version"]]


def test_the_lock_of_what_runs_is_made_as_contributing_says() -> None:
    (made,) = [words for words in commands(PAGES[0].read_text()) if words[0] == "uv"]
    assert made[-2:] == ["--output-file", "requirements-runtime.lock"]
    lock = (ROOT / "requirements-runtime.lock").read_text()
    assert "opentelemetry-sdk==" in lock
    assert not lock.startswith("#")
