"""The release before goes on working while the schema is brought forward under it, and afterwards; then it is replaced.

Run by `make test-upgrade`, on a stack with the migrations of the release before.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Awaitable
from pathlib import Path

import aiohttp
import httpx
import pytest

from devstack import migrate
from devstack.children import Children
from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Program, Programs, free_port, programs_in
from tests.flows.scraping import Scrape, scrape
from tests.upgrade.load import Load
from tests.upgrade.trees import migrations_of

pytestmark = pytest.mark.skipif("UPGRADE_FROM" not in os.environ, reason="two releases are needed: make test-upgrade")

# Under load before the push, after it, and around the swap.
LOADED_SECONDS = float(os.environ.get("UPGRADE_SECONDS", "15"))
# A lease of a job that was cut off runs out after a minute and a half.
PATIENCE = float(os.environ.get("UPGRADE_PATIENCE", "150"))
APPLIED = "select count(*)::integer as migrations from supabase_migrations.schema_migrations"


async def test_the_release_before_survives_todays_schema_and_is_replaced_under_load(
    database: Connect, project: Project, http: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old_tree, new_tree = Path(os.environ["UPGRADE_FROM"]), Path(os.environ["UPGRADE_TO"])
    seed = int(os.environ.get("UPGRADE_SEED") or random.randrange(10**6))
    print(f"UPGRADE_SEED={seed}")
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
        programs_in(tmp_path / "old", old_tree) as old,
        programs_in(tmp_path / "new", new_tree) as new,
    ):
        webhook = await old.webhook()
        workers = [await answering_worker(old) for _ in range(2)]
        load = await Load.new(database, Simulator(project.provider_url, session), webhook, random.Random(seed))
        await under_load(load, pushed(new_tree, project, tmp_path, monkeypatch))
        async with database() as connection:
            row = await (await connection.execute(APPLIED)).fetchone()
        assert row is not None
        assert row["migrations"] == len(migrations_of(new_tree))
        # The release before alone, on the new schema, has to bring everything to its end.
        await load.judge(PATIENCE)
        # Reports of WhatsApp's mend much: what the new schema refuses is to be seen all the same.
        refused = [call for program in (webhook, *workers) for call in refusals(await scrape(http, program))]
        assert refused == []
        told("the processes of before have brought everything to its end on the new schema", load)
        port = int(webhook.url.rpartition(":")[2])
        await under_load(load, swapped(old, new, port))
        await load.judge(PATIENCE)
        told("replaced under load", load)
        assert "Traceback" not in "".join(program.said for program in old.started + new.started)


async def answering_worker(programs: Programs) -> Program:
    """One that tells its metrics."""
    port = free_port()
    program = await programs.worker(WORKER_STATUS_HOST="127.0.0.1", WORKER_STATUS_PORT=str(port))
    program.url = f"http://127.0.0.1:{port}"
    return program


def refusals(scraped: Scrape) -> list[str]:
    """Calls that no trouble of the moment explains: what was asked for is not there, or not like that."""
    family = scraped.families.get("wabase_database_call_errors")
    return [
        f"{sample.labels['function']}: {sample.labels['status']}"
        for sample in (family.samples if family else [])
        if sample.labels["status"].startswith("4") and sample.labels["function"] != "storage" and sample.value
    ]


async def under_load(load: Load, change: Awaitable[None]) -> None:
    """The change in the middle of it, messages queued before and after."""
    over = asyncio.Event()
    running = asyncio.create_task(load.run(over))
    try:
        await load.campaign()
        await asyncio.sleep(LOADED_SECONDS / 2)
        await change
        await load.campaign()
        await asyncio.sleep(LOADED_SECONDS / 2)
    finally:
        over.set()
    async with asyncio.timeout(PATIENCE):
        await running


async def pushed(tree: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`supabase db push` of a tree's migrations, while everybody works."""
    monkeypatch.setenv("SUPABASE_WORKDIR", str(tree))
    children = await Children.open()
    began = time.monotonic()
    try:
        (tmp_path / "push").mkdir()
        await migrate.push(project.db_url, tmp_path / "push", children)
    finally:
        await children.close()
    print(f"pushed in {time.monotonic() - began:.1f} s")


async def swapped(old: Programs, new: Programs, port: int) -> None:
    """New workers beside the old ones, which then drain; the receiver at the same address, as with one replica."""
    await new.worker()
    await new.worker()
    for program in old.started:
        program.signal(signal.SIGTERM)
    assert [await program.ended(within=60) for program in old.started] == [0, 0, 0]
    await new.webhook(port=port)


def told(what: str, load: Load) -> None:
    sent = sum(len(line.told) for line in load.lines)
    print(
        f"{what}: {load.acknowledged.total()} webhooks, {sent} sends, {len(load.pictures)} pictures; "
        f"met on the way: {dict(load.setbacks)}"
    )
