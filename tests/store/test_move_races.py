"""A number that moves while it receives and is written to: nothing is lost, nobody meets the other halfway."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import psycopg
import pytest

from tests.store.tenant import Row, Session, Tenant, call, rows, until_waiting

ROUNDS = 8


async def move(session: Session, tenant: Tenant, number: str) -> Any:
    return await call(session, "record_migration", tenant.connection_id, "meta", number, "key")


async def arrive(session: Session, tenant: Tenant, number: str, count: int) -> list[int]:
    """Bodies of one number, each recorded by itself, as the receiver does; gives their events."""
    events: list[int] = []
    for _ in range(count):
        (received,) = await rows(session, "select public.receive_inbound(%s) as ids", "meta\x1f\x1f\x1f{}")
        (event,) = received["ids"]
        message: Row = tenant.message(uuid.uuid4().hex, f"97250{event % 10**7:07}") | {"phone_number_id": number}
        told = [{"id": event, "numbers": [{"phone_number_id": number, "provider": "meta"}]}]
        await call(session, "record_inbound", told, [message], [])
        events.append(event)
    return events


async def write(session: Session, tenant: Tenant, thread: uuid.UUID, count: int) -> None:
    for _ in range(count):
        await tenant.queue(session, thread)


async def move_after(session: Session, tenant: Tenant, number: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await move(session, tenant, number)


async def test_a_number_moves_while_messages_arrive_under_both_ids(sessions: list[Session]) -> None:
    for round_number in range(ROUNDS):
        tenant, new = await Tenant.create(sessions[0]), uuid.uuid4().hex
        thread = await tenant.thread(sessions[0], "972501234567")
        under_old, under_new, *_ = await asyncio.gather(
            arrive(sessions[0], tenant, tenant.phone_number_id, 15),
            arrive(sessions[1], tenant, new, 15),
            write(sessions[2], tenant, thread, 10),
            move_after(sessions[3], tenant, new, round_number * 0.005),
        )
        await call(sessions[0], "sweep_migration", tenant.connection_id)
        await call(sessions[0], "sweep_inbound")
        events = under_old + under_new
        query = "select state, count(*) as events from public.webhook_events where id = any (%s) group by state"
        ended = {row["state"]: row["events"] for row in await rows(sessions[0], query, events)}
        query = (
            "select count(*) filter (where direction = 'inbound') as received, count(*) as kept,"
            " count(distinct connection_id) as numbers from public.messages where workspace_id = %s"
        )
        (seen,) = await rows(sessions[0], query, tenant.workspace_id)
        # Nobody here applies what is released once more; it may have been applied before.
        assert set(ended) <= {"processed", "received"}
        assert seen["received"] - 1 >= ended.get("processed", 0) >= 15
        assert (seen["kept"] - seen["received"], seen["numbers"]) == (10, 1)
        query = "select id from public.conversations where workspace_id = %s and phone_number_id <> %s"
        assert await rows(sessions[0], query, tenant.workspace_id, new) == []
        # Nor is it anybody's business in another test.
        await sessions[0].execute("delete from public.webhook_events where id = any (%s)", [events])
        await tenant.rest(sessions[0])


async def test_who_waits_for_an_id_that_is_left_does_not_get_it(sessions: list[Session], tenant: Tenant) -> None:
    stranger = await Tenant.create(sessions[0])
    await sessions[0].execute("begin")
    await move(sessions[0], tenant, uuid.uuid4().hex)
    taking = asyncio.create_task(
        sessions[1].execute(
            "update public.whatsapp_connections set phone_number_id = %s where id = %s",
            [tenant.phone_number_id, stranger.connection_id],
        )
    )
    await until_waiting(sessions[2], sessions[1], within=20)
    await sessions[0].execute("commit")
    with pytest.raises(psycopg.Error) as refused:
        await taking
    assert refused.value.sqlstate == "WA035"
    await stranger.rest(sessions[0])


async def test_a_thread_that_is_begun_meanwhile_has_the_new_id(sessions: list[Session], tenant: Tenant) -> None:
    new = uuid.uuid4().hex
    await sessions[0].execute("begin")
    await move(sessions[0], tenant, new)
    beginning = asyncio.create_task(
        rows(
            sessions[1],
            "insert into public.conversations (workspace_id, connection_id, phone) values (%s, %s, '972501112222')"
            " returning phone_number_id",
            tenant.workspace_id,
            tenant.connection_id,
        )
    )
    await until_waiting(sessions[2], sessions[1], within=20)
    await sessions[0].execute("commit")
    assert await beginning == [{"phone_number_id": new}]


async def test_what_comes_while_its_id_is_being_left_is_kept(sessions: list[Session], tenant: Tenant) -> None:
    stranger, new = uuid.uuid4().hex, uuid.uuid4().hex
    # In single-workspace mode a recording waits for whoever connects the same new number: here it stands still.
    query = "update public.workspaces set connection_limit = 2 where id = %s"
    await sessions[0].execute(query, [tenant.workspace_id])
    query = "insert into public.whatsapp_connections (workspace_id, provider, phone_number_id) values (%s, 'meta', %s)"
    await sessions[0].execute("begin")
    await sessions[0].execute(query, [tenant.workspace_id, stranger])
    (received,) = await rows(sessions[2], "select public.receive_inbound(%s) as ids", "meta\x1f\x1f\x1f{}")
    named = [{"phone_number_id": number, "provider": "meta"} for number in (tenant.phone_number_id, stranger)]
    told = [{"id": received["ids"][0], "numbers": named}]
    message: Row = tenant.message(uuid.uuid4().hex, "972501113333")
    recording = asyncio.create_task(call(sessions[1], "record_inbound", told, [message], [], str(tenant.workspace_id)))
    await until_waiting(sessions[2], sessions[1], within=20)
    await move(sessions[2], tenant, new)
    await sessions[0].execute("commit")
    await recording
    query = "select phone_number_id from public.conversations where workspace_id = %s"
    assert await rows(sessions[2], query, tenant.workspace_id) == [{"phone_number_id": new}]
