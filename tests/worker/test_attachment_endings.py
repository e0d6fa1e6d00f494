"""A worker that is stopped or killed while it uploads a file, or that has to upload a large one."""

from __future__ import annotations

import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import Project
from tests.flows.outgoing_files import Drawer
from tests.flows.programs import Program, Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.test_endings import expire_lease

MEGABYTE = 1024 * 1024


@pytest.fixture
async def drawer(shop: Shop, project: Project, http: httpx.AsyncClient) -> Drawer:
    return Drawer(shop, project, http)


async def test_a_message_whose_upload_was_cut_off_by_sigkill_goes_out_once_and_is_never_in_doubt(
    drawer: Drawer, programs: Programs
) -> None:
    message_id = await _cut_off(drawer, await programs.worker())
    await expire_lease(drawer.shop, message_id)
    await programs.worker()
    message = await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] != "sending")
    assert message["status"] != "uncertain"
    await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    assert await drawer.shop.sends() == 1


async def test_who_has_lost_the_lease_while_uploading_does_not_send(drawer: Drawer, programs: Programs) -> None:
    worker = await programs.worker()
    await drawer.shop.business.fault("media", {"delay_ms": 3000}, times=1)
    message_id = await drawer.send("image", {"path": await drawer.put("photo.jpg", b"a picture", "image/jpeg")})
    await until(drawer.uploads)
    worker.signal(signal.SIGSTOP)
    await expire_lease(drawer.shop, message_id)
    await programs.worker()
    await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    worker.signal(signal.SIGCONT)
    bystander = await drawer.shop.queue_text("somebody has woken up")
    await drawer.shop.tenant.until_message(bystander, lambda row: row["status"] == "read")
    await worker.until_said("media.uploaded")
    worker.signal(signal.SIGTERM)
    assert (await worker.ended(), await drawer.shop.sends()) == (0, 2)


async def test_sigterm_gives_a_message_whose_upload_is_cut_off_back_at_no_cost(
    drawer: Drawer, programs: Programs
) -> None:
    await drawer.shop.business.fault("media", {"hang": 60}, times=1)
    worker = await programs.worker(WORKER_GRACE_SECONDS="0.2")
    message_id = await drawer.send("image", {"path": await drawer.put("photo.jpg", b"a picture", "image/jpeg")})
    await until(drawer.uploads)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    (item,) = await drawer.shop.tenant.rows("select attempts from outbox where message_id = %(id)s", id=message_id)
    assert (item["attempts"], (await drawer.shop.tenant.message(message_id))["status"]) == (0, "queued")


async def test_a_large_document_passes_through_little_memory(drawer: Drawer, programs: Programs) -> None:
    worker = await programs.worker()
    await drawer.sent("document", {"path": await drawer.put("small.pdf", b"%PDF", "application/pdf")})
    path = await drawer.put("large.pdf", _zeros(50), "application/pdf")
    _reset_peak(worker)
    before = _memory(worker, "VmRSS")
    message_id = await drawer.send("document", {"path": path})
    await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "read", within=30)
    grown = _memory(worker, "VmHWM") - before
    assert grown < 32 * MEGABYTE, f"{grown / MEGABYTE:.0f} MB"


async def _cut_off(drawer: Drawer, worker: Program) -> str:
    """A message whose worker was killed in the middle of its upload."""
    await drawer.shop.business.fault("media", {"hang": 60}, times=1)
    message_id = await drawer.send("image", {"path": await drawer.put("photo.jpg", b"a picture", "image/jpeg")})
    await until(drawer.uploads)
    await worker.kill()
    assert (await drawer.shop.tenant.message(message_id))["status"] == "sending"
    return message_id


async def _zeros(megabytes: int) -> AsyncIterator[bytes]:
    for _ in range(megabytes):
        yield bytes(MEGABYTE)


def _reset_peak(worker: Program) -> None:
    Path(f"/proc/{worker.process.pid}/clear_refs").write_text("5")


def _memory(worker: Program, name: str) -> int:
    """Bytes: VmRSS is what it has now, VmHWM the most it has had since the peak was reset."""
    told = Path(f"/proc/{worker.process.pid}/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", told, re.MULTILINE)
    assert found
    return int(found[1]) * 1024
