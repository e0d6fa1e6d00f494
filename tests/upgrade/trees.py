"""Two releases beside each other: the one that runs and the one that comes, each a tree of files."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
MIGRATIONS = Path("supabase/migrations")


class UpgradeFailure(Exception):
    """Why it cannot be tried, in a sentence."""


def git(*arguments: str) -> str:
    """What git says in this checkout. Raises UpgradeFailure with its own words."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UpgradeFailure(f"git {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def newest_tag() -> str | None:
    """The newest release, by version and not by date; None before the first, and where there is no git."""
    try:
        tags = git("tag", "--list", "v*", "--sort=-version:refname").splitlines()
    except (UpgradeFailure, OSError):
        return None
    return next((tag for tag in tags if re.fullmatch(r"v\d+\.\d+\.\d+", tag)), None)


@contextmanager
def checked_out(ref: str) -> Iterator[Path]:
    """The tree of a tag or commit, beside this one. Raises UpgradeFailure."""
    commit = git("rev-parse", "--verify", "--end-of-options", f"{ref}^{{commit}}")
    with TemporaryDirectory(prefix="wabase-upgrade-") as folder:
        tree = Path(folder) / "tree"
        git("worktree", "add", "--detach", "--quiet", str(tree), commit)
        try:
            yield tree
        finally:
            git("worktree", "remove", "--force", str(tree))


def migrations_of(tree: Path) -> dict[str, bytes]:
    """Every migration of a tree by its name."""
    return {path.name: path.read_bytes() for path in sorted((tree / MIGRATIONS).glob("*.sql"))}


def migrations_at(ref: str) -> dict[str, bytes]:
    """The same of a tag or commit, out of git."""
    names = git("ls-tree", "--name-only", ref, f"{MIGRATIONS.as_posix()}/").splitlines()
    return {
        Path(name).name: subprocess.run(
            ["git", "show", f"{ref}:{name}"], cwd=ROOT, capture_output=True, check=True
        ).stdout
        for name in names
    }


def gone_astray(old: dict[str, bytes], new: dict[str, bytes]) -> list[str]:
    """What does not only go forward: a released migration changed or gone, a new one that sorts before the last."""
    last = max(old, default="")
    found = [f"{name} is not there any more" for name in old if name not in new]
    found += [f"{name} has changed since it was released" for name in old if name in new and new[name] != old[name]]
    return found + [
        f"{name} would come before {last}, which is released" for name in new if name not in old and name < last
    ]
