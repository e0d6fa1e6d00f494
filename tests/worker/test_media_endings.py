"""A worker that is stopped or killed in the middle of a download: the file is fetched by the next."""

from __future__ import annotations

import hashlib
import random
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Project
from tests.flows.flaky_gateway import GARBAGE, FlakyGateway
from tests.flows.pictures import PICTURE, objects_of, receive_document, receive_picture, until_media
from tests.flows.programs import Program, Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.conftest import Unkind

MEBIBYTE = 1024 * 1024
BOOK = (b"%PDF-1.7\n" + random.Random(4).randbytes(14 * MEBIBYTE))[: 14 * MEBIBYTE]
# More than a block of the spool behind the second piece, which is all there by then.
STALLS_IN_THE_END = {"stall": {"after_bytes": 12 * MEBIBYTE + 1_800_000, "seconds": 30}}
Counts = Callable[[], Awaitable[dict[str, int]]]


@pytest.fixture
async def counts(project: Project, http: httpx.AsyncClient, unkind: Unkind) -> Counts:
    """What Storage has been asked for in this test."""

    async def show() -> dict[str, int]:
        told: dict[str, int] = (await http.get(f"{project.url}/_devstack/storage")).json()["counts"]
        return told

    await unkind("storage", counts={})
    return show


async def expire_lease(shop: Shop) -> None:
    """A download's lease is five minutes; nobody here waits that long."""
    await shop.tenant.rows("update media_downloads set lease_expires_at = now() where workspace_id = %(workspace)s")


async def test_a_worker_killed_while_downloading_leaves_the_file_to_the_next(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 1000, "seconds": 30}}, times=1)
    worker = await programs.worker()
    message = await receive_picture(shop)
    await until(lambda: shop.business.seen("requests", operation="download"), within=30)
    await worker.kill()
    await expire_lease(shop)
    await programs.worker()
    await until_media(shop, message, "stored")
    assert len(await objects_of(shop)) == 1


async def test_sigterm_gives_an_unfinished_download_back_at_no_cost(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 1000, "seconds": 30}}, times=1)
    worker = await programs.worker(WORKER_GRACE_SECONDS="0.2")
    message = await receive_picture(shop)
    await until(lambda: shop.business.seen("requests", operation="download"), within=30)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    (job,) = await shop.tenant.rows(
        "select attempts, lease_token from media_downloads where workspace_id = %(workspace)s"
    )
    assert (job, (await shop.tenant.message(str(message["id"])))["media_status"]) == (
        {"attempts": 0, "lease_token": None},
        "pending",
    )


async def test_a_worker_killed_between_two_pieces_leaves_a_file_that_the_next_stores_once(
    shop: Shop, programs: Programs, counts: Counts
) -> None:
    await shop.business.fault("download", STALLS_IN_THE_END, times=1)
    worker = await programs.worker()
    message = await receive_document(shop, BOOK)
    await until(counts, lambda told: told.get("bytes", 0) >= 12 * MEBIBYTE)
    await worker.kill()
    assert await objects_of(shop) == []
    await expire_lease(shop)
    await programs.worker()
    stored = await until_media(shop, message, "stored")
    assert (stored["media_sha256"], await objects_of(shop)) == (
        hashlib.sha256(BOOK).hexdigest(),
        [stored["media_path"]],
    )


async def test_sigterm_between_two_pieces_takes_the_upload_back(shop: Shop, programs: Programs, counts: Counts) -> None:
    await shop.business.fault("download", STALLS_IN_THE_END, times=1)
    worker = await programs.worker(WORKER_GRACE_SECONDS="0.2")
    message = await receive_document(shop, BOOK)
    await until(counts, lambda told: told.get("bytes", 0) >= 12 * MEBIBYTE)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    assert ((await counts())["DELETE resumable"], await objects_of(shop)) == (1, [])
    assert (await shop.tenant.message(str(message["id"])))["media_status"] == "pending"


async def test_two_workers_at_one_file_leave_one_object_and_one_record(
    shop: Shop, programs: Programs, counts: Counts
) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": 1000, "seconds": 2}}, times=1)
    slow = await programs.worker()
    message = await receive_picture(shop)
    await until(lambda: shop.business.seen("requests", operation="download"), within=30)
    slow.signal(signal.SIGSTOP)
    await expire_lease(shop)
    await programs.worker()
    stored = await until_media(shop, message, "stored")
    slow.signal(signal.SIGCONT)
    await until(counts, lambda told: told.get("POST object") == 2)
    slow.signal(signal.SIGTERM)
    assert await slow.ended() == 0
    assert await shop.tenant.message(str(message["id"])) == stored
    assert await objects_of(shop) == [stored["media_path"]]


@pytest.mark.parametrize(
    ("told", "comes"),
    [
        ({}, {}),
        ({"file_size": None}, {}),
        ({"file_size": None, "sha256": None}, {}),
        # In chunks, so that nobody says how long it is.
        ({"file_size": None}, {"append": 1}),
    ],
)
async def test_a_file_above_the_limit_is_not_fetched_or_not_to_its_end(
    shop: Shop, other: Shop, programs: Programs, counts: Counts, told: dict[str, Any], comes: dict[str, int]
) -> None:
    await programs.worker(WORKER_MEDIA_LIMIT_MB="1")
    if comes:
        await shop.business.fault("download", comes)
    media = await shop.business.media_from_user(BOOK, "application/pdf")
    if told:
        body = (await shop.business.call("GET", f"/{media['id']}")).body | told
        await shop.business.fault("media_lookup", {"http": 200, "body": body})
    await shop.business.receive({"type": "document", "document": {"id": media["id"]}})
    (message,) = await shop.tenant.until_messages(bool)
    message = await until_media(shop, message, "failed")
    assert (message["media_error"]["code"], await objects_of(shop)) == ("too_large", [])
    assert len(await shop.business.seen("requests", operation="download")) == len(told and [1])
    assert "bytes" not in await counts()
    await until_media(other, await receive_picture(other), "stored")


@pytest.mark.parametrize("told", [{}, {"file_size": None}])
async def test_the_limit_itself_is_stored_and_a_byte_more_is_not(
    shop: Shop, other: Shop, programs: Programs, told: dict[str, Any]
) -> None:
    await programs.worker(WORKER_MEDIA_LIMIT_MB="1")
    for business, size, status in ((shop, MEBIBYTE, "stored"), (other, MEBIBYTE + 1, "failed")):
        media = await business.business.media_from_user(BOOK[:size], "application/pdf")
        if told:
            body = (await business.business.call("GET", f"/{media['id']}")).body | told
            await business.business.fault("media_lookup", {"http": 200, "body": body})
        await business.business.receive({"type": "document", "document": {"id": media["id"]}})
        (message,) = await business.tenant.until_messages(bool)
        await until_media(business, message, status)
    assert (len(await objects_of(shop)), await objects_of(other)) == (1, [])


async def test_a_hundred_megabytes_pass_through_little_memory_and_leave_no_file(
    shop: Shop, programs: Programs, tmp_path: Path
) -> None:
    worker = await programs.worker(TMPDIR=str(tmp_path))
    first = await until_media(shop, await receive_picture(shop), "stored")
    assert first["media_size"] == len(PICTURE)
    content = BOOK[:MEBIBYTE] * 100
    media = await shop.business.media_from_user(content, "application/pdf")
    reset_peak(worker)
    before = memory(worker, "VmRSS")
    await shop.business.receive({"type": "document", "document": {"id": media["id"]}})
    _, message = await shop.tenant.until_messages(lambda rows: len(rows) == 2)
    message = await until_media(shop, message, "stored", within=30)
    grown = memory(worker, "VmHWM") - before
    assert message["media_sha256"] == hashlib.sha256(content).hexdigest()
    assert grown < 32 * MEBIBYTE, f"{grown / MEBIBYTE:.0f} MiB"
    assert entries(tmp_path) == []


def entries(folder: Path) -> list[Path]:
    return list(folder.iterdir())


def reset_peak(worker: Program) -> None:
    Path(f"/proc/{worker.process.pid}/clear_refs").write_text("5")


def memory(worker: Program, name: str) -> int:
    """Bytes: VmRSS is what it has now, VmHWM the most it has had since the peak was reset."""
    told = Path(f"/proc/{worker.process.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", told, re.MULTILINE)
    assert found
    return int(found[1]) * 1024


async def test_a_page_that_answers_an_upload_stores_nothing_and_nothing_is_said_to_be_stored(
    shop: Shop, programs: Programs, gateway: FlakyGateway
) -> None:
    gateway.troubles[".jpg"] = GARBAGE
    await programs.worker(ready="process.started", SUPABASE_URL=gateway.url)
    message = await receive_picture(shop)
    # Both at once: the next try leaves the error where it is.
    waiting = await shop.tenant.until_message(
        str(message["id"]),
        lambda row: (row["media_error"] and row["media_status"] == "pending") or row["media_path"],
    )
    assert (waiting["media_status"], waiting["media_error"]["code"]) == ("pending", "unavailable")
    assert (waiting["media_path"], await objects_of(shop)) == (None, [])
    gateway.troubles.clear()
    stored = await until_media(shop, message, "stored")
    assert await objects_of(shop) == [stored["media_path"]]
