"""Migrations, applied by the real Supabase CLI as role `postgres`, exactly as onto a hosted project."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from devstack import packages
from devstack.children import Children
from devstack.failure import StackFailure

LIMIT = 120.0


def workdir(folder: Path) -> Path:
    """A folder of links to the repository's `supabase/`: the CLI writes into its work folder, and a clone may be
    read-only or serve several stacks at once. Files named .env stay out: they are about other projects.
    """
    target = folder / "supabase"
    target.mkdir(parents=True)
    source = Path(os.environ.get("SUPABASE_WORKDIR", packages.ROOT)) / "supabase"  # the CLI's own setting
    for entry in source.iterdir() if source.is_dir() else ():
        if not entry.name.startswith("."):
            (target / entry.name).symlink_to(entry)
    return folder


async def push(url: str, scratch: Path, children: Children) -> None:
    """`supabase db push`. Raises StackFailure with the CLI's own words: file, statement, error."""
    home = scratch / "cli-home"
    process = await children.spawn(
        *(packages.supabase_cli(), "db", "push", f"--remote={url}", "--yes"),
        *("--workdir", workdir(scratch / "cli")),
        env={
            "PATH": os.defpath,
            "HOME": str(home),
            "SUPABASE_HOME": str(home),
            "SUPABASE_TELEMETRY_DISABLED": "1",
        },
        output=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(process.communicate(), LIMIT)
    except TimeoutError:
        raise StackFailure(f"`supabase db push` took over {LIMIT:.0f} s: does a migration wait for a lock?") from None
    if process.returncode:
        text = (output + errors).decode(errors="replace").strip()
        print(text, file=sys.stderr)
        raise StackFailure("A migration failed (the CLI's words are above): mend it and start again.")
