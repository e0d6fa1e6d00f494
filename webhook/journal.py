"""Group commit: bodies that wait at the same moment become one insert; a lone body waits for nobody."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass

from store.errors import Rejected, StoreError
from store.rpc import Rpc
from whatsapp.envelope import Endpoint

MAX_BODIES = 500
MAX_BYTES = 8 * 1024 * 1024
# Two, so that the next group gathers and travels while Postgres commits the last.
IN_FLIGHT = 2


@dataclass(frozen=True, slots=True)
class _Waiting:
    endpoint: Endpoint
    body: bytes
    committed: asyncio.Future[int]

    def record(self) -> tuple[str, str | None, str | None, bytes]:
        return self.endpoint.provider, self.endpoint.phone_number_id, self.endpoint.waba_id, self.body


class Journal:
    """Commits raw bodies to `webhook_events`."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._waiting: deque[_Waiting] = deque()
        self._flushes: set[asyncio.Task[None]] = set()

    async def commit(self, endpoint: Endpoint, body: bytes) -> int:
        """The journal id of `body`, once it is on disk. Raises StoreError when it is not known to be."""
        waiting = _Waiting(endpoint, body, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if len(self._flushes) < IN_FLIGHT:
            flush = asyncio.create_task(self._flush())
            self._flushes.add(flush)
            flush.add_done_callback(self._flushes.discard)
        # Shielded: a provider that hangs up does not take its neighbours' commit with it.
        return await asyncio.shield(waiting.committed)

    async def _flush(self) -> None:
        while group := self._next_group():
            try:
                ids = await self._rpc.receive_inbound([waiting.record() for waiting in group])
            except Rejected as error:
                await self._commit_alone(group, error)
            except StoreError as error:
                _fail(group, error)
            else:
                for waiting, event_id in zip(group, ids, strict=True):
                    _settle(waiting, event_id)

    def _next_group(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while (
            self._waiting and len(group) < MAX_BODIES and (not group or size + len(self._waiting[0].body) <= MAX_BYTES)
        ):
            waiting = self._waiting.popleft()
            group.append(waiting)
            size += len(waiting.body)
        return group

    async def _commit_alone(self, group: list[_Waiting], error: StoreError) -> None:
        """One body that Postgres refuses must not fail its neighbours."""
        if len(group) == 1:
            _fail(group, error)
            return
        for waiting in group:
            try:
                ids = await self._rpc.receive_inbound([waiting.record()])
            except StoreError as alone:
                _fail([waiting], alone)
            else:
                _settle(waiting, ids[0])


def _settle(waiting: _Waiting, event_id: int) -> None:
    if not waiting.committed.done():
        waiting.committed.set_result(event_id)


def _fail(group: list[_Waiting], error: StoreError) -> None:
    for waiting in group:
        if not waiting.committed.done():
            waiting.committed.set_exception(error)
            # Marked as seen: the request it belonged to may be gone.
            waiting.committed.exception()
