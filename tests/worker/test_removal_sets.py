"""What becomes of a set of which Storage refuses a part: the good names go, the bad one is found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from store.connect import connect
from store.files import Files
from store.rpc import Rpc
from worker.removals import CALLS, Removals

NAMES = [f"w/c/{number}.jpg" for number in range(200)]


@asynccontextmanager
async def _storage(bad: set[str], status: int = 400) -> AsyncIterator[tuple[Removals, list[int]]]:
    """A queue over a Storage that refuses every set with a bad name, and the sizes of the sets it was asked for."""
    asked: list[int] = []

    async def remove(request: web.Request) -> web.Response:
        names = json.loads(await request.text())["prefixes"]
        asked.append(len(names))
        if bad & set(names):
            return web.json_response({"error": "InvalidKey", "message": "no"}, status=status)
        return web.json_response([{"name": name} for name in names])

    app = web.Application()
    app.router.add_delete("/storage/v1/object/bucket", remove)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with connect(f"http://127.0.0.1:{port}", "key") as http:
            yield Removals(Rpc(http), Files(http, "bucket")), asked
    finally:
        await runner.cleanup()


def _job() -> dict[str, Any]:
    """Each name a prefix of its own, but for the first two."""
    removals = [{"prefix": "w/c/0", "lease_token": "t", "names": NAMES[:2]}]
    removals += [{"prefix": name[:-4], "lease_token": "t", "names": [name]} for name in NAMES[2:]]
    return {"message_id": None, "lease_token": "t", "removals": removals}


async def test_one_bad_name_is_found_and_the_others_go() -> None:
    async with _storage({NAMES[77]}) as (queue, asked):
        result = await queue.run(_job())
    assert result is not None
    failed = [outcome for outcome in result["removals"] if "error" in outcome]
    assert [outcome["prefix"] for outcome in failed] == ["w/c/77"]
    assert failed[0]["error"]["code"] == "InvalidKey"
    assert sum(outcome["removed"] for outcome in result["removals"]) == 199
    assert len(asked) <= CALLS


@pytest.mark.parametrize(("status", "most"), [(400, CALLS), (403, 1), (503, 1)])
async def test_a_storage_that_refuses_everything_is_not_besieged(status: int, most: int) -> None:
    async with _storage(set(NAMES), status) as (queue, asked):
        result = await queue.run(_job())
    assert result is not None
    assert all("error" in outcome and outcome["removed"] == 0 for outcome in result["removals"])
    assert len(result["removals"]) == 199
    assert len(asked) <= most
