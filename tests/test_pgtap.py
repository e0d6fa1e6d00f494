"""Every file under supabase/tests, as `supabase test db` would run it."""

from __future__ import annotations

from pathlib import Path

import pytest

from devstack import pgtap
from tests.conftest import Project


@pytest.mark.parametrize("file", pgtap.files(), ids=lambda file: file.stem)
async def test_pgtap(file: Path, project: Project) -> None:
    report = await pgtap.run(file, project.db_url)
    assert not report.failures, "\n".join(report.failures)
