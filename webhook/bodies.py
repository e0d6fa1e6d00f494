"""Reading the bodies of webhooks: whole, of a bounded size, in a bounded time."""

from __future__ import annotations

import asyncio
import time
from typing import Any, cast

from starlette.types import Receive

# Meta sends 3 MB at most.
MAX_BODY = 4 * 1024 * 1024
# 360dialog hangs up after 5 s: answer before, whatever happens. A body that dribbles in longer is nobody's; the
# journal takes the rest, see journal.PATIENCE and journal.COMMIT_SECONDS.
READ_SECONDS = 2.0
LOOK_SECONDS = 0.25


class Refused(Exception):
    """Answered with this status and nothing more."""

    def __init__(self, status: int) -> None:
        self.status = status


class Bodies:
    """Reads bodies, each in its request's own task.

    One clock for all that are being read: a timer for each costs as much as parsing what it brings (bench/README.md).
    """

    def __init__(self) -> None:
        # In the order in which they began.
        self._began: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._clock: asyncio.TimerHandle | None = None

    async def read(self, declared: str | None, receive: Receive) -> bytes:
        """The body, whose length was `declared` to be so many bytes. Refused(413), (408) or, broken off, (400)."""
        if declared is not None and (not declared.isdecimal() or int(declared) > MAX_BODY):
            raise Refused(413)
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._began[task] = time.monotonic()
        if self._clock is None:
            self._look_later()
        try:
            return await _read_on(receive)
        except asyncio.CancelledError:
            if task in self._late and task.uncancel() == 0:
                raise Refused(408) from None
            raise
        finally:
            del self._began[task]
            self._late.discard(task)

    def _look_later(self) -> None:
        self._clock = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        """Ends what has been read for too long; looks again while anything is being read."""
        self._clock = None
        now = time.monotonic()
        for task, began in self._began.items():
            if now - began < READ_SECONDS:
                break
            if task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._began:
            self._look_later()


async def _read_on(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refused(400)
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > MAX_BODY:
            raise Refused(413)
        if not message.get("more_body"):
            return b"".join(chunks)
