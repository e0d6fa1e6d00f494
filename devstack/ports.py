"""Ports for processes that cannot be handed a bound socket, chosen without races between stacks.

A port is reserved by a lock on a file named after it, held as long as the stack lives: the kernel lets go of it
whatever happens. The range lies below the ephemeral one, so no outgoing connection takes a reserved port meanwhile.
"""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path
from types import TracebackType

from devstack.failure import StackFailure

RANGE = range(20_000, 30_000)
ATTEMPTS = 200


class Ports:
    """The ports of one stack."""

    def __init__(self) -> None:
        self._locks: list[int] = []
        self._folder = Path(tempfile.gettempdir()) / f"wabase-ports-{os.geteuid()}"
        self._folder.mkdir(mode=0o700, exist_ok=True)

    def __enter__(self) -> Ports:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()

    def reserve(self) -> int:
        """A port that nobody listens on and no other stack of ours will choose."""
        for port in random.sample(RANGE, ATTEMPTS):
            if self.take(port):
                return port
        raise StackFailure(f"No free port on 127.0.0.1 between {RANGE.start} and {RANGE.stop}: stop some programs.")

    def take(self, port: int) -> bool:
        """Reserve this very port; False if a stack or another program has it."""
        lock = os.open(self._folder / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        if not _is_free(port):
            os.close(lock)
            return False
        self._locks.append(lock)
        return True

    def release(self) -> None:
        """Give them all back."""
        while self._locks:
            os.close(self._locks.pop())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
