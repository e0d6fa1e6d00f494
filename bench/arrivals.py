"""Files that arrive: a number whose customers send them, when each was stored, and the proof that each is right."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import time
from collections.abc import Sequence
from typing import LiteralString
from urllib.parse import quote

import httpx
from psycopg import sql

from bench.journal import NotDrained
from bench.load_client import Connection
from bench.media_files import File, body
from bench.populate import Database, Tenant, emptied, settle
from bench.project import Project
from bench.receivers import START_LIMIT, Receiver, ReceiverFailure
from bench.stand import Stand

BUCKET = "whatsapp-media"
PEOPLE = 200
# Of one webhook; Meta sends up to a thousand.
TOGETHER = 100
STORED: LiteralString = "select wamid from messages where wamid = any (%s) and media_status = 'stored'"
WAITING: LiteralString = "select exists (select from media_downloads)"
STAGES: LiteralString = (
    "select extract(epoch from created_at),"
    " (select extract(epoch from claimed_at) from private.media_turns where connection_id = %s)"
    " from messages where connection_id = %s and wamid = %s"
)
ROWS: LiteralString = (
    "select wamid, media_status, media_size, media_sha256, media_path from messages where media_id is not null"
)
OBJECTS: LiteralString = (
    "select name, (metadata ->> 'size')::bigint from storage.objects where bucket_id = 'whatsapp-media'"
    " and name like %s || '/%%'"
)


async def shop(stand: Stand) -> Tenant:
    """Emptied tables, a number with its key, and a bucket without an object."""
    await cleared(stand)
    tenant = await emptied(stand.database)
    await stand.database.execute("select set_connection_credential(%s, %s)", (tenant.connection_id, "key"))
    return tenant


async def cleared(stand: Stand) -> None:
    """Everything in the bucket removed through Storage, bytes included."""
    query = "select name from storage.objects where bucket_id = 'whatsapp-media' limit 500"
    async with storage(stand.project) as http:
        while names := [row[0] for row in await (await stand.database.execute(query)).fetchall()]:
            (await http.request("DELETE", f"/object/{BUCKET}", json={"prefixes": names})).raise_for_status()


def storage(project: Project) -> httpx.AsyncClient:
    key = project.service_role_key
    headers = {"apikey": key, "Authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=f"{project.url}/storage/v1", headers=headers, timeout=60)


class Line:
    """WhatsApp's side of the receiver."""

    def __init__(self, stand: Stand, tenant: Tenant, receiver: Receiver) -> None:
        self._tenant = tenant
        self._load = stand.load(receiver, stand.webhooks(tenant, 1))
        self._connection = Connection(receiver.port)

    async def arrive(self, files: Sequence[File]) -> float:
        """One webhook; the moment on the wall clock just before it was sent. Raises ReceiverFailure."""
        told = body(self._tenant.number, self._tenant.waba, list(files), PEOPLE)
        request = self._load.head(len(told)).encode() + told
        try:
            began = time.time()
            status = await self._connection.post(request)
        except EOFError:  # the receiver has closed a line that was quiet for long, in this very moment
            began = time.time()
            status = await self._connection.post(request)
        if status != 200:
            raise ReceiverFailure(f"a webhook was answered with {status}")
        return began

    async def queue(self, database: Database, files: Sequence[File]) -> None:
        """All of them waiting in the queue, nobody at work."""
        for first in range(0, len(files), TOGETHER):
            await self.arrive(files[first : first + TOGETHER])
        await _until_queued(database, len(files))
        await settle(database)
        await database.execute("vacuum (analyze) public.media_downloads")

    def close(self) -> None:
        self._connection.close()


async def _until_queued(database: Database, count: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        row = await (await database.execute("select count(*) from media_downloads")).fetchone()
        if row is not None and row[0] == count:
            return
        await asyncio.sleep(0.05)
    raise NotDrained(f"{count} files were not queued within 60 s")


async def stored(database: Database, file: File) -> float:
    """The moment on the wall clock at which one file was seen stored. Postgres looks itself, which costs little."""
    seen = sql.SQL("select from public.messages where wamid = {} and media_status = 'stored'").format(file.wamid)
    waiting = "do $$ begin while not exists ({}) loop perform pg_sleep(0.002); end loop; end $$"
    async with database.transaction():
        await database.execute("set local statement_timeout = '120s'")
        await database.execute(sql.SQL(waiting).format(seen))
        return time.time()


async def stages(database: Database, tenant: Tenant, file: File) -> tuple[float, float]:
    """When the row of the file that came last was begun, and when it was claimed."""
    row = await (await database.execute(STAGES, (tenant.connection_id, tenant.connection_id, file.wamid))).fetchone()
    assert row is not None
    return float(row[0]), float(row[1])


class Watch:
    """Sees when files are stored: looks every ten milliseconds, at those that it waits for only."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.stored: dict[str, float] = {}

    async def until(self, pending: set[str], limit: float = 120.0, every: float = 0.01) -> None:
        """Until all of `pending` are stored. Others may be added to the set meanwhile."""
        deadline = time.monotonic() + limit
        while pending and time.monotonic() < deadline:
            rows = await (await self._database.execute(STORED, (list(pending),))).fetchall()
            moment = time.time()
            for (wamid,) in rows:
                self.stored[wamid] = moment
                pending.discard(wamid)
            await asyncio.sleep(every)
        if pending:
            raise NotDrained(f"{len(pending)} files were not stored within {limit:.0f} s")


async def all_stored(database: Database, limit: float = 600.0) -> float:
    """The moment on the wall clock at which the queue was seen empty."""
    deadline = time.monotonic() + limit
    while time.monotonic() < deadline:
        row = await (await database.execute(WAITING)).fetchone()
        if row is not None and not row[0]:
            return time.time()
        await asyncio.sleep(0.02)
    raise NotDrained(f"files still waited after {limit:.0f} s")


async def problems(stand: Stand, tenant: Tenant, files: Sequence[File], looked_at: int) -> list[str]:
    """What is not as it must be: rows, objects, and the bytes of `looked_at` of them as Storage gives them back."""
    rows = {row[0]: row[1:] for row in await (await stand.database.execute(ROWS)).fetchall()}
    objects = dict(await (await stand.database.execute(OBJECTS, (tenant.workspace_id,))).fetchall())
    found = []
    wanted = {file.wamid: ("stored", file.size, file.digest().hex()) for file in files}
    if wrong := sum(1 for wamid, row in wanted.items() if rows.get(wamid, ())[:3] != row):
        found.append(f"{wrong} of {len(files)} files are not stored with their size and SHA-256")
    if len(rows) != len(files) or len(objects) != len(files):
        found.append(f"{len(rows)} rows and {len(objects)} objects of {len(files)} files")
    step = max(1, len(files) // looked_at)
    for file in files[::step]:
        path = rows.get(file.wamid, (None,) * 4)[3]
        if path not in objects or objects[path] != file.size or await _hash(stand, path) != file.digest():
            found.append(f"the object of file {file.number} is not what was sent")
    return found


async def _hash(stand: Stand, path: str) -> bytes:
    digest = hashlib.sha256()
    async with storage(stand.project) as http, http.stream("GET", f"/object/{BUCKET}/{quote(path)}") as response:
        async for piece in response.aiter_raw():
            digest.update(piece)
    return digest.digest()


async def asked(provider: Receiver) -> list[tuple[float, str]]:
    """The lookups that reached the provider since it was asked last."""
    return [(moment, media_id) for moment, media_id in json.loads(await provider.get("/asked"))]


async def first_asked(provider: Receiver) -> list[tuple[float, str]]:
    """The same, once there is one. Raises ReceiverFailure when none comes."""
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if lookups := await asked(provider):
            return lookups
        await asyncio.sleep(0.01)
    raise ReceiverFailure("no file was looked up")


def environment(provider: Receiver) -> dict[str, str]:
    return {**os.environ, "WHATSAPP_360_BASE_URL": f"http://127.0.0.1:{provider.port}"}
