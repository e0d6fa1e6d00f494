"""The runner passes what pgTAP passes, and nothing else: proven with files that fail in each way a file can."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack import pgtap
from tests.conftest import Project

FILES = {
    "passing": ("select ok(true, 'fine');", []),
    "to do": ("select todo('later', 1); select ok(false, 'not yet');", []),
    "failing": ("select is(1, 2, 'one is two');", ["not ok 1 - one is two", "have: 1"]),
    "long": ("select ok(true, 'one'); select ok(true, 'two');", ["planned 1 tests but ran 2"]),
    "empty": ("", ["No tests run!"]),
    "broken": ("select * from nonexistent;", ["42P01", "line 3"]),
}


@pytest.mark.parametrize("name", FILES)
async def test_a_file_is_judged_by_its_results(name: str, tmp_path: Path, project: Project) -> None:
    body, expected = FILES[name]
    file = tmp_path / "story.sql"
    file.write_text(f"begin;\nselect plan(1);\n{body}\nselect * from finish();\nrollback;\n")
    told = "\n".join((await pgtap.run(file, project.db_url)).failures)
    assert bool(told) is bool(expected)
    for part in expected:
        assert part in told
