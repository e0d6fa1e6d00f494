"""What `wabase inbound` does: what is in the journal, and how to apply it once more."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from store.events import Events
from store.rpc import Rpc

Row = dict[str, Any]

# Events sent back at once, and how often a replay looks whether they have been applied.
BATCH = 500
LOOK_SECONDS = 0.5


def filters(
    *,
    state: str | None = None,
    number: str | None = None,
    kind: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after_id: int | None = None,
) -> dict[str, str]:
    """Options of the command as PostgREST's filters."""
    chosen: dict[str, str] = {}
    if state and state != "all":
        chosen["state"] = f"eq.{state}"
    if number:
        chosen["phone_number_id"] = f"eq.{number}"
    if kind:
        escaped = kind.replace("\\", "\\\\").replace('"', '\\"')
        chosen["kinds"] = f'cs.{{"{escaped}"}}'
    bounds = [f"received_at.gte.{since.isoformat()}"] if since else []
    bounds += [f"received_at.lt.{until.isoformat()}"] if until else []
    bounds += [f"id.gt.{after_id}"] if after_id else []
    if bounds:
        chosen["and"] = f"({','.join(bounds)})"
    return chosen


async def selected(events: Events, ids: Sequence[int], chosen: Mapping[str, str]) -> list[int]:
    """The ids that a replay is about: those named, or all that pass the filters and are not being worked on."""
    if ids:
        return sorted(set(ids))
    return [event_id async for page in events.ids({"state": "neq.received", **chosen}) for event_id in page]


async def replay(rpc: Rpc, ids: Sequence[int], sent: Callable[[int], None]) -> int:
    """Sends events back to the journal's beginning; gives how many there were. `sent` is told how far it is."""
    there = 0
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        there += await rpc.release_inbound(batch)
        sent(start + len(batch))
    return there


async def endings(events: Events, ids: Sequence[int], within: float, applied: Callable[[int], None]) -> Counter[str]:
    """How replayed events ended; what is still `received` after `within` seconds is counted as that.

    `applied` is told at each look how many have come to an end.
    """
    until = time.monotonic() + within
    while True:
        states: Counter[str] = Counter()
        for start in range(0, len(ids), BATCH):
            wanted = ",".join(map(str, ids[start : start + BATCH]))
            states.update(row["state"] for row in await events.newest({"id": f"in.({wanted})"}, BATCH))
        applied(states.total() - states["received"])
        if not states["received"] or time.monotonic() > until:
            return states
        await asyncio.sleep(LOOK_SECONDS)
