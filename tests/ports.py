"""Ports for the programs that tests start, and start again."""

from __future__ import annotations

from devstack.ports import Ports

_PORTS = Ports()


def free_port() -> int:
    """One that is the caller's until all tests have ended, whether or not somebody listens on it meanwhile.

    A program binds it seconds later. Of the ports that the kernel hands out for 0 any could be somebody else's by then.
    """
    return _PORTS.reserve()
