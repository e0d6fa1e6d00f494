"""What the migrations add up to: as committed for review, and as Supabase's own advisors see it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def test_the_snapshot_is_what_the_migrations_give() -> None:
    # In a stack of its own: other tests make tables in `public`.
    command = [sys.executable, "-m", "devstack", "run", "--", sys.executable, "-m", "devstack.snapshot"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    expected = (ROOT / "supabase/schema.snapshot.sql").read_text()
    assert made.stdout.decode() == expected, "run `make snapshot` and review what changed"


def test_supabase_advisors_find_nothing_to_warn_of() -> None:
    told = subprocess.run(
        [
            *("node_modules/.bin/supabase", "db", "advisors", f"--remote={os.environ['SUPABASE_DB_URL']}"),
            *("--type", "all", "--level", "info", "--fail-on", "none", "--output-format", "json"),
        ],
        cwd=ROOT,
        env={**os.environ, "SUPABASE_TELEMETRY_DISABLED": "1"},
        capture_output=True,
        check=True,
    )
    findings = json.loads(told.stdout)["results"]
    # The advisors ran: these tables are for the server alone, and they say so.
    assert any(finding["name"] == "rls_enabled_no_policy" for finding in findings)
    assert [finding["detail"] for finding in findings if finding["level"] != "INFO"] == []
