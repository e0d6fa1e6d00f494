"""A pair's row is the lock under which its head changes. It goes once nothing is owed, and may be needed just then."""

from __future__ import annotations

import asyncio
import uuid

from tests.store.tenant import Session, Tenant, call, leases, rows, until_waiting


async def test_a_message_written_while_its_pair_is_being_forgotten_is_queued(
    sessions: list[Session], tenant: Tenant
) -> None:
    """Whoever writes finds the pair, waits for the sweep, and finds it no more."""
    sweeper, author, worker, observer = sessions
    thread = await settled(sweeper, tenant)
    async with sweeper.transaction():
        await call(sweeper, "sweep_outbound", 900)
        writing = asyncio.create_task(tenant.queue(author, thread, "second"))
        await until_waiting(observer, author)
    message_id = await writing
    assert [row["message_id"] for row in await tenant.claim(worker)] == [message_id]


async def settled(session: Session, tenant: Tenant) -> uuid.UUID:
    """A conversation that was sent to some time ago and owes nothing."""
    thread = await tenant.thread(session, "972501234567")
    await tenant.queue(session, thread, "first")
    (held,) = leases(await tenant.claim(session), outcome="done")
    assert await call(session, "record_outbound", [held | {"wamid": held["message_id"]}]) == 1
    await session.execute(
        "update private.outbound_pairs set paid_at = now() - interval '1 second' where conversation_id = %s", [thread]
    )
    assert await rows(session, "select from private.outbound_pairs where conversation_id = %s", thread)
    return thread
