"""A repair beside somebody who deletes: nobody waits for long, and nobody is ended by Postgres."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from tests.store.tenant import Session, Tenant, call, rows


async def _queued_though_stored(session: Session, tenant: Tenant) -> str:
    message_id = uuid.uuid4()
    await session.execute(
        "insert into public.messages (id, workspace_id, connection_id, direction, status, type, content, media_id, "
        "media_status, media_path) values (%s, %s, %s, 'inbound', 'received', 'image', '{}', '1', 'stored', 'a')",
        [message_id, tenant.workspace_id, tenant.connection_id],
    )
    await session.execute(
        "insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline) "
        "values (%s, %s, %s, 'a', '1', now() + interval '1 day')",
        [message_id, tenant.workspace_id, tenant.connection_id],
    )
    return str(message_id)


async def test_a_repair_steps_back_for_a_deletion_and_then_finds_nothing(
    sessions: list[Session], tenant: Tenant
) -> None:
    deleting, repairing, *_ = sessions
    message_id = await _queued_though_stored(deleting, tenant)
    loss = [{"message_id": message_id, "problem": "stuck", "path": "a"}]
    async with deleting.transaction():
        await rows(deleting, "select from public.messages where id = %s for update", message_id)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await call(repairing, "record_lost_media", loss)
        # The queue's row, which the repair had, is free again: the cascade does not wait.
        await deleting.execute("delete from public.messages where id = %s", [message_id])
    (repair,) = await call(repairing, "record_lost_media", loss)
    assert repair == {"message_id": message_id, "problem": "stuck", "repair": "unchanged"}


async def test_two_repairs_at_once_repair_once(sessions: list[Session], tenant: Tenant) -> None:
    first, second, *_ = sessions
    message_id = await _queued_though_stored(first, tenant)
    loss = [{"message_id": message_id, "problem": "stuck", "path": "a"}]
    async with first.transaction():
        (done,) = await call(first, "record_lost_media", loss)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            await call(second, "record_lost_media", loss)
    (again,) = await call(second, "record_lost_media", loss)
    assert (done["repair"], again["repair"]) == ("unqueued", "unchanged")
