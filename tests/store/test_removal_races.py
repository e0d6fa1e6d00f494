"""Removals beside what puts files back and beside each other, on sessions of their own."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

from tests.flows.waiting import until
from tests.store.tenant import Session, Tenant, call, put_object, rows

OBJECTS = 12


async def _message(session: Session, tenant: Tenant) -> tuple[uuid.UUID, str]:
    """A message whose file has left it by retention, and the name of that file."""
    message_id = uuid.uuid4()
    name = f"{tenant.workspace_id}/none/{message_id}"
    await session.execute(
        "insert into public.messages (id, workspace_id, connection_id, direction, status, type, content)"
        " values (%s, %s, %s, 'inbound', 'received', 'image', '{}')",
        [message_id, tenant.workspace_id, tenant.connection_id],
    )
    await put_object(session, f"{name}.jpg")
    await session.execute("select private.queue_removal(%s, %s, 'expired')", [name, tenant.workspace_id])
    return message_id, name


async def _fetch_again(session: Session, tenant: Tenant, message_id: uuid.UUID, name: str) -> Any:
    """As retry_media does; in how many seconds the file may be fetched, 0 where at once."""
    (row,) = await rows(
        session,
        "insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline)"
        " values (%s, %s, %s, %s, '1', now() + interval '1 hour') returning message_id",
        message_id,
        tenant.workspace_id,
        tenant.connection_id,
        name,
    )
    wait = "coalesce(extract(epoch from available_at - now()), 0)::float as wait"
    (row,) = await rows(session, f"select {wait} from media_downloads where message_id = %s", row["message_id"])
    return row["wait"]


async def _claimed(session: Session, tenant: Tenant) -> list[str]:
    """The prefixes of this tenant that a claim of everything gives."""
    found = await rows(session, "select prefix from public.claim_removals(1000, 60)")
    return [row["prefix"] for row in found if row["prefix"].startswith(str(tenant.workspace_id))]


async def test_a_file_that_is_fetched_again_waits_for_the_claim_of_this_moment(
    sessions: list[Session], tenant: Tenant
) -> None:
    message_id, name = await _message(sessions[0], tenant)
    async with sessions[0].transaction():
        assert await _claimed(sessions[0], tenant) == [name]
        fetching = asyncio.create_task(_fetch_again(sessions[1], tenant, message_id, name))
        # Other sessions' queries are shown to postgres alone.
        await sessions[2].execute("reset role")
        blocked = "select from pg_stat_activity where wait_event_type = 'Lock' and query like %s"
        await until(lambda: rows(sessions[2], blocked, "insert into public.media_downloads%"))
        assert not fetching.done()
    assert await fetching > 60
    assert await _claimed(sessions[0], tenant) == []


async def test_a_file_that_is_fetched_again_before_a_claim_is_not_removed(
    sessions: list[Session], tenant: Tenant
) -> None:
    message_id, name = await _message(sessions[0], tenant)
    async with sessions[0].transaction():
        assert await _fetch_again(sessions[0], tenant, message_id, name) <= 0
        assert await _claimed(sessions[1], tenant) == []
    assert await _claimed(sessions[1], tenant) == []
    assert await rows(sessions[1], "select from private.media_removals where prefix = %s", name) == []


async def test_two_claims_at_once_share_what_is_due(sessions: list[Session], tenant: Tenant) -> None:
    names = [(await _message(sessions[0], tenant))[1] for _ in range(OBJECTS)]
    claims = await asyncio.gather(*(_claimed(session, tenant) for session in sessions))
    assert sorted(prefix for claim in claims for prefix in claim) == sorted(names)


async def test_a_result_with_an_old_token_changes_nothing(sessions: list[Session], tenant: Tenant) -> None:
    _, name = await _message(sessions[0], tenant)
    (first,) = [
        row
        for row in await rows(sessions[0], "select prefix, lease_token from public.claim_removals(1000, 0)")
        if row["prefix"] == name
    ]
    assert await _claimed(sessions[1], tenant) == [name]
    stale = {"prefix": name, "lease_token": str(first["lease_token"])}
    assert await call(sessions[0], "record_removals", [stale | {"removed": 1}]) == 0
    assert await call(sessions[0], "release_removals", [stale]) == 0
    (row,) = await rows(sessions[0], "select attempts, lease_token from private.media_removals where prefix = %s", name)
    assert (row["attempts"], row["lease_token"] is not None) == (2, True)
