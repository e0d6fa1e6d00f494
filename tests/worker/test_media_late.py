"""A file that takes longer than its lease or its message lasts, before a worker in this process: nothing is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from store.connect import connect
from store.files import Files
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.pictures import PICTURE, objects_of, receive_document, receive_picture
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.test_media_bad_input import BOOK
from tests.worker.test_media_drip import claimed, one_turn
from whatsapp.upload import MEGABYTE
from worker import media as module
from worker.clients import Clients, provider_http
from worker.media import Media
from worker.settings import Settings


@pytest.fixture
async def media(project: Project, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Media]:
    """In life a file has to take a minute before its lease is asked for."""
    monkeypatch.setattr(module, "SURE_SECONDS", 0.5)
    settings = Settings.load()
    async with connect(project.url, project.service_role_key, connections=8) as rest, provider_http() as provider:
        rpc = Rpc(rest)
        yield Media(rpc, Clients(rpc, provider, settings), Files(rest, "whatsapp-media"), 2, 100 * MEGABYTE)


@pytest.mark.parametrize("raw", [PICTURE, BOOK], ids=["small", "large"])
@pytest.mark.parametrize("deletion", ["message", "workspace"])
async def test_a_file_whose_message_is_deleted_while_it_comes_is_not_stored(
    shop: Shop, media: Media, raw: bytes, deletion: str
) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 300_000, "seconds": 1.5}})
    job = await claimed(media, await receive_document(shop, raw))
    running = asyncio.create_task(media.run(job))
    await until(lambda: shop.business.seen("requests", operation="download"))
    if deletion == "message":
        await shop.tenant.rows("delete from messages where id = %(id)s", id=job["message_id"])
    else:
        await shop.tenant.rows("delete from workspaces where id = %(workspace)s")
    assert (await running, await objects_of(shop)) == (None, [])


async def test_who_has_lost_the_lease_stores_nothing_over_what_the_next_has_made_of_the_file(
    shop: Shop, media: Media
) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 300_000, "seconds": 1.5}}, times=1)
    message = await receive_picture(shop)
    job = await claimed(media, message)
    running = asyncio.create_task(media.run(job))
    await until(lambda: shop.business.seen("requests", operation="download"))
    await shop.tenant.rows("update media_downloads set lease_expires_at = now() where workspace_id = %(workspace)s")
    await media.sweep()
    await shop.business.fault("media_lookup", {"redirect": "https://elsewhere.example/"})
    assert await one_turn(media, shop, message) == "failed"
    assert (await running, await objects_of(shop)) == (None, [])
    assert (await shop.tenant.message(str(message["id"])))["media_status"] == "failed"


async def test_a_file_that_is_long_on_its_way_and_still_wanted_is_stored(shop: Shop, media: Media) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 300_000, "seconds": 1}}, times=1)
    message = await receive_document(shop, BOOK)
    assert await one_turn(media, shop, message) == "stored"
    assert len(await objects_of(shop)) == 1
