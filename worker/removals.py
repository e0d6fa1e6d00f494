"""Objects that have to leave the bucket as a queue: names resolved by the database, removed in sets through Storage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

import structlog

from store.errors import Rejected, StoreError
from store.files import Files
from store.rpc import Rpc
from worker.shares import Shares

log = structlog.get_logger()

Row = dict[str, Any]

# Names in one call; Storage takes 1,000.
OBJECTS = 250
# Longer than any call; removing twice removes once.
LEASE_SECONDS = 120
# Enough to find the one bad name of a set by halving it; a bucket that refuses everything is not asked for each name.
CALLS = 24
# Days are counted, so nobody has to look more often; a full batch is followed at once by the next.
RETENTION_SECONDS = 60.0
EXPIRED = 500
# Rows of a deleted workspace in one call, about 0.2 s, and calls in one sweep: the rest of the time is others'.
DELETED = 5000
DELETIONS = 4


class Removals:
    """Claims from `private.media_removals`, one set at a time. A job is a set: its prefixes share a lease."""

    name = "removals"
    slots = 1

    def __init__(self, rpc: Rpc, files: Files) -> None:
        self._rpc = rpc
        self._files = files
        self._next_sweep = float("-inf")

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        """One set, or nothing: {message_id: None, lease_token, removals: [{prefix, lease_token, names}]}."""
        claimed = await self._rpc.claim_removals(OBJECTS, LEASE_SECONDS) if most else []
        if not claimed:
            return []
        return [{"message_id": None, "lease_token": claimed[0]["lease_token"], "removals": claimed}]

    async def run(self, job: Row) -> Row | None:
        """Removes the set; what became of each prefix, None when cut off: removing again removes nothing more."""
        names = [name for removal in job["removals"] for name in removal["names"]]
        try:
            removed, refused = await self._remove(names)
        except asyncio.CancelledError:
            return None
        if refused:
            log.warning("removals.refused", objects=len(refused), code=next(iter(refused.values())).code)
        return {"removals": [_outcome(removal, removed, refused) for removal in job["removals"]]}

    async def record(self, results: Sequence[Row]) -> int:
        return await self._rpc.record_removals([removal for result in results for removal in result["removals"]])

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._rpc.release_removals(leases)

    async def extend(self, leases: Sequence[Row]) -> int:
        """Who comes late removes what somebody else has removed."""
        return len(leases)

    async def due(self, shares: Shares) -> float | None:
        return await self._rpc.next_removals()

    async def sweep(self) -> int:
        """Deletes on, lets files expire by retention. A claim takes over what the dead have left."""
        for _ in range(DELETIONS):
            if not await self._rpc.sweep_workspaces(DELETED):
                break
        if time.monotonic() < self._next_sweep:
            return 0
        swept = await self._rpc.sweep_media_retention(EXPIRED)
        self._next_sweep = time.monotonic() + (RETENTION_SECONDS if swept < EXPIRED else 0.0)
        return swept

    async def _remove(self, names: Sequence[str]) -> tuple[set[str], dict[str, StoreError]]:
        """The names that went, and those that Storage did not take, each with its error."""
        removed: set[str] = set()
        refused: dict[str, StoreError] = {}
        sets = [names]
        for call in range(CALLS):
            if not sets:
                break
            part = sets.pop()
            try:
                removed |= await self._files.remove(part)
            except Rejected as error:
                # One bad name spoils its set.
                middle = len(part) // 2
                if middle and call + len(sets) + 2 < CALLS:
                    sets += [part[:middle], part[middle:]]
                else:
                    refused |= dict.fromkeys(part, error)
            except StoreError as error:
                # Away, or deaf to this key: the rest would fare no better.
                refused |= dict.fromkeys([name for rest in [part, *sets] for name in rest], error)
                break
        return removed, refused


def _outcome(removal: Row, removed: set[str], refused: dict[str, StoreError]) -> Row:
    told = {"prefix": removal["prefix"], "lease_token": removal["lease_token"]}
    error = next((refused[name] for name in removal["names"] if name in refused), None)
    if error is not None:
        told["error"] = {"code": error.code, "title": str(error)}
    return told | {"removed": len(removed.intersection(removal["names"]))}
