"""`python -m tests.upgrade`: the processes of the release before on today's schema, under load, then today's.

A stack at the old release's migrations, its own webhook and workers from its own tree; then `supabase db push` of
today's migrations while they work, then the swap. Exit status 0: nothing was lost or doubled and every queue ended, or
there is no release yet; 1: not so, or it could not be tried.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

from tests.upgrade.trees import ROOT, UpgradeFailure, checked_out, gone_astray, migrations_of, newest_tag

NO_RELEASE = (
    "There is no tag like v0.1.0 yet, so there is nothing to upgrade from: name a commit with FROM=… to try one."
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.upgrade")
    parser.add_argument("ref", nargs="?", help="tag or commit to upgrade from; none: the newest release")
    parser.add_argument("--from-tree", type=Path, help="a folder to upgrade from, instead of a ref")
    parser.add_argument("--to-tree", type=Path, default=ROOT, help="a folder to upgrade to; none: this checkout")
    chosen = parser.parse_args()
    ref = chosen.ref or newest_tag()
    if ref is None and chosen.from_tree is None:
        print(NO_RELEASE)
        return 0
    try:
        with nullcontext(chosen.from_tree) if chosen.from_tree else checked_out(str(ref)) as old:
            print(f"From {chosen.from_tree or ref} to {'this checkout' if chosen.to_tree == ROOT else chosen.to_tree}.")
            return upgrade(old.resolve(), chosen.to_tree.resolve())
    except UpgradeFailure as failure:
        print(failure, file=sys.stderr)
        return 1


def upgrade(old: Path, new: Path) -> int:
    """The exit status. Raises UpgradeFailure where migrations do not only go forward."""
    before, after = migrations_of(old), migrations_of(new)
    if astray := gone_astray(before, after):
        raise UpgradeFailure("Migrations only go forward, but " + "; ".join(astray) + ".")
    print(
        f"{len(after) - len(before)} new migrations: {', '.join(sorted(after.keys() - before.keys())) or '-'}",
        flush=True,
    )
    test = ("-m", "pytest", "-q", "-s", "--tb=short", "tests/upgrade/test_upgrade.py")
    # The simulated WhatsApp of the stack is at the other end, whatever the environment names.
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_BASE_URL")}
    return subprocess.run(
        [sys.executable, "-m", "devstack", "run", "--", sys.executable, *test],
        cwd=ROOT,
        # The stack is made with the migrations of this tree.
        env={**environment, "SUPABASE_WORKDIR": str(old), "UPGRADE_FROM": str(old), "UPGRADE_TO": str(new)},
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
