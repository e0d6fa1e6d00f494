"""The doorbell over its life: renewed before a key's 24 hours are over, and mistrusted while it is slow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from structlog.testing import capture_logs

from store import realtime
from store.connect import connect
from store.realtime import Doorbell
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.waiting import until
from tests.worker.conftest import Unkind
from tests.worker.test_loop import Waiting
from worker.loop import POLL_SECONDS, Loop


@asynccontextmanager
async def hung_up(project: Project, answer_after: float = 0.0) -> AsyncIterator[tuple[Doorbell, Loop]]:
    """A doorbell and the loop of a queue that it rings for, in this process."""
    queue = Waiting()
    queue.left = []
    loop = Loop(queue)
    async with connect(project.url, project.service_role_key) as rest:

        async def canary() -> str:
            inserted = await Rpc(rest).ring_doorbell()
            await asyncio.sleep(answer_after)
            return inserted

        doorbell = Doorbell(project.url, project.service_role_key, {"outbox": loop.ring}, canary)
        ringing, working = asyncio.create_task(doorbell.run()), asyncio.create_task(loop.run(doorbell, 0))
        try:
            yield doorbell, loop
        finally:
            loop.stop()
            ringing.cancel()
            await asyncio.gather(ringing, working, return_exceptions=True)


async def sockets(project: Project, http: httpx.AsyncClient) -> int:
    return int((await http.get(f"{project.url}/_devstack/realtime")).json()["sockets"])


async def test_it_is_renewed_before_the_key_ends_its_socket_and_rings_as_before(
    project: Project, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In life after 23 hours: a day is what a socket opened with a project's key has."""
    assert realtime.MAX_AGE < 24 * 3600
    # Long enough for a canary on a busy machine: a socket on which none was heard is down, not renewed.
    monkeypatch.setattr(realtime, "MAX_AGE", 2.0)
    monkeypatch.setattr(realtime, "CANARY_SECONDS", 0.1)
    before = await sockets(project, http)
    with capture_logs() as logs:
        async with hung_up(project) as (doorbell, _):

            async def renewals() -> int:
                return [line["event"] for line in logs].count("doorbell.renewed")

            await until(renewals, lambda count: count >= 2, within=30)
            monkeypatch.setattr(realtime, "MAX_AGE", 3600.0)
            heard = doorbell.canaries

            async def healthy() -> bool:
                return doorbell.healthy and doorbell.canaries > heard + 1

            await until(healthy)
            assert doorbell.lost == 0
            # The old ones are closed, not left behind.
            assert await sockets(project, http) <= before + 1
    assert not {line["event"] for line in logs} & {"doorbell.down", "doorbell.lost"}


async def test_while_it_is_slow_the_poll_is_quick_and_when_it_is_well_the_poll_is_slow(
    project: Project, unkind: Unkind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime, "CANARY_SECONDS", 0.1)
    monkeypatch.setattr(realtime, "SLOW_SECONDS", 1.0)
    with capture_logs() as logs:
        async with hung_up(project) as (doorbell, loop):

            async def poll() -> float:
                # A turn by whatever reason: how long it is to wait is decided at its beginning.
                loop.ring()
                return loop.poll_seconds

            await until(poll, lambda seconds: doorbell.healthy and seconds == POLL_SECONDS)
            await unkind("realtime", delay_ms=1500)
            await until(poll, lambda seconds: not doorbell.healthy and 0 < seconds <= 2)
            slow = [line for line in logs if line["event"] == "doorbell.slow"]
            assert slow and slow[0]["seconds"] > 1
            await unkind("realtime", delay_ms=0)
            await until(poll, lambda seconds: doorbell.healthy and seconds == POLL_SECONDS)
            assert doorbell.lost == 0


async def test_a_canary_that_is_heard_before_its_insert_is_answered_is_not_lost(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(realtime, "CANARY_SECONDS", 0.05)
    monkeypatch.setattr(realtime, "CANARY_DEADLINE", 2.0)
    async with hung_up(project, answer_after=0.3) as (doorbell, _):

        async def canaries() -> int:
            return doorbell.canaries

        await until(canaries, lambda count: count >= 4)
        assert (doorbell.lost, doorbell.healthy) == (0, True)


async def test_one_that_is_torn_off_before_it_ever_rang_is_put_up_again_at_once(
    project: Project, unkind: Unkind
) -> None:
    await unkind("realtime", silent=True)
    with capture_logs() as logs:
        async with hung_up(project) as (doorbell, _):

            async def canaries() -> int:
                return doorbell.canaries

            async def down() -> bool:
                return "doorbell.down" in [line["event"] for line in logs]

            async def healthy() -> bool:
                return doorbell.healthy

            await until(canaries, lambda count: count >= 2)
            await unkind("realtime", drop_sockets=True)
            await until(down, within=realtime.CANARY_DEADLINE)
            await unkind("realtime", silent=False)
            await until(healthy)
