"""Two threads turn out to be one person while messages to both are on their way: one line, and each of them ends."""

from __future__ import annotations

import asyncio
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.store.tenant import Session, Tenant, call, leases, rows
from tests.store.test_outbound_races import RACES, ROUNDS, until_it_passes

PHONE, BSUID = "972501234567", "IL.13491208655302741918"


async def threads_of(session: Session, tenant: Tenant) -> tuple[uuid.UUID, uuid.UUID]:
    """One person in two threads: by number, and by user id."""
    for wamid, phone, bsuid in ((uuid.uuid4().hex, PHONE, None), (uuid.uuid4().hex, None, BSUID)):
        await call(session, "record_inbound", [], [said(tenant, wamid, phone, bsuid)], [])
    found = await rows(
        session, "select id, phone from public.conversations where workspace_id = %s", tenant.workspace_id
    )
    by_phone = {row["phone"]: row["id"] for row in found}
    return by_phone[PHONE], by_phone[None]


async def meet(session: Session, tenant: Tenant) -> uuid.UUID:
    """They write once more, and now both are seen."""
    assert await call(session, "record_inbound", [], [said(tenant, uuid.uuid4().hex, PHONE, BSUID)], []) is not None
    (thread,) = await rows(session, "select id from public.conversations where workspace_id = %s", tenant.workspace_id)
    merged: uuid.UUID = thread["id"]
    return merged


def said(tenant: Tenant, wamid: str, phone: str | None, bsuid: str | None) -> dict[str, object]:
    return tenant.message(wamid, phone, bsuid=bsuid, occurred_at=datetime.now(UTC).isoformat())


@pytest.mark.parametrize("flying", [(), (0,), (1,), (0, 1)], ids=["none", "by number", "by user id", "both"])
async def test_the_lines_of_both_become_one_and_everybody_goes_in_turn(
    flying: tuple[int, ...], sessions: list[Session], tenant: Tenant
) -> None:
    session = sessions[0]
    threads = await threads_of(session, tenant)
    heads = [await tenant.queue(session, thread, "head") for thread in threads]
    held = await tenant.claim(session)
    back = [row for row in held if row["message_id"] not in [heads[place] for place in flying]]
    await call(session, "release_outbound", leases(back))
    held = [row for row in held if row not in back]
    followers = [await tenant.queue(session, thread, "follower") for thread in threads]

    await meet(session, tenant)
    sent: list[uuid.UUID] = []
    for _ in range(8):
        assert not held or await tenant.claim(session) == [], "beside one on the wire"
        sent += [row["message_id"] for row in held]
        results = [lease | {"wamid": lease["message_id"]} for lease in leases(held, outcome="done")]
        assert await call(session, "record_outbound", results) == len(held)
        held = await tenant.claim(session)
    assert sorted(sent[:2]) == sorted(heads)
    assert sent[2:] == followers


async def test_of_two_on_the_wire_each_holds_the_line_and_keeps_its_place(
    sessions: list[Session], tenant: Tenant
) -> None:
    session = sessions[0]
    threads = await threads_of(session, tenant)
    heads = [await tenant.queue(session, thread, "head") for thread in threads]
    held = {row["message_id"]: row for row in await tenant.claim(session)}
    follower = await tenant.queue(session, threads[0], "follower")
    await meet(session, tenant)
    wamid = {"wamid": str(heads[0])}
    await call(session, "record_outbound", [leases([held[heads[0]]], outcome="done")[0] | wamid])
    assert await tenant.claim(session) == []
    assert (await explained(session, follower))["detail"]["behind"] == str(heads[1])
    await call(session, "record_outbound", leases([held[heads[1]]], outcome="retry", retry_after=0))
    again = await tenant.claim(session)
    assert [row["message_id"] for row in again] == [heads[1]]
    assert await call(session, "release_outbound", leases(again)) == 1
    await call(session, "record_outbound", leases(await tenant.claim(session), outcome="uncertain"))
    assert await tenant.claim(session) == []
    await call(session, "sweep_outbound", 0)
    assert [row["message_id"] for row in await tenant.claim(session)] == [follower]


@pytest.mark.parametrize("name", RACES)
async def test_a_merge_that_races_with_the_sender_leaves_one_line(
    name: str, sessions: list[Session], tenant: Tenant
) -> None:
    for _ in range(ROUNDS):
        threads = await threads_of(sessions[0], tenant)
        messages = [await tenant.queue(sessions[0], threads[place % 2]) for place in range(4)]
        held = leases(await tenant.claim(sessions[0]))
        assert len(held) == 2
        _, thread, claimed = await asyncio.gather(
            until_it_passes(lambda held=held: RACES[name](sessions[1], tenant, held)),
            until_it_passes(lambda: meet(sessions[2], tenant)),
            tenant.claim(sessions[3]),
        )
        (line,) = await rows(
            sessions[0],
            "select count(distinct conversation_id) as lines, count(*) filter (where ready_at is not null) as heads"
            " from public.outbox where message_id = any (%s)",
            messages,
        )
        assert line["lines"] <= 1
        assert line["heads"] <= (0 if claimed else 1)
        await sessions[0].execute("delete from public.conversations where id = %s", [thread])
        await sessions[0].execute(
            "delete from private.identity_changes where connection_id = %s", [tenant.connection_id]
        )


async def explained(session: Session, message_id: uuid.UUID) -> dict[str, Any]:
    answer: dict[str, Any] = await call(session, "explain_outbound", message_id)
    return answer
