"""Files that are wrong, and days on which nothing works: each ends in its state, unseen until right; others go on."""

from __future__ import annotations

import hashlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Project
from tests.flows.pictures import (
    PICTURE,
    hurry,
    objects_of,
    receive_document,
    receive_picture,
    until_media,
    until_put_off,
    waits,
)
from tests.flows.shop import Shop
from tests.flows.stored_files import served
from tests.flows.waiting import until
from tests.worker.conftest import Unkind

pytestmark = pytest.mark.usefixtures("worker")

MEBIBYTE = 1024 * 1024
BOOK = (b"%PDF-1.7\n" + random.Random(2).randbytes(13 * MEBIBYTE))[: 13 * MEBIBYTE]
HTML = "<!doctype html><title>Please log in</title>"
NOTHING = hashlib.sha256(b"").hexdigest()


Storage = Callable[[], Awaitable[dict[str, int]]]


@pytest.fixture
async def storage(project: Project, http: httpx.AsyncClient, unkind: Unkind) -> Storage:
    """What Storage has been asked for in this test."""

    async def counts() -> dict[str, int]:
        told: dict[str, int] = (await http.get(f"{project.url}/_devstack/storage")).json()["counts"]
        return told

    await unkind("storage", counts={})
    return counts


async def lookups(shop: Shop) -> int:
    return len(await shop.business.seen("requests", operation="media_lookup"))


async def downloads(shop: Shop) -> int:
    return len(await shop.business.seen("requests", operation="download"))


@pytest.mark.parametrize(
    ("raw", "action", "lie"),
    [
        pytest.param(BOOK, {"http": 200, "body": HTML}, {}, id="html"),
        pytest.param(BOOK, {"http": 200, "body": ""}, {}, id="nothing"),
        pytest.param(BOOK, None, {"file_size": str(len(BOOK) - 1)}, id="longer"),
        pytest.param(BOOK, None, {"file_size": str(len(BOOK) + 1)}, id="shorter"),
        pytest.param(BOOK, None, {"sha256": NOTHING}, id="other content"),
        pytest.param(PICTURE, {"http": 200, "body": HTML}, {}, id="html, small"),
        pytest.param(PICTURE, {"http": 200, "body": ""}, {}, id="nothing, small"),
    ],
)
async def test_a_file_that_is_wrong_is_fetched_twice_then_corrupt_and_nobody_sees_a_piece(
    shop: Shop, other: Shop, raw: bytes, action: dict[str, Any] | None, lie: dict[str, str]
) -> None:
    if action:
        await shop.business.fault("download", action)
    message = await until_media(shop, await receive_document(shop, raw, **lie), "corrupt")
    assert (message["media_error"]["code"], message["media_path"], await lookups(shop)) == ("corrupt", None, 2)
    assert await objects_of(shop) == []
    await until_media(other, await receive_picture(other), "stored")


@pytest.mark.parametrize("options", [{"file_size": "0"}, {}])
async def test_an_empty_file_that_was_announced_as_one_is_stored(shop: Shop, options: dict[str, str]) -> None:
    message = await until_media(shop, await receive_picture(shop, b"", **options), "stored")
    assert (message["media_size"], message["media_sha256"]) == (0, NOTHING)
    assert await objects_of(shop) == [message["media_path"]]


async def test_a_line_that_is_always_cut_is_tried_again_ever_more_rarely(shop: Shop, other: Shop) -> None:
    await shop.business.fault("download", {"truncate": 1000})
    message = await receive_picture(shop)
    await until(lambda: downloads(shop), lambda count: count >= 3, within=30)
    # The file was asked for; the outcome of that try is written a moment later.
    message = await shop.tenant.until_message(str(message["id"]), lambda row: row["media_status"] == "pending")
    assert await waits(shop) > 2
    assert (message["media_error"]["code"], await objects_of(shop)) == ("unavailable", [])
    await until_media(other, await receive_picture(other), "stored")


async def test_a_large_file_whose_line_is_cut_leaves_nothing_of_what_had_gone_out(
    shop: Shop, other: Shop, storage: Storage
) -> None:
    await shop.business.fault("download", {"truncate": 10 * MEBIBYTE}, times=2)
    message = await receive_document(shop, BOOK)
    # A piece was there already each time; no other ever completes it.
    counts = await until(storage, lambda counts: counts.get("DELETE resumable", 0) == 2)
    assert counts["bytes"] == 2 * 6 * MEBIBYTE
    assert await objects_of(shop) == []
    await until_media(other, await receive_picture(other), "stored")
    stored = await until_media(shop, message, "stored", within=20)
    assert (stored["media_sha256"], await downloads(shop)) == (hashlib.sha256(BOOK).hexdigest(), 3)


async def test_a_file_that_stops_in_the_middle_holds_up_nobody_and_is_stored_when_it_goes_on(
    shop: Shop, other: Shop
) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 10 * MEBIBYTE, "seconds": 7}}, times=1)
    message = await receive_document(shop, BOOK)
    await until(lambda: downloads(shop))
    await until_media(other, await receive_picture(other), "stored", within=6)
    assert (await shop.tenant.message(str(message["id"])))["media_status"] == "downloading"
    stored = await until_media(shop, message, "stored", within=30)
    assert (stored["media_sha256"], await downloads(shop)) == (hashlib.sha256(BOOK).hexdigest(), 1)


async def test_an_address_that_is_too_old_is_asked_for_anew(shop: Shop, other: Shop) -> None:
    await shop.business.fault("download", {"http": 404, "delay_ms": 800}, times=2)
    message = await receive_picture(shop)
    await until_media(other, await receive_picture(other), "stored")
    await until_media(shop, message, "stored")
    assert (await lookups(shop), await downloads(shop)) == (3, 3)


async def test_a_redirect_is_not_followed_and_ends_the_file(shop: Shop) -> None:
    await shop.business.fault("download", {"http": 302})
    message = await until_media(shop, await receive_picture(shop), "failed")
    assert (message["media_error"]["code"], await lookups(shop)) == ("redirected", 1)


async def test_what_whatsapp_refuses_is_asked_three_times_with_minutes_between(shop: Shop) -> None:
    await shop.business.fault("media_lookup", {"http": 422, "body": {"error": {"code": 131009, "message": "no"}}})
    message = await receive_picture(shop)
    for asked in (1, 2, 3):
        await until(lambda: lookups(shop), lambda count, asked=asked: count == asked)
        if asked < 3:
            await shop.tenant.until_message(str(message["id"]), lambda row: row["media_status"] == "pending")
            assert await waits(shop) > 60
            await hurry(shop)
    message = await until_media(shop, message, "failed")
    assert message["media_error"] == {"code": "131009", "title": "no"}


async def test_what_whatsapp_is_too_busy_for_waits_as_long_as_it_says(shop: Shop) -> None:
    await shop.business.fault("media_lookup", {"http": 429, "retry_after": 50}, times=1)
    message = await receive_picture(shop)
    await shop.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    assert 40 < await waits(shop) <= 50


async def test_while_whatsapp_is_too_busy_for_a_number_its_files_do_not_all_ask(shop: Shop, other: Shop) -> None:
    await shop.business.fault("media_lookup", {"http": 429, "retry_after": 5})
    media = await shop.business.media_from_user(PICTURE)
    for _ in range(8):
        await shop.business.receive({"type": "image", "image": {"id": media["id"]}})
    messages = await shop.tenant.until_messages(
        lambda rows: len(rows) == 8 and all(row["media_error"] for row in rows), within=20
    )
    assert {(row["media_status"], row["media_error"]["code"]) for row in messages} == {("pending", "429")}
    # As many as a worker has on the wire at one time.
    assert await lookups(shop) <= 4
    await until_media(other, await receive_picture(other), "stored")
    await shop.business.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": shop.business.id})
    await shop.tenant.until_messages(lambda rows: {row["media_status"] for row in rows} == {"stored"}, within=20)


async def test_a_key_that_is_changed_in_the_middle_is_taken_up_at_once(shop: Shop) -> None:
    await shop.business.fault("media_lookup", {"http": 503}, times=1)
    message = await receive_picture(shop)
    await shop.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    await shop.business.control("numbers", api_key=f"new-{shop.business.id}")
    await shop.tenant.set_credential(f"new-{shop.business.id}")
    assert (await shop.business.call("GET", "/1")).status == 401, "the worker knows a key that is good for nothing"
    # It would be known for half a minute.
    await until_media(shop, message, "stored")


async def test_with_a_key_that_is_refused_the_file_waits_for_another(shop: Shop, other: Shop) -> None:
    message = await receive_picture(shop)
    await until_media(shop, message, "stored")
    await shop.business.fault("media_lookup", {"error": 190})
    await shop.business.receive(
        {"type": "image", "image": {"id": (await shop.business.media_from_user(PICTURE))["id"]}}
    )
    _, message = await shop.tenant.until_messages(lambda rows: len(rows) == 2)
    message = await shop.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    assert (message["media_status"], message["media_error"]["code"]) == ("pending", "190")
    assert await waits(shop) > 200
    await until_media(other, await receive_picture(other), "stored")


async def test_while_storage_has_no_room_files_wait_and_come_later(shop: Shop, unkind: Unkind) -> None:
    await unkind("storage", full=True)
    message = await receive_picture(shop)
    message = await until_put_off(shop, message)
    assert message["media_error"]["code"] == "unavailable"
    assert await objects_of(shop) == []
    await unkind("storage", full=False)
    await until_media(shop, message, "stored")


async def test_a_storage_that_is_down_for_long_costs_no_file(shop: Shop, unkind: Unkind) -> None:
    await unkind("storage", down=True)
    message = await receive_picture(shop)
    await until(lambda: downloads(shop), lambda count: count >= 3, within=30)
    # However long it was: what goes wrong then has all of its tries.
    await shop.business.fault("download", {"http": 200, "body": HTML}, times=1)
    await shop.tenant.rows("update media_downloads set attempts = 3000 where workspace_id = %(workspace)s")
    await unkind("storage", down=False)
    await hurry(shop)
    await until_media(shop, message, "stored", within=20)
    assert len(await objects_of(shop)) == 1


@pytest.fixture
async def small_bucket(shop: Shop) -> AsyncIterator[None]:
    """A bucket that takes a megabyte at most."""
    await shop.tenant.rows("update storage.buckets set file_size_limit = 1048576 where id = 'whatsapp-media'")
    yield
    await shop.tenant.rows("update storage.buckets set file_size_limit = null where id = 'whatsapp-media'")


@pytest.mark.usefixtures("small_bucket")
@pytest.mark.parametrize("size", [2 * MEBIBYTE, 13 * MEBIBYTE])
async def test_what_the_bucket_does_not_take_fails_at_once(shop: Shop, size: int) -> None:
    message = await until_media(shop, await receive_document(shop, BOOK[:size]), "failed")
    assert (message["media_error"]["code"], await lookups(shop)) == ("too_large", 1)
    assert await objects_of(shop) == []


Content = Callable[[dict[str, Any]], Awaitable[tuple[bytes, str]]]


@pytest.fixture
async def content(project: Project, http: httpx.AsyncClient) -> Content:
    """What Storage gives for a message's file, and as which type."""

    async def get(message: dict[str, Any]) -> tuple[bytes, str]:
        stored = await served(project, http, message["media_path"])
        return stored.content, stored.headers["content-type"]

    return get


async def test_a_large_file_whose_upload_is_cut_again_and_again_is_fetched_once(
    shop: Shop, unkind: Unkind, storage: Storage, content: Content
) -> None:
    await unkind("storage", cut_uploads_after=4 * MEBIBYTE)
    message = await until_media(shop, await receive_document(shop, BOOK), "stored", within=20)
    assert ((await storage())["bytes"], await downloads(shop)) == (len(BOOK), 1)
    assert await content(message) == (BOOK, "application/pdf")


async def test_a_large_file_whose_upload_is_forgotten_halfway_is_fetched_and_sent_anew(
    shop: Shop, unkind: Unkind, storage: Storage, content: Content
) -> None:
    await unkind("storage", forget_next=1)
    message = await until_media(shop, await receive_document(shop, BOOK), "stored", within=20)
    assert ((await storage())["POST resumable"], await downloads(shop)) == (2, 2)
    assert await content(message) == (BOOK, "application/pdf")
