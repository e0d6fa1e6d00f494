"""What must not happen in the receiver itself, made to happen: nobody waits for ever, and no body stops another."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from psycopg.rows import DictRow

from store.connect import connect
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.programs import ROOT, Program, free_port
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.webhook.posting import post, text_from_customer
from webhook import recorder as recorder_module
from webhook.journal import Journal
from webhook.recorder import MAX_ATTEMPTS, Event, Recorder
from whatsapp.envelope import Endpoint

POISON = "the poisonous one"


@pytest.fixture
async def rpc(project: Project) -> AsyncIterator[Rpc]:
    async with connect(project.url, project.service_role_key) as http:
        yield Rpc(http)


@pytest.fixture
def clumsy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A normaliser that stumbles over one body."""
    real = recorder_module.normalise

    def stumbling(event_id: int, endpoint: Endpoint, body: dict[str, Any], found: Any) -> Any:
        if POISON in str(body):
            raise KeyError(POISON)
        return real(event_id, endpoint, body, found)

    monkeypatch.setattr(recorder_module, "normalise", stumbling)


async def committed(rpc: Rpc, tenant: Tenant, *texts: str) -> list[Event]:
    endpoint, journal = Endpoint("360dialog", phone_number_id=tenant.phone_number_id), Journal(rpc)
    raws = [json.dumps(text_from_customer(tenant, text)).encode() for text in texts]
    ids = await asyncio.gather(*(journal.commit(endpoint, raw, time.monotonic()) for raw in raws))
    return [Event(event_id, endpoint, raw) for event_id, raw in zip(ids, raws, strict=True)]


async def recorded(rpc: Rpc, *events: Event) -> None:
    recorder = Recorder(rpc, None, keep_days=30)
    for event in events:
        recorder.add(event)
    recorder.stop()
    await recorder.run()


async def test_a_body_that_comes_as_the_last_group_ends_waits_for_no_other(rpc: Rpc, tenant: Tenant) -> None:
    endpoint, journal = Endpoint("360dialog", phone_number_id=tenant.phone_number_id), Journal(rpc)
    async with asyncio.timeout(30):
        for place in range(20):
            body = json.dumps(text_from_customer(tenant, f"number {place}")).encode()
            # Whoever wakes by the end of a group is here before anything else the group's end sets off.
            await journal.commit(endpoint, body, time.monotonic())
    assert len(await tenant.events()) == 20


@pytest.mark.usefixtures("clumsy")
async def test_a_body_the_normaliser_stumbles_over_is_left_and_the_others_are_recorded(
    rpc: Rpc, tenant: Tenant
) -> None:
    await recorded(rpc, *await committed(rpc, tenant, "before", POISON, "after"))
    assert {message["content"]["body"] for message in await tenant.messages()} == {"before", "after"}
    assert sorted(event["state"] for event in await tenant.events()) == ["processed", "processed", "received"]


@pytest.mark.usefixtures("clumsy")
async def test_after_bounded_attempts_it_has_failed_with_its_reason_and_without_its_words(
    rpc: Rpc, tenant: Tenant, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    (event,) = await committed(rpc, tenant, POISON)
    event.attempts = MAX_ATTEMPTS
    await recorded(rpc, event)
    (row,) = await tenant.rows("select state, error from webhook_events where phone_number_id = %(number)s")
    assert (row["state"], row["error"]) == ("failed", "KeyError while reading")
    assert POISON not in caplog.text + "".join(capsys.readouterr())


# What `raise exception` says, and two of which PostgREST makes a 500: a query without its row, a fault inside Postgres.
@pytest.fixture(params=["P0001", "P0002", "XX000"])
async def refusing(request: pytest.FixtureRequest, tenant: Tenant) -> AsyncIterator[str]:
    """The code by which a project's own trigger, as anybody may have one, refuses one of the tenant's messages."""
    name = f"refuse_{tenant.phone_number_id}"
    await tenant.rows(
        f"create function public.{name}() returns trigger language plpgsql as $$"
        f" begin raise exception 'no word of it' using errcode = '{request.param}'; end $$;"
        f" create trigger {name} before insert on messages for each row"
        f" when (new.connection_id = '{tenant.connection_id}' and new.content ->> 'body' = '{POISON}')"
        f" execute function public.{name}()"
    )
    yield request.param
    await tenant.rows(f"drop function public.{name}() cascade")


async def test_what_postgres_refuses_every_time_fails_alone_after_five_attempts_with_its_reason(
    webhook: Program, tenant: Tenant, rpc: Rpc, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = ["before", POISON, "after"]
    statuses = await asyncio.gather(*(post(webhook, tenant, text_from_customer(tenant, text)) for text in texts))
    assert statuses == [200] * 3
    await until(tenant.messages, lambda messages: len(messages) == 2)
    poison = "select * from webhook_events where phone_number_id = %(number)s and state <> 'processed'"
    (event,) = await tenant.rows(poison)
    assert (event["state"], event["attempts"]) == ("received", 0)

    async def events_as_leases_end() -> list[DictRow]:
        await tenant.rows(
            "update webhook_events set lease_expires_at = now()"
            " where phone_number_id = %(number)s and state = 'received' and attempts < %(most)s",
            most=MAX_ATTEMPTS,
        )
        return await tenant.events()

    # Another replica takes it over whenever a lease has run out: in minutes, were they not made to.
    monkeypatch.setattr(recorder_module, "SWEEP_SECONDS", 0.05)
    sweeping = asyncio.create_task(Recorder(rpc, None, keep_days=30).sweep())
    try:
        await until(
            events_as_leases_end, lambda events: "received" not in [event["state"] for event in events], within=20
        )
    finally:
        sweeping.cancel()
    (event,) = await tenant.rows(poison)
    assert (event["state"], event["attempts"], event["error"]) == ("failed", MAX_ATTEMPTS, f"{refusing}: no word of it")
    assert len(await tenant.messages()) == 2


async def test_what_is_more_than_memory_may_hold_stays_in_the_journal(
    rpc: Rpc, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = await committed(rpc, tenant, "first", "second", "third")
    monkeypatch.setattr(recorder_module, "MAX_WAITING_BYTES", len(events[0].raw) + len(events[1].raw))
    await recorded(rpc, *events)
    assert {message["content"]["body"] for message in await tenant.messages()} == {"first", "second"}
    assert [event["state"] for event in await tenant.events()] == ["processed", "processed", "received"]


async def test_what_had_to_wait_long_is_read_again(rpc: Rpc, tenant: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MAX_READ", 2)
    await recorded(rpc, *await committed(rpc, tenant, *(f"number {place}" for place in range(5))))
    assert len(await tenant.messages()) == 5


async def test_a_receiver_whose_recorder_has_died_dies_too() -> None:
    """It is started again by whoever watches it; alive, it would acknowledge what never becomes a row."""
    program = (
        "from store.startup import start; from webhook import __main__ as main\n"
        "async def run(self): raise ZeroDivisionError\n"
        "main.Recorder.run = run\n"
        "start('webhook', '', main.Settings, main.serve)"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program),
        cwd=ROOT,
        env={**os.environ, "WEBHOOK_PORT": str(free_port())},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        _, said = await asyncio.wait_for(process.communicate(), 30)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 1
    assert b"ZeroDivisionError" in said
