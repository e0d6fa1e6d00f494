"""Who deletes a message or a workspace deletes its files: soon, however Storage feels, and nobody else's."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.flows.outgoing_files import Drawer
from tests.flows.pictures import objects_of
from tests.flows.removals import (
    delete_message,
    queued_removals,
    removals_of,
    stored_picture,
    time_passes,
    until_gone,
)
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.store.tenant import put_object
from tests.worker.conftest import Unkind

PHOTO = b"\xff\xd8\xff\xe0 a picture"

pytestmark = pytest.mark.usefixtures("worker")


@pytest.fixture
async def drawer(shop: Shop, project: Project, http: httpx.AsyncClient) -> Drawer:
    return Drawer(shop, project, http)


async def test_a_message_that_is_deleted_takes_its_file_along(shop: Shop) -> None:
    first, second = await stored_picture(shop), await _second(shop)
    assert len(await objects_of(shop)) == 2
    await delete_message(shop, first)
    left = await until(lambda: objects_of(shop), lambda names: len(names) == 1)
    assert second in left[0]
    await until(lambda: queued_removals(shop), lambda queued: not queued)


async def _second(shop: Shop) -> str:
    """Another picture, of the same person."""
    media = await shop.business.media_from_user(PHOTO)
    await shop.business.receive({"type": "image", "image": {"id": media["id"]}})
    messages = await shop.tenant.until_messages(
        lambda rows: len(rows) == 2 and all(row["media_status"] == "stored" for row in rows)
    )
    return str(messages[-1]["id"])


async def test_a_workspace_that_is_deleted_takes_all_its_files_along_and_no_others(
    shop: Shop, other: Shop, drawer: Drawer
) -> None:
    await stored_picture(shop)
    await drawer.put("2026/photo.jpg", PHOTO, "image/jpeg")
    await stored_picture(other)
    async with shop.tenant.database() as session:
        await session.execute("delete from workspaces where id = %s", [shop.tenant.workspace_id])
    assert await queued_removals(shop) == [f"{shop.tenant.workspace_id}/"]
    await time_passes(shop, "available_at")
    await until_gone(shop)
    # Something that was on its way all the while.
    await drawer.put("late.jpg", PHOTO, "image/jpeg")
    await until(lambda: removals_of(shop, leased=False))
    await time_passes(shop, "available_at", "watch_until")
    await until_gone(shop)
    await until(lambda: queued_removals(shop), lambda queued: not queued)
    assert len(await objects_of(other)) == 1


async def test_what_the_worker_removes_has_more_pages_than_one(shop: Shop, other: Shop, database: Connect) -> None:
    async with database() as session:
        for number in range(600):
            await put_object(session, f"{shop.tenant.workspace_id}/none/{number}.jpg")
        await put_object(session, f"{other.tenant.workspace_id}/none/1.jpg")
        await session.execute("delete from workspaces where id = %s", [shop.tenant.workspace_id])
    await time_passes(shop, "available_at")
    await until_gone(shop)
    assert len(await objects_of(other)) == 1


async def test_a_file_that_was_sent_goes_with_the_last_message_that_names_it(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    kept = await drawer.put("other.jpg", PHOTO, "image/jpeg")
    messages = [await drawer.send("image", {"path": path}) for _ in range(2)]
    for message_id in messages:
        await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    await delete_message(drawer.shop, messages[0])
    await until(lambda: queued_removals(drawer.shop), lambda queued: not queued)
    assert await objects_of(drawer.shop) == [kept, path]
    await delete_message(drawer.shop, messages[1])
    await until(lambda: objects_of(drawer.shop), lambda names: names == [kept])


async def test_while_storage_is_down_a_removal_waits_and_says_why(shop: Shop, unkind: Unkind) -> None:
    message_id = await stored_picture(shop)
    await unkind("storage", down=True)
    await delete_message(shop, message_id)
    queued = await until(lambda: queued_removals(shop), lambda queued: queued and queued[0].endswith("SlowDown"))
    assert len(queued) == len(await objects_of(shop)) == 1
    await unkind("storage", down=False)
    await until_gone(shop)
    await until(lambda: queued_removals(shop), lambda queued: not queued)


async def test_an_object_that_somebody_else_has_removed_counts_as_removed(shop: Shop, drawer: Drawer) -> None:
    await shop.tenant.rows(
        "select private.queue_removal(%(workspace)s::text || '/outgoing/none.jpg', %(workspace)s::uuid)",
    )
    await until(lambda: queued_removals(shop), lambda queued: not queued)


async def test_a_large_workspace_that_its_owner_deletes_is_nobodys_at_once_and_gone_soon(shop: Shop) -> None:
    await stored_picture(shop)
    await shop.tenant.rows(
        "insert into messages (workspace_id, connection_id, direction, type, content)"
        " select %(workspace)s, %(connection)s, 'inbound', 'text', '{\"body\": \"hello\"}'"
        " from generate_series(1, 16000)"
    )
    async with shop.tenant.database() as session, session.transaction():
        # Before the commit: the worker goes on with it at any moment after.
        await session.execute("select delete_workspace(%s)", [shop.tenant.workspace_id])
        left = await session.execute("select id from messages where workspace_id = %s", [shop.tenant.workspace_id])
        assert left.rowcount > 5000
    await until(
        lambda: shop.tenant.rows("select id from workspaces where id = %(workspace)s"),
        lambda found: not found,
        within=30,
    )
    assert not await shop.tenant.rows("select id from messages where workspace_id = %(workspace)s")
    removals = await shop.tenant.rows("select prefix from private.media_removals where workspace_id = %(workspace)s")
    assert [row["prefix"] for row in removals] == [f"{shop.tenant.workspace_id}/"]
