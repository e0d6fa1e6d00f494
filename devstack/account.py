"""Who Postgres runs as. It refuses to be root, so root hands it to an existing user without rights."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devstack.failure import StackFailure

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """A user that root starts processes as."""

    uid: int
    gid: int

    def popen_options(self) -> dict[str, Any]:
        """What makes subprocess start a process as this user, with none of root's groups."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def own(self, path: Path) -> None:
        """Give a path to this user."""
        os.chown(path, self.uid, self.gid)

    def reaches(self, folder: Path) -> bool:
        """Whether this user may pass through a folder and all above it. Looks at everybody's rights only."""
        folder = folder.resolve()
        return all(parent.stat().st_mode & stat.S_IXOTH for parent in (folder, *folder.parents))


def postgres_account() -> Account | None:
    """The user Postgres has to run as, or None to run it as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise StackFailure(
        "Postgres refuses to run as root and there is no user `postgres` or `nobody` to run it as: "
        "create one, or start the stack as an ordinary user."
    )
