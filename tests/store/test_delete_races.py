"""A workspace that is deleted while it receives and sends: nobody meets the other halfway, nothing is left."""

from __future__ import annotations

import asyncio
import uuid

import psycopg

from tests.store.tenant import Session, Tenant, call, leases, rows

ROUNDS = 12


async def test_a_workspace_is_deleted_while_messages_arrive_and_leave(sessions: list[Session]) -> None:
    for round_number in range(ROUNDS):
        tenant = await Tenant.create(sessions[0])
        thread = await tenant.thread(sessions[0], "972501234567")
        await tenant.queue(sessions[0], thread)
        claimed = await tenant.claim(sessions[0])
        arriving = [
            tenant.message(uuid.uuid4().hex, f"97250{n:07}", occurred_at="2026-11-01T12:00:00Z") for n in range(60)
        ]
        ends = await asyncio.gather(
            _code(sessions[1], "record_inbound", [], arriving, []),
            _code(sessions[2], "record_outbound", leases(claimed, outcome="sent", wamid=f"wamid.{uuid.uuid4().hex}")),
            _code(sessions[3], "delete_workspace", tenant.workspace_id, after=round_number * 0.01),
        )
        # Whoever comes after the end finds nothing to write to; nobody is shot in a deadlock.
        assert ends[2] is None
        assert set(ends) <= {None, "23503"}
        while await call(sessions[0], "sweep_workspaces", 5000):
            pass
        assert not await rows(sessions[0], "select id from public.workspaces where id = %s", tenant.workspace_id)


async def _code(session: Session, function: str, *arguments: object, after: float = 0) -> str | None:
    """The SQLSTATE a call ends with, if it fails. It may start a moment later, to meet the others elsewhere."""
    await asyncio.sleep(after)
    try:
        await call(session, function, *arguments)
    except psycopg.Error as error:
        return error.sqlstate
    return None
