"""Numbers that two sessions change at once: the connection limit, and the statistics of a conversation."""

from __future__ import annotations

import asyncio
import uuid

import psycopg

from tests.store.tenant import UNTRUE, Session, Tenant, call, rows

ROUNDS = 30


async def _connect(session: Session, workspace_id: uuid.UUID) -> bool:
    try:
        await session.execute(
            "insert into public.whatsapp_connections (workspace_id, phone_number_id) values (%s, %s)",
            [workspace_id, uuid.uuid4().hex],
        )
    except psycopg.Error as error:
        if error.sqlstate != "WA002":
            raise
        return False
    return True


async def test_of_four_numbers_connected_at_once_one_finds_the_last_place(sessions: list[Session]) -> None:
    for _ in range(ROUNDS):
        workspace_id = uuid.uuid4()
        await sessions[0].execute("insert into public.workspaces (id, name) values (%s, 'full')", [workspace_id])
        assert sorted(await asyncio.gather(*(_connect(session, workspace_id) for session in sessions))) == [
            *(False, False, False),
            True,
        ]


async def test_reading_while_messages_arrive_loses_no_unread_message(sessions: list[Session], tenant: Tenant) -> None:
    thread = await tenant.thread(sessions[0], "972501234567")

    async def arrive(session: Session, author: str) -> None:
        for number in range(ROUNDS):
            batch = [tenant.message(f"{author}.{number}.{n}", "972501234567") for n in range(3)]
            await call(session, "record_inbound", [], batch, [])

    async def read(session: Session) -> None:
        for _ in range(ROUNDS):
            await call(session, "mark_as_read", thread)
            assert await rows(session, UNTRUE, tenant.workspace_id) == []

    await asyncio.gather(arrive(sessions[0], "one"), arrive(sessions[1], "two"), read(sessions[2]), read(sessions[3]))
    assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []
    await call(sessions[0], "mark_as_read", thread)
    (found,) = await rows(sessions[0], "select unread_count, is_read from public.conversations where id = %s", thread)
    assert found == {"unread_count": 0, "is_read": True}


async def test_reading_while_both_sides_write_counts_what_a_recomputation_counts(
    sessions: list[Session], tenant: Tenant
) -> None:
    thread = await tenant.thread(sessions[0], "972501234567")

    async def arrive(session: Session) -> None:
        for number in range(2 * ROUNDS):
            await call(session, "record_inbound", [], [tenant.message(f"both.{number}", "972501234567")], [])

    async def answer(session: Session) -> None:
        for _ in range(2 * ROUNDS):
            await tenant.queue(session, thread)

    async def read(session: Session) -> None:
        for _ in range(2 * ROUNDS):
            await call(session, "mark_as_read", thread)
            assert await rows(session, UNTRUE, tenant.workspace_id) == []

    await asyncio.gather(arrive(sessions[0]), answer(sessions[1]), read(sessions[2]), read(sessions[3]))
    assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []


async def test_statistics_stay_true_while_messages_come_go_and_change(sessions: list[Session], tenant: Tenant) -> None:
    """Inserts add, deletes and changes recompute; each under the conversation's lock."""
    thread = await tenant.thread(sessions[0], "972501234567")

    async def arrive(session: Session) -> None:
        for number in range(ROUNDS):
            await call(session, "record_inbound", [], [tenant.message(f"in.{number}", "972501234567")], [])

    async def answer(session: Session) -> None:
        for _ in range(ROUNDS):
            await tenant.queue(session, thread)

    async def remove(session: Session) -> None:
        for number in range(ROUNDS):
            await session.execute(
                "delete from public.messages where workspace_id = %s and wamid = %s",
                [tenant.workspace_id, f"in.{number}"],
            )

    async def change(session: Session) -> None:
        for number in range(ROUNDS):
            await session.execute(
                "update public.messages set content = jsonb_set(content, '{body}', '\"edited\"'), "
                "occurred_at = occurred_at + interval '1 minute' where workspace_id = %s and wamid = %s",
                [tenant.workspace_id, f"in.{number}"],
            )

    await asyncio.gather(arrive(sessions[0]), answer(sessions[1]), remove(sessions[2]), change(sessions[3]))
    assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []
