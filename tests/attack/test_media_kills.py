"""A worker killed at random while files of every kind come in: each is stored once and whole, and never seen half."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.attack.bombardment import Bombardment
from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.parcels import parcels, send
from tests.flows.programs import Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until

FILES = int(os.environ.get("CHAOS_FILES", "50"))
KILLS = int(os.environ.get("CHAOS_FILE_KILLS", "20"))
WAYS = ("live", "live", "echo", "live", "live", "history")


@pytest.fixture
async def kind_again(project: Project, http: httpx.AsyncClient) -> AsyncIterator[None]:
    yield
    await http.post(f"{project.url}/_devstack/storage", json={"reset": True})


@pytest.mark.usefixtures("kind_again")
async def test_each_file_is_stored_once_and_whole_whoever_is_killed(
    database: Connect, programs: Programs, project: Project, http: httpx.AsyncClient, tmp_path: Path
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**6))
    print(f"KILL_SEED={seed}")
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        webhook = await programs.webhook()
        simulator = Simulator(project.provider_url, session)
        shops = [await Shop.new(database, simulator, webhook) for _ in range(2)]
        fire = Bombardment(programs, database, project, http, shops, tmp_path, random.Random(seed))
        await fire.misbehave()
        began, over = time.monotonic(), asyncio.Event()
        async with asyncio.TaskGroup() as beside:
            for task in (fire.flicker, fire.age, fire.watch):
                beside.create_task(task(over))
            await under_fire(fire, random.Random(seed + 1))
            await until(lambda: fire.rows(WAITING), lambda rows: not rows, within=30 + FILES)
            over.set()
    print(f"{FILES} files, {KILLS} kills in {time.monotonic() - began:.0f} s; what they found: {dict(fire.kills)}")
    await each_lies_there_once_and_whole(fire)
    assert fire.worker
    assert not files_left(fire.worker.process.pid, tmp_path)
    assert "Traceback" not in "".join(program.said for program in programs.started)


WAITING = (
    "select wamid, media_status, media_error from messages where workspace_id = any (%(workspaces)s::uuid[])"
    " and media_status <> 'stored' union all select null, 'in the queue', null from media_downloads"
    " where workspace_id = any (%(workspaces)s::uuid[])"
)


async def under_fire(fire: Bombardment, dice: random.Random) -> None:
    """The files come in while the kills fall: each kill finds some that are on their way."""
    await fire.start()
    left = parcels(FILES, dice)
    for kill in range(KILLS):
        upto = FILES - FILES * (kill + 1) // KILLS
        while len(left) > upto:
            way, parcel = WAYS[len(left) % len(WAYS)], left.pop()
            fire.sent[await send(fire.shops[len(left) % len(fire.shops)], parcel, way)] = parcel
        await fire.strike()


async def each_lies_there_once_and_whole(fire: Bombardment) -> None:
    messages = await fire.rows("select * from messages where workspace_id = any (%(workspaces)s::uuid[])")
    assert sorted(row["wamid"] for row in messages) == sorted(fire.sent)
    for row in messages:
        parcel = fire.sent[row["wamid"]]
        stem = f"{row['workspace_id']}/{row['conversation_id']}/{row['id']}"
        assert row["media_path"] == stem + parcel.extension
        assert (row["media_status"], row["media_error"]) == ("stored", None)
        assert (row["media_mime_type"], row["media_sha256"]) == (parcel.mime_type, parcel.sha256)
        assert (row["media_width"], row["media_height"], row["media_duration"]) == parcel.measured
        answer = await fire.download(row["media_path"])
        assert (answer.content == parcel.raw, answer.headers["content-type"]) == (True, parcel.mime_type)
    objects = await fire.rows(
        "select name from storage.objects where bucket_id = 'whatsapp-media'"
        " and split_part(name, '/', 1) = any (%(workspaces)s::text[])"
    )
    assert sorted(row["name"] for row in objects) == sorted(row["media_path"] for row in messages)


def files_left(pid: int, folder: Path) -> list[str]:
    """What the process holds open there, and what it or a dead one has left there under a name."""
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    return [link for link in links if link.startswith(str(folder))] + [
        str(path) for path in folder.glob("wabase-media-*")
    ]
