"""Removals of files with workers that are stopped, killed, or still fetching what is to go."""

from __future__ import annotations

import signal

from tests.flows.pictures import objects_of, receive_picture
from tests.flows.programs import Programs
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
from tests.worker.conftest import Unkind


async def test_a_message_that_is_deleted_while_its_file_is_fetched_leaves_no_orphan(
    shop: Shop, programs: Programs
) -> None:
    await programs.worker()
    await shop.business.fault("download", {"stall": {"after_bytes": 1000, "seconds": 1}}, times=1)
    message = await receive_picture(shop)
    await until(lambda: shop.business.seen("requests", operation="download"))
    await delete_message(shop, str(message["id"]))
    # Its worker knows nothing of it, and stores the file.
    await until(lambda: objects_of(shop))
    assert len(await queued_removals(shop)) == 1
    await time_passes(shop, "available_at")
    await until_gone(shop)
    await until(lambda: removals_of(shop, leased=False))
    await time_passes(shop, "available_at", "watch_until")
    await until(lambda: queued_removals(shop), lambda queued: not queued)


async def test_a_worker_that_is_stopped_or_killed_in_the_middle_leaves_it_to_the_next(
    shop: Shop, programs: Programs, unkind: Unkind
) -> None:
    worker = await programs.worker(WORKER_GRACE_SECONDS="0.2")
    message_id = await stored_picture(shop)
    await unkind("storage", delay_ms=8000)
    await delete_message(shop, message_id)
    await until(lambda: removals_of(shop, leased=True))
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert await removals_of(shop, leased=True) == []
    worker = await programs.worker()
    await until(lambda: removals_of(shop, leased=True))
    await worker.kill()
    await unkind("storage", delay_ms=0)
    await time_passes(shop, "available_at")
    await programs.worker()
    await until_gone(shop)
    await until(lambda: queued_removals(shop), lambda queued: not queued)


async def test_files_leave_when_their_workspace_keeps_them_no_longer(shop: Shop, programs: Programs) -> None:
    worker = await programs.worker()
    message_id = await stored_picture(shop)
    await worker.kill()
    await shop.tenant.rows("update workspaces set media_retention_days = 7 where id = %(workspace)s")
    await shop.tenant.rows(
        "update messages set occurred_at = now() - interval '8 days' where id = %(id)s", id=message_id
    )
    await programs.worker()
    message = await shop.tenant.until_message(message_id, lambda row: row["media_status"] == "expired")
    assert (message["media_path"], message["media_error"]["code"]) == (None, "retention")
    await until_gone(shop)
