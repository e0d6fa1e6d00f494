"""`python -m devstack.installation`: what the migrations install, as the database itself tells it, for `wabase doctor`.

One line an object, sorted, so that a review sees what a change does. Reads SUPABASE_DB_URL, of a fresh stack.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import psycopg


def installed(url: str) -> dict[str, Any]:
    """The answer of the project's own get_installation(), without its time of day."""
    with psycopg.connect(url) as connection:
        row = connection.execute("select public.get_installation() - 'at'").fetchone()
    answer: dict[str, Any] = row[0] if row else {}
    return answer


def main() -> int:
    url = os.environ.get("SUPABASE_DB_URL")
    if not url:
        sys.exit("SUPABASE_DB_URL is not set: run this as `python -m devstack run -- python -m devstack.installation`.")
    print(json.dumps(installed(url), indent=1, sort_keys=True, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main())
