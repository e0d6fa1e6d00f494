"""Somebody holds a thread, or a whole number, for long: its messages wait, and nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from store.connect import connect
from store.rpc import Rpc
from tests.conftest import Connect, Project
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.webhook.test_own_faults import committed, recorded
from tests.whatsapp.payload import BSUID, CUSTOMER
from webhook import recorder as recorder_module
from webhook.recorder import Event, Recorder

HELD = {
    "a thread": "select from conversations where workspace_id = %s for update",
    "a number": "select pg_advisory_xact_lock(private.turn_of(id)) from whatsapp_connections where workspace_id = %s",
}


@pytest.fixture
async def rpc(project: Project) -> AsyncIterator[Rpc]:
    async with connect(project.url, project.service_role_key) as http:
        yield Rpc(http)


@contextlib.asynccontextmanager
async def held(database: Connect, tenant: Tenant, what: str) -> AsyncIterator[None]:
    async with database() as connection:
        await connection.execute("begin")
        await connection.execute(HELD[what].encode(), [tenant.workspace_id])
        yield


async def states(tenant: Tenant) -> list[tuple[str, bool]]:
    """Of each event: and whether it was given back to the beginning, with all its attempts."""
    return [(event["state"], event["replayed_at"] is not None) for event in await tenant.events()]


@pytest.mark.parametrize("what", HELD)
async def test_what_is_held_for_long_holds_up_no_other_number(
    what: str, rpc: Rpc, tenant: Tenant, database: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Within its own number nobody is looked for here.
    monkeypatch.setattr(recorder_module, "DIVIDE_SECONDS", 0)
    other = await Tenant.new(database)
    await recorded(rpc, *await committed(rpc, tenant, "first"))
    async with held(database, tenant, what):
        events = [await committed(rpc, whose, "one", "two") for whose in (tenant, other)]
        mixed = [event for pair in zip(*events, strict=True) for event in pair]
        await recorded(rpc, *_swept(mixed))
        assert await states(other) == [("processed", False)] * 2
        # Nobody's fault: it costs no attempt, and the sweep has it, of a receiver that is at work here, too.
        assert await states(tenant) == [("processed", False), ("received", True), ("received", True)]
    await recorded(rpc, *events[0])
    assert await texts(tenant) == {"first", "one", "two"}


async def test_a_thread_that_is_held_holds_up_no_other_thread_of_its_number(
    rpc: Rpc, tenant: Tenant, database: Connect
) -> None:
    await recorded(rpc, *await committed(rpc, tenant, "first"))
    async with held(database, tenant, "a thread"):
        stuck, free = await committed(rpc, tenant, "held", "free")
        free.raw = free.raw.replace(CUSTOMER.encode(), b"972502222222").replace(BSUID.encode(), b"IL.other")
        recorder = Recorder(rpc, None, keep_days=30)
        for event in (stuck, free):
            recorder.add(event)
        running = asyncio.create_task(recorder.run())
        await until(lambda: texts(tenant), lambda seen: seen == {"first", "free"}, within=30)
        recorder.stop()
        await running


async def texts(tenant: Tenant) -> set[str]:
    return {message["content"]["body"] for message in await tenant.messages()}


def _swept(events: list[Event]) -> list[Event]:
    """As a sweep brings them: claimed once."""
    for event in events:
        event.attempts = 1
    return events
