"""What people do to a message or a number at the very moment at which workers and reports have it in their hands."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import psycopg
import pytest

from tests.store.tenant import Session, Tenant, call, leases, rows, until_waiting

ROUNDS = 15


async def refused(step: Any) -> str | None:
    """The SQLSTATE of what a person is told, None when it was done."""
    try:
        await step
    except psycopg.Error as error:
        return error.sqlstate
    return None


async def state(session: Session, message_id: object) -> tuple[str, bool, int]:
    """Status, whether it is in the outbox, how many attempts by hand are over."""
    (row,) = await rows(
        session,
        "select status, exists (select from public.outbox where message_id = id) as waits,"
        " coalesce(jsonb_array_length(previous_attempts), 0) as past from public.messages where id = %s",
        message_id,
    )
    return row["status"], row["waits"], row["past"]


async def test_a_message_is_either_canceled_or_sent_and_its_follower_goes_on(
    sessions: list[Session], tenant: Tenant
) -> None:
    agent, worker, other, observer = sessions
    thread = await tenant.thread(agent, "972501234567")
    for _ in range(ROUNDS):
        wanted, follower = await tenant.queue(agent, thread), await tenant.queue(agent, thread)
        told, *claims = await asyncio.gather(
            refused(call(agent, "cancel_message", wanted)), tenant.claim(worker), tenant.claim(other)
        )
        claimed = [row for rows_ in claims for row in rows_]
        sent = [row["message_id"] for row in claimed]
        assert len(sent) <= 1
        assert (told, await state(observer, wanted)) in (
            (None, ("canceled", False, 0)),
            ("WA007", ("sending", True, 0)),
        )
        assert (wanted in sent) is (told == "WA007")
        await call(worker, "record_outbound", leases(claimed, outcome="reject"))
        await call(worker, "record_outbound", leases(await tenant.claim(worker), outcome="reject"))
        assert await state(observer, follower) == ("failed", False, 0)


@pytest.mark.parametrize("outcome", ["retry", "reject", "uncertain", "throttle"])
async def test_cancelling_what_is_being_recorded_ends_it_once(
    outcome: str, sessions: list[Session], tenant: Tenant
) -> None:
    agent, worker, sweeper, observer = sessions
    thread = await tenant.thread(agent, "972501234567")
    for _ in range(ROUNDS):
        message_id = await tenant.queue(agent, thread)
        held = leases(await tenant.claim(worker), outcome=outcome, scope="number")
        told, *_ = await asyncio.gather(
            refused(call(agent, "cancel_message", message_id)),
            call(worker, "record_outbound", held),
            call(sweeper, "sweep_outbound", 900),
        )
        status, waits, _past = await state(observer, message_id)
        assert told in (None, "WA007")
        assert (status, waits) in (
            [("canceled", False)] if told is None else [("queued", True), ("failed", False), ("uncertain", True)]
        )
        await observer.execute("delete from public.messages where id = %s", [message_id])
        await observer.execute("delete from private.outbound_numbers where connection_id = %s", [tenant.connection_id])


async def test_two_people_who_retry_at_once_and_a_late_report_queue_it_once(
    sessions: list[Session], tenant: Tenant
) -> None:
    """The report tells of the attempt that was given up: either it was quicker, or it speaks of the past."""
    agent, other, receiver, observer = sessions
    thread = await tenant.thread(agent, "972501234567")
    for _ in range(ROUNDS):
        message_id = await tenant.queue(agent, thread)
        await call(agent, "record_outbound", leases(await tenant.claim(agent), outcome="uncertain"))
        await call(agent, "sweep_outbound", 0)
        assert await state(observer, message_id) == ("failed", False, 0)
        report = tenant.status(f"wamid.{message_id}", "delivered", callback_data=str(message_id))
        first, second, _ = await asyncio.gather(
            refused(call(agent, "retry_message", message_id)),
            refused(call(other, "retry_message", message_id)),
            call(receiver, "record_inbound", [], [], [report]),
        )
        found = await state(observer, message_id)
        if found == ("delivered", False, 0):
            assert (first, second) == ("WA008", "WA008")
        else:
            assert (found, {first, second}) == (("queued", True, 1), {None, "WA008"})
            (claimed,) = await tenant.claim(agent)
            assert claimed["callback_data"] == f"{message_id}/1"
            await call(agent, "record_outbound", leases([claimed], outcome="reject"))


async def test_a_retry_and_the_end_of_the_conversation_leave_nothing_open(
    sessions: list[Session], tenant: Tenant
) -> None:
    agent, owner, worker, observer = sessions
    for turn in range(ROUNDS):
        thread = await tenant.thread(agent, f"9725012346{turn:02}")
        message_id = await tenant.queue(agent, thread)
        await call(agent, "record_outbound", leases(await tenant.claim(agent), outcome="reject"))
        told, _, claimed = await asyncio.gather(
            refused(call(agent, "retry_message", message_id)),
            owner.execute("delete from public.conversations where id = %s", [thread]),
            tenant.claim(worker),
        )
        status, waits, _past = await state(observer, message_id)
        assert (told, status, waits) in (("WA004", "failed", False), (None, "canceled", False), (None, "failed", False))
        assert await call(worker, "record_outbound", leases(claimed, outcome="reject")) == 0


async def test_a_refusal_that_waits_for_a_new_key_does_not_stop_the_number_that_has_it(
    sessions: list[Session], tenant: Tenant
) -> None:
    """Nobody would resume it: the key has just been set."""
    owner, worker, observer, _ = sessions
    thread = await tenant.thread(worker, "972501234567")
    await call(owner, "set_connection_credential", tenant.connection_id, "old")
    await tenant.queue(worker, thread)
    held = leases(await tenant.claim(worker), outcome="pause", reason="credential", error={"code": 190})
    async with owner.transaction():
        await call(owner, "set_connection_credential", tenant.connection_id, "new")
        recording = asyncio.create_task(call(worker, "record_outbound", held))
        await until_waiting(observer, worker)
    assert await recording == 1
    assert await status_of(observer, tenant.connection_id) == "active"


async def test_a_key_that_waits_for_a_refusal_resumes_the_number(sessions: list[Session], tenant: Tenant) -> None:
    owner, worker, observer, _ = sessions
    thread = await tenant.thread(worker, "972501234567")
    await call(owner, "set_connection_credential", tenant.connection_id, "old")
    await tenant.queue(worker, thread)
    held = leases(await tenant.claim(worker), outcome="pause", reason="credential", error={"code": 190})
    async with worker.transaction():
        await call(worker, "record_outbound", held)
        setting = asyncio.create_task(call(owner, "set_connection_credential", tenant.connection_id, "new"))
        await until_waiting(observer, owner)
    await setting
    assert await status_of(observer, tenant.connection_id) == "active"


async def status_of(session: Session, connection_id: uuid.UUID) -> str:
    (row,) = await rows(session, "select status from public.whatsapp_connections where id = %s", connection_id)
    return str(row["status"])
