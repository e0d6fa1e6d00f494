"""A worker that is stopped or killed in the middle of a download: the file is fetched by the next."""

from __future__ import annotations

import signal

from tests.flows.pictures import objects_of, receive_picture, until_media
from tests.flows.programs import Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until


async def test_a_worker_killed_while_downloading_leaves_the_file_to_the_next(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 1000, "seconds": 30}}, times=1)
    worker = await programs.worker()
    message = await receive_picture(shop)
    await until(lambda: shop.business.seen("requests", operation="download"))
    await worker.kill()
    # A download's lease is five minutes; nobody here waits that long.
    await shop.tenant.rows("update media_downloads set lease_expires_at = now() where workspace_id = %(workspace)s")
    await programs.worker()
    await until_media(shop, message, "stored")
    assert len(await objects_of(shop)) == 1


async def test_sigterm_gives_an_unfinished_download_back_at_no_cost(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 1000, "seconds": 30}}, times=1)
    worker = await programs.worker(WORKER_GRACE_SECONDS="0.2")
    message = await receive_picture(shop)
    await until(lambda: shop.business.seen("requests", operation="download"))
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    (job,) = await shop.tenant.rows(
        "select attempts, lease_token from media_downloads where workspace_id = %(workspace)s"
    )
    assert (job, (await shop.tenant.message(str(message["id"])))["media_status"]) == (
        {"attempts": 0, "lease_token": None},
        "pending",
    )
