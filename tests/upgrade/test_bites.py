"""An upgrade that the release before survives passes; one that it cannot live with fails. `make test-upgrade-bites`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.upgrade.trees import MIGRATIONS, ROOT

pytestmark = pytest.mark.skipif("UPGRADE_BITES" not in os.environ, reason="minutes: make test-upgrade-bites")

# What runs, and its schema.
TREE = ("webhook", "worker", "ops", "whatsapp", "store", "supabase")
FORWARD = """
alter table public.messages add column sentiment text;
create index messages_sentiment on public.messages (workspace_id, sentiment) where sentiment is not null;
comment on column public.messages.sentiment is 'How it was meant.';
"""
RENAMED = "alter function public.record_outbound(jsonb) rename to record_outbound_v2;"
DROPPED = "alter table public.media_downloads drop column deadline cascade;"


def upgraded(tmp_path: Path, migration: str) -> subprocess.CompletedProcess[str]:
    """From this tree to this tree with one migration more."""
    for name in ("old", "new"):
        for folder in TREE:
            shutil.copytree(ROOT / folder, tmp_path / name / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "new" / MIGRATIONS / "20991231000000_planted.sql").write_text(migration)
    return subprocess.run(
        [
            *(sys.executable, "-m", "tests.upgrade"),
            *("--from-tree", tmp_path / "old", "--to-tree", tmp_path / "new"),
        ],
        cwd=ROOT,
        env={**os.environ, "UPGRADE_SECONDS": "6", "UPGRADE_PATIENCE": "40"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_migration_that_only_adds_passes(tmp_path: Path) -> None:
    done = upgraded(tmp_path, FORWARD)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 new migrations: 20991231000000_planted.sql" in done.stdout
    assert "replaced under load" in done.stdout


@pytest.mark.parametrize(
    ("migration", "said"),
    [
        # Reports of WhatsApp's may bring the messages to their end all the same.
        (RENAMED, r"'record_outbound: 404'|not within 40\.0 s; last seen: Counter\({'outbound'"),
        (DROPPED, r"not within 40\.0 s; last seen: Counter\({.*'pictures'"),
    ],
)
def test_a_migration_that_the_release_before_cannot_live_with_fails(tmp_path: Path, migration: str, said: str) -> None:
    done = upgraded(tmp_path, migration)
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(said, done.stdout), done.stdout
    assert "replaced under load" not in done.stdout
