"""Read marks and typing signs as a queue: given soon or not at all, and nothing waits for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

from store.errors import StoreError
from store.rpc import Rpc
from whatsapp.errors import WhatsAppError
from worker.clients import Clients
from worker.shares import Shares

log = structlog.get_logger()

Row = dict[str, Any]

SLOTS = 8
LEASE_SECONDS = 60
# This table rings nobody: where somebody has just been typing it is looked at often, else as rarely as the others.
LATELY_SECONDS = 300.0
POLL_SECONDS = 1.0


class Receipts:
    """Claims from `receipts`. Tried three times, as the database counts."""

    name = "receipts"
    slots = SLOTS

    def __init__(self, rpc: Rpc, clients: Clients) -> None:
        self._rpc = rpc
        self._clients = clients
        self._last = float("-inf")

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        claimed = await self._rpc.claim_receipts(most, LEASE_SECONDS, shares)
        if claimed:
            self._last = time.monotonic()
        return claimed

    async def run(self, job: Row) -> Row | None:
        """Gives one receipt: done or retry; None when cut off: giving it again shows nothing new."""
        try:
            client = await self._clients.of(job)
            await client.mark_message_as_read(job["wamid"], typing=job["kind"] == "typing")
        except asyncio.CancelledError:
            return None
        except (StoreError, WhatsAppError) as error:
            ids = {"message_id": job["message_id"], "connection_id": job["connection_id"]}
            log.info("receipt.failed", kind=job["kind"], error=type(error).__name__, **ids)
            return {"outcome": "retry"}
        return {"outcome": "done"}

    async def record(self, results: Sequence[Row]) -> int:
        return await self._rpc.record_receipts(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._rpc.record_receipts([{**lease, "outcome": "retry"} for lease in leases])

    async def extend(self, leases: Sequence[Row]) -> int:
        """A lease is longer than any call, and a receipt given twice is no matter."""
        return len(leases)

    async def due(self, shares: Shares) -> float | None:
        return POLL_SECONDS if time.monotonic() < self._last + LATELY_SECONDS else None

    async def sweep(self) -> int:
        """A claim takes over what the dead have left."""
        return 0
