"""What every stand-in behind the gateway is given. The gateway builds one and mounts each service with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from devstack.database import Database
from devstack.keys import Caller, Keys


@dataclass(frozen=True)
class Context:
    """One project: its database, its keys, the folder for stored bytes, and the address it is reached at."""

    database: Database
    keys: Keys
    directory: Path
    public_url: str  # http://127.0.0.1:PORT, no trailing slash


CONTEXT = web.AppKey("context", Context)


def caller_of(request: web.Request) -> Caller:
    """Who asks: set by the gateway's middleware before a mounted service sees the request."""
    caller: Caller = request["caller"]
    return caller
