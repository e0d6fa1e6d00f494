"""docs/inbound.md names the test behind each of its claims: every one of them exists."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs/inbound.md").read_text()


def test_every_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`([a-z_]+/test_[a-z_]+\.py)(?:::(test_\w+))?`", PAGE)
    assert len(named) > 20
    for path, name in named:
        wanted = f"def {name}(" if name else "def test_"
        assert wanted in (TESTS / path).read_text(), f"{path}::{name}"
