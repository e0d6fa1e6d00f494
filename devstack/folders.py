"""Where the stack keeps things: a cache shared by all stacks of a user, and a temporary folder of each."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from devstack.account import Account
from devstack.failure import StackFailure
from devstack.packages import ROOT

PREFIX = "wabase-"
PUBLIC = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - what is made there is checked or made by mkdtemp


def temporary_root(account: Account | None) -> Path:
    """The temp dir, or the first public one that Postgres' user can reach as well."""
    candidates = [Path(tempfile.gettempdir()), *PUBLIC]
    for candidate in candidates:
        if candidate.is_dir() and os.access(candidate, os.W_OK) and (not account or account.reaches(candidate)):
            return candidate
    raise StackFailure("No temporary folder is writable: set TMPDIR to one that is.")


def cache(account: Account | None) -> Path:
    """Staged binaries and template clusters. In the clone if that can be; else outside, where Postgres' user reads it.

    A folder in a public place could have been put there by somebody else to be trusted by us: it must be our own.
    """
    folder = ROOT / ".devstack" / "cache"
    if account or not os.access(ROOT, os.W_OK):
        outside = PUBLIC[0] if account else temporary_root(None)
        folder = outside / f"wabase-devstack-{os.geteuid()}"
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise StackFailure(f"{folder} belongs to somebody else or can be written by others: remove it.")
    if account:
        folder.chmod(0o755)  # whatever the umask says
    return folder


def private(folder: Path, account: Account | None) -> Path:
    """A new folder for one user's eyes only."""
    folder.mkdir(mode=0o700)
    if account:
        account.own(folder)
    return folder


def make(account: Account | None, parent: Path | None = None) -> Path:
    """A fresh folder for one stack. Others may pass through it (Postgres' user has to), but not look into it."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent or temporary_root(account)))
    if account:
        folder.chmod(0o711)
    return folder


def cluster(home: Path, account: Account | None) -> Path:
    """A kept cluster: in `home`, or beside the cache if the clone is closed to Postgres' user."""
    if account is None or account.reaches(home):
        return home / "cluster"
    name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    return cache(account) / f"kept-{name}"
