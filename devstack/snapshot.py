"""`python -m devstack.snapshot`: what the migrations make of a database, in one text that a review can read.

The Supabase CLI writes it (`db schema declarative generate`): tables, constraints, indexes, functions, triggers,
policies, grants, comments, default privileges, publication, each object in a file of its own. Here they are joined in
the order that the CLI names. Reads SUPABASE_DB_URL; the same schema always gives the same text.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from devstack import packages

HEADER = """\
-- The net schema after all migrations. Generated: python -m devstack run -- python -m devstack.snapshot
-- Not applied anywhere: the migrations are the truth, this is for reading and for seeing what a change does.
"""
NOT_OURS = {"_cluster/extensions/pgtap.sql"}  # the test runner's


def generate(url: str, folder: Path) -> list[tuple[str, str]]:
    """Name and text of every file the CLI writes about the database. Raises CalledProcessError."""
    subprocess.run(
        [
            *(packages.supabase_cli(), "db", "schema", "declarative", "generate", f"--remote={url}", "--yes"),
            *("--workdir", folder, "--output-dir", "schema"),
        ],
        env={
            "PATH": os.defpath,
            "HOME": str(folder),
            "SUPABASE_HOME": str(folder / "home"),
            "SUPABASE_TELEMETRY_DISABLED": "1",
        },
        check=True,
        capture_output=True,
        text=True,
    )
    export = folder / "schema" / ".pgdelta-export.json"
    names = json.loads(export.read_text())["loadOrder"]
    return [(name, (folder / "schema" / name).read_text()) for name in names if name not in NOT_OURS]


def main() -> int:
    url = os.environ.get("SUPABASE_DB_URL")
    if not url:
        sys.exit("SUPABASE_DB_URL is not set: run this as `python -m devstack run -- python -m devstack.snapshot`.")
    with tempfile.TemporaryDirectory(prefix="wabase-") as folder:
        (Path(folder) / "supabase").mkdir()
        try:
            files = generate(url, Path(folder))
        except subprocess.CalledProcessError as error:
            sys.exit(f"The Supabase CLI could not read the schema: {error.stderr.strip()}")
    print(HEADER + "".join(f"\n-- {name}\n{text.strip()}\n" for name, text in files), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
