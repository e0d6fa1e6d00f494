"""A file that takes too long, before a worker in this process: nobody here waits for as long as it takes in life."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from store.connect import connect
from store.files import Files
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.pictures import objects_of, receive_picture
from tests.flows.shop import Shop
from tests.flows.waiting import until
from whatsapp import client, download
from whatsapp.upload import MEGABYTE
from worker.clients import Clients, provider_http
from worker.media import Media
from worker.settings import Settings


@pytest.mark.parametrize(
    "action",
    [
        pytest.param({"drip": 2000}, id="drips"),
        pytest.param({"stall": {"after_bytes": 300_000, "seconds": 60}}, id="stops"),
        pytest.param({"http": 404, "delay_ms": 60_000}, id="404 after a minute"),
        pytest.param({"hang": 60}, id="no answer"),
    ],
)
async def test_a_file_that_takes_for_ever_is_given_up_while_others_are_stored(
    shop: Shop, other: Shop, project: Project, monkeypatch: pytest.MonkeyPatch, action: dict[str, Any]
) -> None:
    """In life it takes half a minute to see that a file comes too slowly, or not at all."""
    # By then the other's file has to be stored.
    monkeypatch.setattr(client, "STALL_SECONDS", 4.0)
    await shop.business.fault("download", action)
    settings = Settings.load()
    async with connect(project.url, project.service_role_key, connections=8) as rest, provider_http() as provider:
        rpc = Rpc(rest)
        media = Media(rpc, Clients(rpc, provider, settings), Files(rest, "whatsapp-media"), 2, 100 * MEGABYTE)
        theirs = await receive_picture(other)
        dripping = asyncio.create_task(one_turn(media, shop, await receive_picture(shop)))
        await until(lambda: shop.business.seen("requests", operation="download"))
        assert await one_turn(media, other, theirs) == "stored"
        assert not dripping.done()
        # Only now, or what drips might be given up before the other's file is stored: it is at its next piece.
        monkeypatch.setattr(download, "WINDOW_SECONDS", 1.0)
        # Long before the transport, which waits for half a minute, gives up by itself.
        assert await asyncio.wait_for(dripping, 15) == "retry"
    (message,) = await shop.tenant.messages()
    assert (message["media_status"], message["media_error"]["code"]) == ("pending", "unavailable")
    assert (await objects_of(shop), len(await objects_of(other))) == ([], 1)
    # It would hold up the files of whatever test comes next.
    await shop.tenant.rows("delete from media_downloads where workspace_id = %(workspace)s")


async def one_turn(media: Media, shop: Shop, message: dict[str, Any]) -> str:
    """Claims, fetches and records one file as the loop does; what others left behind goes back."""
    claimed = await media.claim(1000, {})
    (job,) = [job for job in claimed if job["message_id"] == str(message["id"])]
    await media.release([row for row in claimed if row is not job])
    result = await media.run(job)
    assert result
    lease = {key: job[key] for key in ("message_id", "lease_token")}
    assert await media.record([lease | result]) == 1
    return str(result["outcome"])


async def claimed(media: Media, message: dict[str, Any]) -> dict[str, Any]:
    """The message's job; what others left behind goes back."""
    jobs = await media.claim(1000, {})
    (job,) = [job for job in jobs if job["message_id"] == str(message["id"])]
    await media.release([row for row in jobs if row is not job])
    return job
