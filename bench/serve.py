"""Serves an app exactly as `python -m webhook` serves its own: same server, loop, parser and settings."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
import uvloop


def serve(app: Any, port: int) -> None:
    """Until a signal."""
    config = uvicorn.Config(
        app, host="127.0.0.1", port=port, backlog=2048, log_config=None, access_log=False, server_header=False
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(uvicorn.Server(config).serve())
