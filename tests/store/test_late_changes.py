"""What changes under a recording while it waits: no message is left without its thread, no word of anybody is lost."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest

from tests.store.tenant import Row, Session, Tenant, call, rows, until_waiting
from tests.store.test_move_races import move

PHONE = "972501234567"
AT = "2026-11-01T12:00:00Z"


async def recorded_meanwhile(sessions: list[Session], statement: str, *parameters: Any) -> None:
    """Ends what the first session has begun, once the second waits for it and the third has run a statement."""
    await until_waiting(sessions[3], sessions[1], within=20)
    if statement:
        await sessions[2].execute(statement, parameters)
    await sessions[0].execute("commit")


async def thread_of(session: Session, tenant: Tenant, wamid: str, phone: str | None, **fields: Any) -> uuid.UUID:
    await call(session, "record_inbound", [], [tenant.message(wamid, phone, **fields)], [])
    query = "select conversation_id from public.messages where connection_id = %s and wamid = %s"
    ((found),) = await rows(session, query, tenant.connection_id, wamid)
    thread: uuid.UUID = found["conversation_id"]
    return thread


async def test_a_thread_deleted_while_others_of_the_batch_are_merged_is_begun_anew(
    sessions: list[Session], tenant: Tenant
) -> None:
    threads = [(await thread_of(sessions[0], tenant, phone, phone), phone) for phone in (PHONE, "972502222222")]
    # Threads are waited for in the order of their ids: behind the one that is held here the other is not held yet.
    (held, phone), (deleted, other) = sorted(threads)
    await thread_of(sessions[0], tenant, "by id", None, bsuid="IL.one")
    await sessions[0].execute("begin")
    await sessions[0].execute("select from public.conversations where id = %s for update", [held])
    batch = [tenant.message("both", phone, bsuid="IL.one"), tenant.message("late", other)]
    recording = asyncio.create_task(call(sessions[1], "record_inbound", [], batch, []))
    await recorded_meanwhile(sessions, "delete from public.conversations where id = %s", deleted)
    await recording
    (late,) = await rows(
        sessions[0],
        "select thread.phone, thread.unread_count from public.messages as message"
        " left join public.conversations as thread on thread.id = message.conversation_id"
        " where message.connection_id = %s and wamid = 'late'",
        tenant.connection_id,
    )
    assert late == {"phone": other, "unread_count": 1}


FACTS: dict[str, tuple[Row, str]] = {
    "marketing is unwanted": (
        {"kind": "preference", "details": {"category": "marketing_messages", "value": "stop"}},
        "marketing_opted_out_at is not null",
    ),
    "a name in the phone's address book": ({"kind": "contact", "name": "Dana", "details": {}}, "name = 'Dana'"),
}


@pytest.mark.parametrize("name", FACTS)
async def test_a_contact_that_a_member_adds_at_this_moment_hears_what_is_told_of_it(
    name: str, sessions: list[Session], tenant: Tenant
) -> None:
    told, holds = FACTS[name]
    await sessions[0].execute("begin")
    await sessions[0].execute(
        "insert into public.contacts (workspace_id, phone) values (%s, %s)", [tenant.workspace_id, f"+{PHONE}"]
    )
    fact = {"phone_number_id": tenant.phone_number_id, "wa_id": PHONE, "occurred_at": AT, **told}
    recording = asyncio.create_task(call(sessions[1], "record_inbound", [], [], [], None, [fact]))
    await recorded_meanwhile(sessions, "")
    await recording
    query = f"select {holds} as heard from public.contacts where workspace_id = %s"
    assert await rows(sessions[0], query, tenant.workspace_id) == [{"heard": True}]


@pytest.mark.parametrize("name", FACTS)
async def test_what_is_told_under_the_former_id_while_a_number_moves_is_not_lost(
    name: str, sessions: list[Session], tenant: Tenant
) -> None:
    told, holds = FACTS[name]
    (received,) = await rows(sessions[0], "select public.receive_inbound(%s) as ids", "meta\x1f\x1f\x1f{}")
    event = {"id": received["ids"][0], "numbers": [{"phone_number_id": tenant.phone_number_id, "provider": "meta"}]}
    fact = {"phone_number_id": tenant.phone_number_id, "wa_id": PHONE, "occurred_at": AT, **told}
    await sessions[0].execute("begin")
    await move(sessions[0], tenant, uuid.uuid4().hex)
    recording = asyncio.create_task(call(sessions[1], "record_inbound", [event], [], [], None, [fact]))
    await recorded_meanwhile(sessions, "")
    await recording
    query = f"select {holds} as heard from public.contacts where workspace_id = %s"
    heard = await rows(sessions[0], query, tenant.workspace_id)
    (ended,) = await rows(sessions[0], "select state from public.webhook_events where id = %s", event["id"])
    # Applied at once, or set aside for the sweep.
    assert heard == [{"heard": True}] or ended["state"] == "unrouted"
    await sessions[0].execute("delete from public.webhook_events where id = %s", [event["id"]])
