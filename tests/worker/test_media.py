"""From a picture in a webhook to an object in the bucket: whole, proven, or not shown at all."""

from __future__ import annotations

import hashlib
from typing import Any

import httpx
import pytest

from tests.conftest import Project
from tests.flows.pictures import PICTURE, objects_of, receive_picture, until_media, until_put_off
from tests.flows.shop import Shop
from tests.flows.stored_files import served
from tests.whatsapp.scripted import answer, serving
from tests.worker.conftest import Unkind

pytestmark = pytest.mark.usefixtures("worker")


async def test_a_picture_is_stored_byte_for_byte(shop: Shop, project: Project, http: httpx.AsyncClient) -> None:
    message = await until_media(shop, await receive_picture(shop), "stored")
    digest = hashlib.sha256(PICTURE).hexdigest()
    assert (message["type"], message["content"]) == ("image", {"caption": "look"})
    assert (message["media_size"], message["media_sha256"]) == (len(PICTURE), digest)
    assert (message["media_mime_type"], message["media_error"]) == ("image/jpeg", None)
    assert (message["media_width"], message["media_height"]) == (640, 480)
    path = f"{shop.tenant.workspace_id}/{message['conversation_id']}/{message['id']}.jpg"
    assert (message["media_path"], await objects_of(shop)) == (path, [path])
    stored = await served(project, http, path)
    assert (stored.content, stored.headers["content-type"]) == (PICTURE, "image/jpeg")
    assert await shop.tenant.rows("select 1 from media_downloads where workspace_id = %(workspace)s") == []


async def test_a_number_that_may_not_send_still_gets_its_pictures(shop: Shop) -> None:
    await shop.tenant.rows("select pause_connection(%(connection)s, 'payment')")
    await until_media(shop, await receive_picture(shop), "stored")


@pytest.mark.parametrize("lie", [{"sha256": "00" * 32}, {"file_size": "9"}])
async def test_a_file_that_is_not_what_was_announced_is_corrupt_and_not_shown(shop: Shop, lie: dict[str, Any]) -> None:
    message = await until_media(shop, await receive_picture(shop, **lie), "corrupt")
    assert (message["media_error"]["code"], message["media_path"]) == ("corrupt", None)
    assert await objects_of(shop) == []


@pytest.mark.parametrize(
    "url", ["{stranger}/whatsapp_business/attachments/?mid=1", "https://[", "//x", "file:///etc/passwd"]
)
async def test_a_file_offered_at_a_foreign_host_fails_and_nobody_gets_the_key(shop: Shop, url: str) -> None:
    async with serving(answer(200, "bait")) as stranger:
        body = {"url": url.format(stranger=stranger.url), "mime_type": "image/jpeg"}
        await shop.business.fault("media_lookup", {"http": 200, "body": body})
        message = await until_media(shop, await receive_picture(shop), "failed")
    assert (message["media_error"]["code"], stranger.requests) == ("foreign_host", [])
    assert await objects_of(shop) == []


async def test_a_file_that_the_provider_has_forgotten_is_expired(shop: Shop) -> None:
    message = await until_media(shop, await receive_picture(shop, expires_in="0"), "expired")
    assert message["media_error"]["code"] == "gone"
    # 360dialog asks not to hammer what answers with an error.
    assert len(await shop.business.seen("requests", operation="media_lookup")) == 2


@pytest.mark.parametrize(
    ("operation", "action"),
    [
        ("download", {"truncate": 1000}),
        ("download", {"cut": "before"}),
        ("download", {"http": 404}),
        ("download", {"http": 503}),
        ("media_lookup", {"cut": "before"}),
        ("media_lookup", {"error": 131000}),
        ("media_lookup", {"http": 200, "body": "<html>"}),
    ],
)
async def test_a_download_that_goes_wrong_once_is_tried_again(
    shop: Shop, operation: str, action: dict[str, Any]
) -> None:
    await shop.business.fault(operation, action, times=1)
    await until_media(shop, await receive_picture(shop), "stored")
    assert len(await objects_of(shop)) == 1


async def test_while_storage_is_down_the_file_waits_and_is_stored_later(shop: Shop, unkind: Unkind) -> None:
    await unkind("storage", down=True)
    message = await receive_picture(shop)
    await until_put_off(shop, message)
    assert await objects_of(shop) == []
    await unkind("storage", down=False)
    await until_media(shop, message, "stored")
    assert len(await objects_of(shop)) == 1


async def test_an_upload_that_is_cut_off_leaves_one_whole_object_in_the_end(shop: Shop, unkind: Unkind) -> None:
    await unkind("storage", cut_uploads_after=100_000)
    message = await receive_picture(shop)
    waiting = await shop.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    assert (waiting["media_path"], await objects_of(shop)) == (None, [])
    await unkind("storage", reset=True)
    stored = await until_media(shop, message, "stored")
    assert (stored["media_size"], len(await objects_of(shop))) == (len(PICTURE), 1)
