"""A lease is what allows a send: kept by heartbeats, and nothing is begun on one that may be somebody else's by now."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from store.connect import connect
from store.files import Files
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.test_loop import Deaf
from worker import attachments, loop, outbound
from worker.attachments import LEASE_SECONDS, Attachments
from worker.clients import Clients, provider_http
from worker.loop import Loop, lease_of
from worker.outbound import Outbound
from worker.settings import Settings


@pytest.fixture
async def queue(project: Project) -> AsyncIterator[Outbound]:
    """The worker's own, in this process."""
    async with connect(project.url, project.service_role_key, connections=8) as rest, provider_http() as provider:
        rpc = Rpc(rest)
        yield Outbound(
            rpc, Clients(rpc, provider, Settings.load()), Attachments(rpc, Files(rest, "whatsapp-media")), slots=4
        )


async def claimed_of(queue: Outbound, shop: Shop) -> dict[str, Any]:
    """The shop's one message, claimed; what others left behind goes back."""
    claimed = await queue.claim(1000, {})
    (job,) = [job for job in claimed if job["workspace_id"] == shop.tenant.workspace_id]
    await queue.release([lease_of(row) for row in claimed if row is not job])
    return job


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Moves the worker's clock."""

    def move(seconds: float) -> None:
        now = outbound.moment
        monkeypatch.setattr(outbound, "moment", lambda: now() + seconds)

    return move


async def test_a_process_that_was_stopped_for_as_long_as_its_lease_begins_nothing(
    shop: Shop, queue: Outbound, pass_time: Any
) -> None:
    """By now it may be uncertain, given up and sent once more by hand."""
    message_id = await shop.queue_text()
    job = await claimed_of(queue, shop)
    pass_time(LEASE_SECONDS + 1)
    assert await queue.run(job) is None
    assert await queue.release([lease_of(job)]) == 1
    assert (await shop.sends(), (await shop.tenant.message(message_id))["status"]) == (0, "queued")


async def test_a_heartbeat_that_was_answered_prolongs_it(shop: Shop, queue: Outbound, pass_time: Any) -> None:
    await shop.business.behave(statuses=[])
    await shop.queue_text()
    job = await claimed_of(queue, shop)
    pass_time(LEASE_SECONDS - 1)
    assert await queue.extend([lease_of(job)]) == 1
    pass_time(LEASE_SECONDS - 1)
    result = await queue.run(job)
    assert (result or {})["outcome"] == "done"
    assert await queue.record([lease_of(job) | (result or {})]) == 1


async def test_a_heartbeat_that_finds_a_lease_gone_prolongs_nothing(
    shop: Shop, queue: Outbound, pass_time: Any
) -> None:
    await shop.queue_text()
    job = await claimed_of(queue, shop)
    await shop.tenant.rows(
        "update outbox set lease_token = gen_random_uuid() where message_id = %(id)s", id=job["message_id"]
    )
    pass_time(LEASE_SECONDS - 1)
    assert await queue.extend([lease_of(job)]) == 0
    pass_time(2)
    assert (await queue.run(job), await shop.sends()) == (None, 0)
    await shop.tenant.rows("delete from messages where id = %(id)s", id=job["message_id"])


@pytest.mark.parametrize(
    ("beat_seconds", "lease_seconds", "delay_ms", "ending"),
    # As much time as a busy machine may need: between a beat and the lease's end, or for a sweep before the answer.
    [(0.3, 4, 6000, "sent"), (60.0, 2, 5000, "uncertain")],
)
async def test_a_send_that_takes_longer_than_its_lease_keeps_it_by_heartbeats(
    beat_seconds: float,
    lease_seconds: int,
    delay_ms: int,
    ending: str,
    shop: Shop,
    queue: Outbound,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In life a lease is 90 seconds and a beat 30."""
    for module in (outbound, attachments):
        monkeypatch.setattr(module, "LEASE_SECONDS", lease_seconds)
    monkeypatch.setattr(loop, "BEAT_SECONDS", beat_seconds)
    monkeypatch.setattr(loop, "SWEEP_SECONDS", 0.2)
    await shop.business.behave(statuses=[])
    await shop.business.fault("messages", {"delay_ms": delay_ms})
    message_id = await shop.queue_text()
    working = Loop(queue)
    running = asyncio.create_task(working.run(Deaf(), grace_seconds=10))
    seen: set[str] = set()

    async def status() -> str:
        told = str((await shop.tenant.message(message_id))["status"])
        seen.add(told)
        return told

    await until(status, lambda told: told in ("sent", "uncertain"), within=30)
    working.stop()
    await running
    assert (ending in seen, await shop.sends()) == (True, 1)
    assert ("uncertain" in seen) == (ending == "uncertain")
