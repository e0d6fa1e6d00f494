"""The last one out: kills what a stack started and removes its folders, whatever happened to the stack itself.

A process of its own in a session of its own, which ignores every signal it can. It reads a pipe that only the stack
holds open, learns line by line what to clean up, and does so when the pipe ends: after an orderly stop there is
nothing left to do, after a SIGKILL of the stack there is everything. Started by path with `python -I -S`, so it uses
the standard library alone. Lines: `group PID`, `postgres PID`, `forget PID`, `folder PATH`.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

MARK = "DEVSTACK_STACK"
GRACE = 0.7  # seconds a postmaster has to stop its own children, which are in groups of their own
LIMIT = 3.0  # seconds after which a process that cannot be killed is left to the kernel


def send(kill: Callable[[int, int], None], pid: int, number: int) -> bool:
    """Whether there was somebody to signal."""
    try:
        kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def marked(mark: str) -> list[int]:
    """Processes that carry the stack's mark in their environment: also those that left their group (Linux only)."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if needle in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def read_orders(lines: Iterable[str]) -> tuple[set[int], set[int], list[str]]:
    """Everything told until the pipe ended: process groups, postmasters, folders."""
    groups: set[int] = set()
    postmasters: set[int] = set()
    folders: list[str] = []
    for line in lines:
        verb, _, what = line.rstrip("\n").partition(" ")
        if verb == "group":
            groups.add(int(what))
        elif verb == "postgres":
            postmasters.add(int(what))
        elif verb == "forget":
            groups.discard(int(what))
            postmasters.discard(int(what))
        elif verb == "folder":
            folders.append(what)
    return groups, postmasters, folders


def kill_all(groups: set[int], postmasters: set[int], mark: str) -> None:
    """SIGQUIT lets a postmaster end its backends and free its shared memory; SIGKILL for whatever is still there."""
    deadline = time.monotonic() + GRACE
    waiting = {pid for pid in postmasters if send(os.kill, pid, signal.SIGQUIT)}
    for group in groups - postmasters:
        send(os.killpg, group, signal.SIGKILL)
    while waiting and time.monotonic() < deadline:
        waiting = {pid for pid in waiting if send(os.kill, pid, 0)}
        time.sleep(0.02)
    deadline = time.monotonic() + LIMIT
    for group in groups | postmasters:
        send(os.killpg, group, signal.SIGKILL)
    while (left := marked(mark)) and time.monotonic() < deadline:
        for pid in left:
            send(os.kill, pid, signal.SIGKILL)
        time.sleep(0.02)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    groups, postmasters, folders = read_orders(sys.stdin)
    kill_all(groups, postmasters, sys.argv[1])
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
