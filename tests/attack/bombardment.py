"""A worker that is killed while it fetches, over a Storage that flickers and a line that breaks; and who watches."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from psycopg.rows import DictRow

from tests.conftest import Connect, Project
from tests.flows.parcels import Parcel
from tests.flows.programs import Program, Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until

# What befalls the provider's calls, and how often.
FAULTS: tuple[tuple[str, float, dict[str, Any]], ...] = (
    ("download", 0.05, {"cut": "before"}),
    ("download", 0.05, {"truncate": 1500}),
    ("download", 0.15, {"stall": {"after_bytes": 1000, "seconds": 0.4}}),
    ("download", 0.15, {"drip": 6_000_000}),
    ("download", 0.03, {"http": 503}),
    ("download", 0.02, {"http": 404}),
    ("media_lookup", 0.03, {"http": 503}),
    ("media_lookup", 0.03, {"cut": "before"}),
)
# In life a dead worker's lease runs out after 300 seconds and what has failed waits; a test has no such time. The next
# worker cannot claim within the third of a second after it was started.
AGED = (
    "update media_downloads set lease_expires_at = now() where lease_token is not null"
    " and lease_expires_at <= %(killed)s + interval '300.3 seconds' and workspace_id = any (%(workspaces)s::uuid[])",
    "update media_downloads set available_at = now() where lease_token is null and available_at > now()"
    " and workspace_id = any (%(workspaces)s::uuid[])",
)
BUSY = (
    "select count(*) filter (where lease_token is not null and lease_expires_at > now()) as held, count(*) as all"
    " from media_downloads where workspace_id = any (%(workspaces)s::uuid[])"
)
# How far the files are: what a kill at this moment finds.
STAGES = (
    "select message.media_status as status, object.name is not null as there"
    " from media_downloads as item join messages as message on message.id = item.message_id"
    " left join storage.objects as object on object.bucket_id = 'whatsapp-media'"
    " and starts_with(object.name, item.object_name)"
    " where item.lease_token is not null and item.lease_expires_at > now()"
    " and item.workspace_id = any (%(workspaces)s::uuid[])"
)
# Every object with the message it belongs to, every stored message with its object: one moment's picture.
SEEN = (
    "select message.wamid, message.media_status, message.media_path, message.media_size, object.name,"
    " (object.metadata ->> 'size')::bigint as size"
    " from (select * from messages where workspace_id = any (%(workspaces)s::uuid[])) as message"
    " full join (select * from storage.objects where bucket_id = 'whatsapp-media'"
    "   and split_part(name, '/', 1) = any (%(workspaces)s::text[])) as object"
    " on split_part(split_part(object.name, '/', 3), '.', 1) = message.id::text"
    " where object.name is not null or message.media_status = 'stored'"
)


@dataclass
class Bombardment:
    """`sent` is every file by its message's wamid; `kills` says what the kills have found."""

    programs: Programs
    database: Connect
    project: Project
    http: httpx.AsyncClient
    shops: list[Shop]
    folder: Path
    dice: random.Random
    sent: dict[str, Parcel] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    worker: Program | None = None
    _killed: Any = None
    _looked_at: set[str] = field(default_factory=set)

    async def misbehave(self) -> None:
        for shop in self.shops:
            for operation, probability, action in FAULTS:
                await shop.business.fault(operation, action, probability=probability, seed=self.dice.randrange(10**6))

    async def start(self) -> None:
        """Files on their way lie in `folder`, and nowhere else."""
        self._killed = (await self.rows("select now() as now"))[0]["now"]
        self.worker = await self.programs.start("worker", TMPDIR=str(self.folder))

    async def strike(self) -> None:
        """Kills the worker at some moment of its work, and starts the next."""
        assert self.worker
        await until(self._at_work, within=60)
        await asyncio.sleep(self.dice.uniform(0, 0.35))
        await self.worker.kill()
        stages = [f"{row['status']}, {'not ' * (not row['there'])}in Storage" for row in await self.rows(STAGES)]
        self.kills.update(stages or ["idle"])
        await self.start()

    async def _at_work(self) -> bool:
        (told,) = await self.rows(BUSY)
        return bool(told["held"]) or not told["all"]

    async def flicker(self, over: asyncio.Event) -> None:
        """Storage is down for a second now and then, or its line breaks."""
        while not await _within(over, self.dice.uniform(0.5, 3)):
            trouble = self.dice.choice([{"down": True}, {"cut_uploads_after": self.dice.randrange(10**3, 5 * 10**6)}])
            await self._order(**trouble)
            await _within(over, self.dice.uniform(0.2, 1))
            await self._order(reset=True)

    async def age(self, over: asyncio.Event) -> None:
        """Time passes more quickly for what the dead have left behind and what waits for its next try."""
        while not await _within(over, 0.3):
            for statement in AGED:
                await self.rows(statement, killed=self._killed)

    async def watch(self, over: asyncio.Event) -> None:
        """Whatever moment it is: nothing half is to be seen, in Storage, in the rows, or on the worker's disk."""
        while not await _within(over, 0.05):
            # Only these: Python itself tries out, under another name, whether it can write in the folder at all.
            assert not (found := list(self.folder.glob("wabase-media-*"))), found
            for row in await self.rows(SEEN):
                await self._judge(row)

    async def _judge(self, row: DictRow) -> None:
        parcel = self.sent.get(row["wamid"] or "")
        if parcel is None:
            # Between the provider's call and our note of it.
            assert row["wamid"], f"an object that is nobody's: {row}"
            return
        assert row["name"] and row["size"] == len(parcel.raw), f"half, and to be seen: {row}"
        if row["media_status"] == "stored":
            assert (row["media_path"], row["media_size"]) == (row["name"], row["size"]), row
            if row["wamid"] not in self._looked_at and await self._is_whole(row["media_path"], parcel):
                self._looked_at.add(row["wamid"])

    async def _is_whole(self, path: str, parcel: Parcel) -> bool:
        """Whether it could be looked at, as anybody does who has seen that it is stored."""
        answer = await self.download(path)
        if answer.status_code == 503:
            return False
        assert answer.status_code == 200, answer.text
        assert hashlib.sha256(answer.content).hexdigest() == parcel.sha256, path
        return True

    async def download(self, path: str) -> httpx.Response:
        return await self.http.get(
            f"{self.project.url}/storage/v1/object/whatsapp-media/{path}",
            headers=self.project.headers(self.project.service_role_key),
        )

    async def rows(self, query: str, **parameters: Any) -> list[DictRow]:
        workspaces = [shop.tenant.workspace_id for shop in self.shops]
        return await self.shops[0].tenant.rows(query, workspaces=workspaces, **parameters)

    async def _order(self, **orders: object) -> None:
        answer = await self.http.post(f"{self.project.url}/_devstack/storage", json=orders)
        assert answer.status_code == 200, answer.text


async def _within(over: asyncio.Event, seconds: float) -> bool:
    """Whether it is over, after so many seconds at most."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(over.wait(), seconds)
    return over.is_set()
