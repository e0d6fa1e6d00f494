"""Group commit: bodies that wait at the same moment become one insert; a lone body waits for nobody."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

import structlog

from store.errors import Rejected, StoreError, Unavailable
from store.logs import Seldom
from store.rpc import Rpc
from whatsapp.envelope import Endpoint

log = structlog.get_logger()

MAX_BODIES = 500
MAX_BYTES = 8 * 1024 * 1024
# A commit costs as much as some dozen bodies in it. Where so many came together, more are coming: they are waited for,
# until there are enough. Acknowledgements come some milliseconds later, for a twelfth less of two cores (see bench/).
BUSY, ENOUGH, GATHER_SECONDS = 16, 100, 0.02
# A body that has been here longer is given back to the provider, and a group has this long to be committed: together
# less than the 5 s after which the provider hangs up.
PATIENCE = 2.5
COMMIT_SECONDS = 2.0
# Far beyond both: the task that commits has died or hangs.
HUNG_SECONDS = 30.0


class _Waiting:
    __slots__ = ("began", "body", "committed", "endpoint")

    def __init__(self, endpoint: Endpoint, body: bytes, began: float, committed: asyncio.Future[int]) -> None:
        self.endpoint = endpoint
        self.body = body
        self.began = began
        self.committed = committed

    def record(self) -> tuple[str, str | None, str | None, bytes]:
        return self.endpoint.provider, self.endpoint.phone_number_id, self.endpoint.waba_id, self.body


def _uncounted(_events: int) -> None:
    return


class Journal:
    """Commits raw bodies to `webhook_events`. `grouped` is told how many went together.

    One group is on its way at a time: while it travels and commits the next gathers. With two the groups are half as
    large, and the rows fall behind (bench/README.md). Who comes alone waits for nobody.
    """

    def __init__(self, rpc: Rpc, grouped: Callable[[int], None] = _uncounted) -> None:
        self._rpc = rpc
        self._grouped = grouped
        self._waiting: deque[_Waiting] = deque()
        self._enough = asyncio.Event()
        self._flush: asyncio.Task[None] | None = None

    async def commit(self, endpoint: Endpoint, body: bytes, began: float) -> int:
        """The journal id of `body`, once it is on disk. `began` is when it came, by time.monotonic().

        Raises StoreError when it is not known to be on disk, and in time for the provider to hear so.
        """
        waiting = _Waiting(endpoint, body, began, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._waiting) == ENOUGH:
            self._enough.set()
        if self._flush is None:
            self._flush = asyncio.create_task(self._commit_all())
        return await waiting.committed

    def problem(self, now: float) -> str | None:
        """Why nothing is committed any more, or None, also while Supabase is away: bodies are refused."""
        stuck = bool(self._waiting) and now - self._waiting[0].began > HUNG_SECONDS
        return "the journal hangs" if stuck else None

    async def _commit_all(self) -> None:
        try:
            while group := self._next_group():
                await self._commit_group(group)
                if len(group) >= BUSY:
                    await self._company()
        finally:
            # In the same step as the last look at what waits: who comes between the two would wait for ever.
            self._flush = None

    async def _company(self) -> None:
        if len(self._waiting) < ENOUGH:
            self._enough.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GATHER_SECONDS):
                    await self._enough.wait()

    async def _commit_group(self, group: list[_Waiting]) -> None:
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                ids = await self._rpc.receive_inbound([waiting.record() for waiting in group])
        except Rejected as error:
            await self._commit_alone(group, error)
        except StoreError as error:
            _fail(group, error)
        except TimeoutError:
            _fail(group, Unavailable("timeout", "the commit took too long"))
        else:
            self._grouped(len(group))
            for waiting, event_id in zip(group, ids, strict=True):
                _settle(waiting, event_id)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        oldest = time.monotonic() - PATIENCE
        while (
            self._waiting and len(group) < MAX_BODIES and (not group or size + len(self._waiting[0].body) <= MAX_BYTES)
        ):
            waiting = self._waiting.popleft()
            if waiting.began < oldest:
                _fail([waiting], Unavailable("timeout", "waited too long for its turn"))
                continue
            group.append(waiting)
            size += len(waiting.body)
        return group

    async def _commit_alone(self, group: list[_Waiting], error: StoreError) -> None:
        """One body that Postgres refuses must not fail its neighbours."""
        if len(group) == 1:
            _fail(group, error)
            return
        until = time.monotonic() + COMMIT_SECONDS
        for waiting in group:
            try:
                async with asyncio.timeout(until - time.monotonic()):
                    ids = await self._rpc.receive_inbound([waiting.record()])
            except StoreError as alone:
                _fail([waiting], alone)
            except TimeoutError:
                _fail([waiting], Unavailable("timeout", "the commit took too long"))
            else:
                _settle(waiting, ids[0])


def _settle(waiting: _Waiting, event_id: int) -> None:
    if not waiting.committed.done():
        waiting.committed.set_result(event_id)


_failed = Seldom()


def _fail(group: list[_Waiting], error: StoreError) -> None:
    if bodies := _failed.count(error.code, len(group)):
        log.warning("journal.commit_failed", code=error.code, bodies=bodies)
    for waiting in group:
        if not waiting.committed.done():
            waiting.committed.set_exception(error)
            # Marked as seen: the request it belonged to may be gone.
            waiting.committed.exception()
