"""`python -m devstack.typegen [language]`: the types of schema `public`, as the Supabase CLI generates them.

Reads SUPABASE_DB_URL. Languages are the CLI's: typescript (the default), python, go, swift, dart.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

from devstack import packages


def generate(url: str, language: str) -> str:
    """The generated source. Raises CalledProcessError."""
    with tempfile.TemporaryDirectory(prefix="wabase-") as folder:
        made = subprocess.run(
            [
                *(packages.supabase_cli(), "gen", "types", "--lang", language),
                *("--schema", "public", f"--remote={url}", "--workdir", folder),
            ],
            env={
                "PATH": os.defpath,
                "HOME": folder,
                "SUPABASE_HOME": f"{folder}/home",
                "SUPABASE_TELEMETRY_DISABLED": "1",
            },
            check=True,
            capture_output=True,
            text=True,
        )
    return made.stdout.strip() + "\n"


def main() -> int:
    url = os.environ.get("SUPABASE_DB_URL")
    if not url:
        sys.exit("SUPABASE_DB_URL is not set: run this as `python -m devstack run -- python -m devstack.typegen`.")
    language = sys.argv[1] if len(sys.argv) > 1 else "typescript"
    try:
        print(generate(url, language), end="")
    except subprocess.CalledProcessError as error:
        sys.exit(f"The Supabase CLI could not generate the types: {error.stderr.strip()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
