"""Replicas that record the same events at the same time leave the same rows, and never each other in a deadlock."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from collections.abc import Awaitable, Callable

import psycopg
import pytest

from tests.conftest import Connect
from tests.store.tenant import UNTRUE, Row, Session, Tenant, call, rows, until_waiting

ROUNDS = 12
PEOPLE = 25
PHONES = [f"97250{person:05}" for person in range(PEOPLE)]

Batches = Callable[[list[Row]], tuple[list[Row], list[Row]]]

OVERLAPS: dict[str, Batches] = {
    "same": lambda items: (items, items),
    "reversed": lambda items: (items, items[::-1]),
    "overlapping": lambda items: (items[: len(items) * 2 // 3], items[len(items) // 3 :][::-1]),
    "shuffled": lambda items: (random.sample(items, len(items)), random.sample(items, len(items))),
}


async def _events(session: Session, count: int = 10) -> list[Row]:
    bodies = "\x1e".join(["meta\x1f\x1f\x1f{}"] * count)
    ids = await call(session, "receive_inbound", bodies)
    return [{"id": event_id, "numbers": []} for event_id in ids]


async def _record_at_once(sessions: list[Session], batches: list[tuple[list[Row], list[Row], list[Row]]]) -> None:
    # A deadlock would be raised here: Postgres ends one of the two with 40P01.
    await asyncio.gather(
        *(call(session, "record_inbound", *batch) for session, batch in zip(sessions, batches, strict=True))
    )


@pytest.mark.parametrize("overlap", OVERLAPS)
async def test_two_recordings_of_new_people_make_each_row_once(
    overlap: str, sessions: list[Session], tenant: Tenant
) -> None:
    for turn in range(ROUNDS):
        phones = [f"9725{turn:02}{person:04}" for person in range(PEOPLE)]
        messages = [tenant.message(f"{phone}.{place}", phone) for place in range(3) for phone in phones]
        events = await _events(sessions[0])
        one, two = OVERLAPS[overlap](messages)
        await _record_at_once(sessions[:2], [(events, one, []), (events[::-1], two, [])])
    (found,) = await rows(
        sessions[0],
        """select
          (select count(*) from public.messages where workspace_id = tenant.id) as messages,
          (select count(*) from public.conversations where workspace_id = tenant.id) as conversations,
          (select count(*) from public.contacts where workspace_id = tenant.id) as contacts,
          (select sum(unread_count) from public.conversations where workspace_id = tenant.id) as unread
        from public.workspaces as tenant where id = %s
        """,
        tenant.workspace_id,
    )
    people = ROUNDS * PEOPLE
    assert found == {"messages": 3 * people, "conversations": people, "contacts": people, "unread": 3 * people}
    assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []


@pytest.mark.parametrize("overlap", OVERLAPS)
async def test_what_is_learned_of_known_people_is_written_without_deadlock(
    overlap: str, sessions: list[Session], tenant: Tenant
) -> None:
    """One batch brings user ids, the other new profile names: threads and contacts are locked by both."""
    for turn in range(ROUNDS):
        phones = [f"9725{turn:02}{person:04}" for person in range(PEOPLE)]
        first = [tenant.message(f"{phone}.0", phone, profile_name="before") for phone in phones]
        await call(sessions[0], "record_inbound", [], first, [])
        with_ids = [tenant.message(f"{phone}.1", phone, bsuid=f"IL.{phone}", profile_name="one") for phone in phones]
        with_names = [tenant.message(f"{phone}.2", phone, profile_name="two") for phone in phones]
        one, _ = OVERLAPS[overlap](with_ids)
        _, two = OVERLAPS[overlap](with_names)
        await _record_at_once(sessions[:2], [([], one, []), ([], two, [])])
    assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []


async def test_a_new_user_who_shows_one_identifier_here_and_two_there_is_one_thread(
    sessions: list[Session], tenant: Tenant
) -> None:
    for turn in range(ROUNDS * 2):
        both = [tenant.message(f"{turn}.both.{n}", f"9725{turn:03}{n}", bsuid=f"IL.{turn}.{n}") for n in range(10)]
        by_phone = [tenant.message(f"{turn}.phone.{n}", f"9725{turn:03}{n}") for n in range(8, -1, -2)]
        by_id = [tenant.message(f"{turn}.id.{n}", None, bsuid=f"IL.{turn}.{n}") for n in range(9, 0, -2)]
        await _record_at_once(sessions[:3], [([], batch, []) for batch in random.sample([both, by_phone, by_id], 3)])
    threads = await rows(
        sessions[0],
        "select phone, bsuid from public.conversations where workspace_id = %s",
        tenant.workspace_id,
    )
    assert len(threads) == len({thread["phone"] for thread in threads}) == ROUNDS * 2 * 10
    assert all(thread["bsuid"] for thread in threads)


@pytest.mark.parametrize("overlap", OVERLAPS)
async def test_reports_recorded_at_once_all_count(overlap: str, sessions: list[Session], tenant: Tenant) -> None:
    """Half of them are known by wamid, half by our echoed id: two ways to the same locks."""
    thread = await tenant.thread(sessions[0], "972501234567")
    for turn in range(ROUNDS):
        messages = [await tenant.queue(sessions[0], thread) for _ in range(10)]
        by_id = [tenant.status(f"{turn}.{n}", "sent", callback_data=str(id_)) for n, id_ in enumerate(messages)]
        await call(sessions[0], "record_inbound", [], [], by_id)
        by_wamid = [tenant.status(f"{turn}.{n}", status) for n in range(10) for status in ("delivered", "read")]
        echoed = [report | {"status": "read"} for report in by_id]
        one, two = OVERLAPS[overlap](by_wamid + echoed)
        await _record_at_once(sessions[:2], [([], [], one), ([], [], two)])
    found = await rows(
        sessions[0],
        "select status, count(*) as messages from public.messages where direction = 'outbound' and workspace_id = %s "
        "group by status",
        tenant.workspace_id,
    )
    assert found == [{"status": "read", "messages": ROUNDS * 10}]


async def test_a_member_deletes_contacts_while_their_people_write(
    database: Connect, sessions: list[Session], tenant: Tenant
) -> None:
    async with database() as member:
        await _sign_in(member, tenant)
        for turn in range(ROUNDS):
            messages = [tenant.message(f"{phone}.{turn}", phone, profile_name=str(turn)) for phone in PHONES]
            await asyncio.gather(
                call(sessions[0], "record_inbound", [], messages, []),
                member.execute(
                    "delete from public.contacts where id = any (%s)", [await _contacts(sessions[1], tenant)]
                ),
            )
    assert await _messages(sessions[0], tenant) == ROUNDS * PEOPLE


async def test_a_backend_deletes_contacts_while_their_people_write(sessions: list[Session], tenant: Tenant) -> None:
    """One of the two may be told of a deadlock; whoever is and tries again loses nothing."""
    for turn in range(ROUNDS):
        messages = [tenant.message(f"{phone}.{turn}", phone, profile_name=str(turn)) for phone in PHONES]
        known = await _contacts(sessions[1], tenant)
        await asyncio.gather(
            _insisting(lambda messages=messages: call(sessions[0], "record_inbound", [], messages, [])),
            _insisting(
                lambda known=known: sessions[1].execute("delete from public.contacts where id = any (%s)", [known])
            ),
        )
    assert await _messages(sessions[0], tenant) == ROUNDS * PEOPLE


async def _messages(session: Session, tenant: Tenant) -> int:
    counted = "select count(*) as messages from public.messages where workspace_id = %s"
    (found,) = await rows(session, counted, tenant.workspace_id)
    return int(found["messages"])


async def _contacts(session: Session, tenant: Tenant) -> list[uuid.UUID]:
    of_workspace = "select id from public.contacts where workspace_id = %s"
    known = [row["id"] for row in await rows(session, of_workspace, tenant.workspace_id)]
    return random.sample(known, len(known))


async def _sign_in(session: Session, tenant: Tenant) -> None:
    """From now on the session is a member's, as PostgREST makes it."""
    user = uuid.uuid4()
    await session.execute("insert into auth.users (id) values (%s)", [user])
    await session.execute(
        "insert into public.workspace_members (workspace_id, user_id, role) values (%s, %s, 'agent')",
        [tenant.workspace_id, user],
    )
    claims = {"sub": str(user), "role": "authenticated"}
    await session.execute("select set_config('request.jwt.claims', %s, false)", [json.dumps(claims)])
    await session.execute("set role authenticated")


async def _insisting(work: Callable[[], Awaitable[object]]) -> None:
    while True:
        try:
            await work()
        except psycopg.errors.DeadlockDetected:
            continue
        return


async def test_events_swept_and_recorded_at_once_end_processed(sessions: list[Session]) -> None:
    for _ in range(ROUNDS):
        events = await _events(sessions[0], 50)
        ids = [event["id"] for event in events]
        await sessions[0].execute(
            "update public.webhook_events set lease_expires_at = now() where id = any (%s)", [ids]
        )
        shuffled = random.sample(events, len(events))
        await asyncio.gather(
            call(sessions[0], "record_inbound", shuffled, [], []),
            call(sessions[1], "record_inbound", events, [], []),
            rows(sessions[2], "select id from public.claim_inbound(1000, 30)"),
            call(sessions[3], "sweep_inbound", 5),
        )
        states = await rows(sessions[0], "select distinct state from public.webhook_events where id = any (%s)", ids)
        assert states == [{"state": "processed"}]


async def test_claims_of_the_journal_share_nothing(sessions: list[Session]) -> None:
    events = [event["id"] for event in await _events(sessions[0], 200)]
    await sessions[0].execute("update public.webhook_events set lease_expires_at = now() where id = any (%s)", [events])
    taken = await asyncio.gather(
        *(rows(session, "select id from public.claim_inbound(70, 30)") for session in sessions)
    )
    claimed = [row["id"] for batch in taken for row in batch]
    assert len(claimed) == len(set(claimed))
    assert set(events) <= set(claimed) or len(claimed) == 280


async def test_the_same_body_received_by_two_replicas_is_two_events(sessions: list[Session]) -> None:
    body = f'meta\x1f\x1f\x1f{{"only": "{uuid.uuid4()}"}}'
    (one,), (two,) = await asyncio.gather(*(call(session, "receive_inbound", body) for session in sessions[:2]))
    assert one != two


async def test_two_threads_become_one_while_somebody_queues_to_them(sessions: list[Session], tenant: Tenant) -> None:
    """Who queues holds the keys of all their threads and waits for the first, which a third one has."""
    by_phone = await tenant.thread(sessions[0], "972501234567")
    told = tenant.message("w.id", None, bsuid="IL.one")
    await call(sessions[0], "record_inbound", [], [told], [])
    (by_id,) = await rows(
        sessions[0],
        "select id from public.conversations where workspace_id = %s and bsuid = 'IL.one'",
        tenant.workspace_id,
    )
    waited_for = None
    while waited_for is None or waited_for > min(by_phone, by_id["id"]):
        waited_for = await tenant.thread(sessions[0], f"9725{random.randrange(10**8):08}")
    queue = """insert into public.messages (workspace_id, conversation_id, type, content)
        select %s, id, 'template', '{"name": "hello", "language": {"code": "he"}}' from unnest(%s::uuid[]) as id"""
    async with sessions[0].transaction():
        await sessions[0].execute("select from public.conversations where id = %s for no key update", [waited_for])
        queueing = asyncio.create_task(
            sessions[1].execute(queue, [tenant.workspace_id, [by_phone, by_id["id"], waited_for]])
        )
        await until_waiting(sessions[0], sessions[1])
        both = tenant.message("w.both", "972501234567", bsuid="IL.one")
        recording = asyncio.create_task(call(sessions[2], "record_inbound", [], [both], []))
        await until_waiting(sessions[0], sessions[2])
    await asyncio.gather(queueing, recording)
    found = "select from public.conversations where workspace_id = %s and (bsuid = 'IL.one' or phone = '972501234567')"
    assert len(await rows(sessions[0], found, tenant.workspace_id)) == 1
    assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []
