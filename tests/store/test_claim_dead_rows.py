"""Rows that nobody may clear away yet, since an old snapshot might read them, are not walked by all that a claim asks.

What this transaction has changed itself is such a row: dead, and kept until it ends. Rows count, not milliseconds.
"""

from __future__ import annotations

from psycopg import IsolationLevel

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, rows

THREADS = 1_000
DEAD = THREADS - 100
FEW = 50


async def _queued(session: Session, each: int = 1) -> Tenant:
    """So many messages to each of so many, the oldest first; the first are heads."""
    tenant = await Tenant.create(session)
    await session.execute(
        "insert into public.conversations "
        "(workspace_id, connection_id, phone, last_customer_message_at, window_expires_at) "
        "select %s, %s, (972500000000 + n)::text, now(), now() + interval '1 day' from generate_series(1, %s) as n",
        [tenant.workspace_id, tenant.connection_id, THREADS],
    )
    await session.execute(
        "insert into public.messages (workspace_id, conversation_id, type, content) "
        "select workspace_id, id, 'text', '{\"body\": \"x\"}' from public.conversations, generate_series(1, %s) as n "
        "where workspace_id = %s order by n, phone",
        [each, tenant.workspace_id],
    )
    return tenant


async def _oldest(session: Session, tenant: Tenant, change: str) -> None:
    await session.execute(
        f"update public.outbox set {change} where message_id in ("
        "select message_id from public.outbox where workspace_id = %s order by seq limit %s)".encode(),
        [tenant.workspace_id, DEAD],
    )


async def _entries(session: Session, index: str, query: str, *values: object) -> int:
    """Entries of an index that a query reads."""
    read = "select pg_stat_get_xact_tuples_returned(%s::regclass) as entries"
    before = (await rows(session, read, f"public.{index}"))[0]["entries"]
    await rows(session, query, *values)
    return int((await rows(session, read, f"public.{index}"))[0]["entries"] - before)


async def test_which_numbers_wait_is_asked_of_those_that_wait(database: Connect) -> None:
    async with database() as session, session.transaction(force_rollback=True):
        await session.execute("delete from public.outbox")
        tenant = await _queued(session)
        await _oldest(session, tenant, "ready_at = null")
        number = "select (connection).id from private.waiting_numbers()"
        assert [row["id"] for row in await rows(session, number)] == [tenant.connection_id]
        assert await _entries(session, "outbox_ready", number) <= FEW


async def test_how_many_are_on_the_wire_is_asked_of_leases_that_last(database: Connect) -> None:
    async with database() as session, session.transaction(force_rollback=True):
        tenant = await _queued(session)
        lease = (
            "ready_at = null, leased_at = now(), lease_token = gen_random_uuid(), lease_expires_at = now() + interval"
        )
        await _oldest(session, tenant, f"{lease} '-1 hour'")
        await _oldest(session, tenant, "lease_token = null, leased_at = null, lease_expires_at = null")
        await session.execute(
            f"update public.outbox set {lease} '30 seconds' where message_id in ("
            "select message_id from public.outbox where workspace_id = %s order by seq limit 3)".encode(),
            [tenant.workspace_id],
        )
        tokens = (
            "select private.number_tokens(connection, null) as tokens, connection.messages_per_second as rate "
            "from public.whatsapp_connections as connection where id = %s"
        )
        (told,) = await rows(session, tokens, tenant.connection_id)
        assert told["tokens"] == told["rate"] - 3
        assert await _entries(session, "outbox_leased", tokens, tenant.connection_id) <= FEW


async def test_who_is_next_after_a_send_is_asked_of_its_conversation(database: Connect) -> None:
    lease = "ready_at = null, leased_at = now(), lease_token = gen_random_uuid(), lease_expires_at = now()"
    record = (
        "select record_outbound((select jsonb_agg(jsonb_build_object("
        "'message_id', message_id, 'lease_token', lease_token, 'outcome', 'done')) from ("
        "select * from public.outbox where workspace_id = %s and lease_token is not null order by seq limit 64"
        ") as few)) as recorded"
    )
    async with database() as session, database() as holding:
        await holding.set_isolation_level(IsolationLevel.REPEATABLE_READ)
        async with session.transaction():
            tenant = await _queued(session, each=2)
        try:
            async with holding.transaction():
                await rows(holding, "select count(*) from public.outbox")
                await _oldest(session, tenant, lease)
                await _oldest(session, tenant, "lease_token = null, leased_at = null, lease_expires_at = null")
                # As autovacuum does: it finds nothing leased, and an index full of entries that it may not clear away.
                await session.execute("vacuum (analyze) public.outbox")
                async with session.transaction():
                    await _oldest(session, tenant, lease)
                    read = await _entries(session, "outbox_leased", record, tenant.workspace_id)
        finally:
            await session.execute("delete from public.workspaces where id = %s", [tenant.workspace_id])
    assert read <= 3 * THREADS
