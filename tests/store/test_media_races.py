"""Workers that claim, record and sweep files at the same time, and people who delete and retry meanwhile."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg.rows import DictRow

from tests.store.tenant import Row, Session, Tenant, call, leases, rows, until_waiting

ROUNDS = 10


async def _files(session: Session, tenant: Tenant, amount: int, *, at_once: int = 64) -> list[str]:
    """Messages whose files wait, of a number that fetches so many at once; nobody else's, who would take turns."""
    await session.execute("delete from public.media_downloads where workspace_id <> %s", [tenant.workspace_id])
    await session.execute(
        "update public.whatsapp_connections set media_downloads_at_once = %s where id = %s",
        [at_once, tenant.connection_id],
    )
    now = datetime.now(UTC).isoformat()
    names = [uuid.uuid4().hex for _ in range(amount)]
    told = [
        tenant.message(name, "972501234567", type="image", content={}, media_id=name, occurred_at=now) for name in names
    ]
    await call(session, "record_inbound", [], told, [])
    found = await rows(
        session,
        "select id::text from public.messages where workspace_id = %s and wamid = any (%s)",
        tenant.workspace_id,
        names,
    )
    return [row["id"] for row in found]


async def _claim(session: Session, tenant: Tenant, files: int = 64, seconds: int = 60) -> list[DictRow]:
    claimed = await rows(session, "select * from public.claim_media(%s, %s)", files, seconds)
    return [row for row in claimed if row["workspace_id"] == tenant.workspace_id]


def _results(claimed: list[DictRow], outcome: str) -> list[Row]:
    return leases(claimed, outcome=outcome, path="somewhere")


async def _states(session: Session, tenant: Tenant) -> Counter[tuple[str, bool]]:
    """How many messages are in each state, and whether the queue has their files."""
    found = await rows(
        session,
        "select media_status as state, "
        "exists (select from public.media_downloads where message_id = message.id) as waits "
        "from public.messages as message where workspace_id = %s and type = 'image'",
        tenant.workspace_id,
    )
    return Counter((row["state"], row["waits"]) for row in found)


async def test_media_claims_share_nothing_and_a_late_record_meets_the_sweep(
    sessions: list[Session], tenant: Tenant
) -> None:
    await _files(sessions[0], tenant, 60)
    taken = await asyncio.gather(*(_claim(session, tenant, 40, 0) for session in sessions))
    claimed = [row for batch in taken for row in batch]
    assert len({row["message_id"] for row in claimed}) == len(claimed) == 60
    stored, _, _, released = await asyncio.gather(
        call(sessions[0], "record_media", _results(claimed[:40], "stored")[::-1]),
        call(sessions[1], "sweep_media"),
        call(sessions[2], "sweep_media"),
        call(sessions[3], "release_media", leases(claimed)[::-1]),
    )
    states = await _states(sessions[0], tenant)
    assert set(states) <= {("stored", False), ("pending", True)}
    assert states[("stored", False)] == stored
    assert stored + released <= 60


async def test_claims_at_once_never_exceed_what_a_number_may_fetch(sessions: list[Session], tenant: Tenant) -> None:
    for _ in range(ROUNDS):
        await _files(sessions[0], tenant, 20, at_once=5)
        taken = await asyncio.gather(*(_claim(session, tenant, 4) for session in sessions))
        claimed = [row for batch in taken for row in batch]
        assert len({row["message_id"] for row in claimed}) == len(claimed) == 5
        # Those who record make room for those who claim, file by file and no more.
        recorded, *more = await asyncio.gather(
            call(sessions[0], "record_media", _results(claimed[:3], "stored")),
            *(_claim(session, tenant, 4) for session in sessions[1:]),
        )
        assert recorded == 3
        assert sum(len(batch) for batch in more) <= 3
        (flying,) = await rows(
            sessions[0],
            "select count(*) as files from public.media_downloads where connection_id = %s and lease_token is not null",
            tenant.connection_id,
        )
        assert 2 <= flying["files"] <= 5
        await sessions[0].execute("delete from public.media_downloads where workspace_id = %s", [tenant.workspace_id])


async def test_a_claim_passes_by_a_message_that_is_being_deleted(sessions: list[Session], tenant: Tenant) -> None:
    """The deletion holds the message and comes for its place in the queue: nobody may wait for it with that."""
    deleter, worker, *_ = sessions
    gone, kept = await _files(deleter, tenant, 2)
    async with deleter.transaction():
        await deleter.execute("select from public.messages where id = %s for update", [gone])
        async with asyncio.timeout(5):
            assert [str(row["message_id"]) for row in await _claim(worker, tenant)] == [kept]
        await deleter.execute("delete from public.messages where id = %s", [gone])
    assert await _claim(worker, tenant) == []


@pytest.mark.parametrize("function", ["record_media", "release_media"])
async def test_whoever_records_steps_back_for_a_deletion(
    function: str, sessions: list[Session], tenant: Tenant
) -> None:
    deleter, worker, observer, _ = sessions
    gone, kept = await _files(deleter, tenant, 2)
    results = _results(await _claim(worker, tenant), "stored")
    async with deleter.transaction():
        await deleter.execute("select from public.messages where id = %s for update", [gone])
        writing = asyncio.create_task(call(worker, function, results))
        await until_waiting(observer, worker)
        # Deadlocked from here on, but for the one that gives up.
        await deleter.execute("delete from public.messages where id = %s", [gone])
    with pytest.raises(psycopg.errors.LockNotAvailable):
        await writing
    assert await call(worker, function, results) == 1
    (left,) = await rows(observer, "select id::text from public.messages where id = any (%s::uuid[])", [gone, kept])
    assert left["id"] == kept


async def test_sweeps_claims_and_deletions_at_once_end_without_a_deadlock(
    sessions: list[Session], tenant: Tenant
) -> None:
    for _ in range(ROUNDS):
        files = await _files(sessions[0], tenant, 40)
        await _claim(sessions[0], tenant, 40, 0)
        removals = asyncio.create_task(_delete(sessions[0], files[::2]))
        await asyncio.gather(
            *(call(session, "sweep_media") for session in sessions[1:]), _claim(sessions[1], tenant, 40, 0), removals
        )
        await call(sessions[0], "sweep_media")
        assert set(await _states(sessions[0], tenant)) == {("pending", True)}
        await _delete(sessions[0], files[1::2])


async def _delete(session: Session, messages: list[str]) -> None:
    for message in messages:
        await session.execute("delete from public.messages where id = %s", [message])


async def test_a_file_that_two_ask_for_again_is_queued_once(sessions: list[Session], tenant: Tenant) -> None:
    for _ in range(ROUNDS):
        (message,) = await _files(sessions[0], tenant, 1)
        await call(sessions[0], "record_media", _results(await _claim(sessions[0], tenant), "failed"))
        answers = await asyncio.gather(
            *(call(session, "retry_media", message) for session in sessions), return_exceptions=True
        )
        refusals = [answer for answer in answers if isinstance(answer, psycopg.Error)]
        assert [refusal.sqlstate for refusal in refusals] == ["WA008"] * 3
        claimed = await _claim(sessions[0], tenant)
        assert [(str(row["message_id"]), row["attempts"]) for row in claimed] == [(message, 1)]
        await call(sessions[0], "record_media", _results(claimed, "stored"))


async def test_a_worker_that_lost_its_lease_changes_nothing(sessions: list[Session], tenant: Tenant) -> None:
    """Its file has been fetched by another meanwhile, or asked for again by somebody."""
    slow, quick, *_ = sessions
    (message,) = await _files(slow, tenant, 1)
    old = await _claim(slow, tenant, seconds=0)
    await call(quick, "sweep_media")
    current = await _claim(quick, tenant)
    assert await call(slow, "record_media", _results(old, "corrupt")) == 0
    assert await call(slow, "extend_media", leases(old), 60) == 0
    assert await call(slow, "release_media", leases(old)) == 0
    assert await _states(slow, tenant) == {("downloading", True): 1}
    assert await call(quick, "record_media", _results(current, "failed")) == 1
    await call(quick, "retry_media", message)
    assert await call(slow, "record_media", _results(current, "stored")) == 0
    assert await _states(slow, tenant) == {("pending", True): 1}
    assert await call(quick, "record_media", _results(await _claim(quick, tenant), "stored")) == 1
    for outcome in ("failed", "retry", "stored"):
        assert await call(slow, "record_media", _results(current, outcome)) == 0
    assert await _states(slow, tenant) == {("stored", False): 1}
