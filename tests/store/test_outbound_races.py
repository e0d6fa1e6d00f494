"""Workers that claim, record and sweep at the same time, and reports that overtake them."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial

import psycopg
import pytest

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, backend_sessions, call, leases, rows, until_waiting

ROUNDS = 15


class Wire:
    """What is being sent right now, as the workers of one test see it."""

    def __init__(self) -> None:
        self.in_flight: dict[uuid.UUID, uuid.UUID] = {}
        self.sent: defaultdict[uuid.UUID, list[int]] = defaultdict(list)
        self.violations: list[str] = []

    def begin(self, thread: uuid.UUID, message_id: uuid.UUID, number: int) -> None:
        if thread in self.in_flight:
            self.violations.append(f"two in flight: {self.in_flight[thread]} and {message_id}")
        self.in_flight[thread] = message_id
        self.sent[thread].append(number)

    def end(self, thread: uuid.UUID) -> None:
        self.in_flight.pop(thread, None)


async def _work(session: Session, tenant: Tenant, wire: Wire, done: asyncio.Event) -> None:
    """A worker without a network: claims, sends in no time, records."""
    while not done.is_set():
        claimed = await tenant.claim(session, random.randint(1, 8))
        threads = {row["message_id"]: uuid.UUID(row["content"]["thread"]) for row in claimed}
        for row in claimed:
            wire.begin(threads[row["message_id"]], row["message_id"], int(row["content"]["number"]))
        await asyncio.sleep(0)
        for row in claimed:
            wire.end(threads[row["message_id"]])
        results = [lease | {"wamid": lease["message_id"]} for lease in leases(claimed, outcome="done")]
        assert await call(session, "record_outbound", results) == len(claimed)


async def _write(session: Session, tenant: Tenant, threads: list[uuid.UUID], numbers: range) -> None:
    """A frontend: one message after the other into every thread."""
    for number in numbers:
        for thread in random.sample(threads, len(threads)):
            await session.execute(
                "insert into public.messages (workspace_id, conversation_id, type, content) values (%s, %s, 'text', "
                "jsonb_build_object('body', 'x', 'thread', %s::text, 'number', %s::integer))",
                [tenant.workspace_id, thread, thread, number],
            )


async def _drained(session: Session, tenant: Tenant) -> None:
    async with asyncio.timeout(30):
        queued = "select from public.outbox where workspace_id = %s limit 1"
        while await rows(session, queued, tenant.workspace_id):  # noqa: ASYNC110 - other sessions empty it
            await asyncio.sleep(0.01)


async def test_workers_share_no_message_and_keep_the_order_of_each_conversation(
    database: Connect, tenant: Tenant
) -> None:
    async with backend_sessions(database, 8) as (setup, *rest):
        threads = [await tenant.thread(setup, f"97250123456{n}") for n in range(6)]
        wire, done = Wire(), asyncio.Event()
        workers = [asyncio.create_task(_work(session, tenant, wire, done)) for session in rest[:4]]
        # One author per half of the threads: within a thread the numbers are the order of the commits.
        await asyncio.gather(
            _write(rest[4], tenant, threads[:3], range(40)), _write(rest[5], tenant, threads[3:], range(40))
        )
        await _drained(setup, tenant)
        done.set()
        await asyncio.gather(*workers)
    assert wire.violations == []
    assert dict(wire.sent) == {thread: list(range(40)) for thread in threads}


async def test_two_authors_of_one_conversation_never_put_two_messages_in_flight(
    database: Connect, tenant: Tenant
) -> None:
    """messages.seq is drawn before the conversation's lock: in its order a claim could overtake a commit."""
    async with backend_sessions(database, 8) as (setup, *rest):
        threads = [await tenant.thread(setup, f"97250123456{n}") for n in range(2)]
        wire, done = Wire(), asyncio.Event()
        workers = [asyncio.create_task(_work(session, tenant, wire, done)) for session in rest[:3]]
        await asyncio.gather(*(_write(session, tenant, threads, range(14)) for session in rest[3:6]))
        await _drained(setup, tenant)
        done.set()
        await asyncio.gather(*workers)
    assert wire.violations == []
    assert {len(numbers) for numbers in wire.sent.values()} == {42}


async def test_an_insert_that_commits_late_is_sent_late(sessions: list[Session], tenant: Tenant) -> None:
    """The first of two inserts holds the conversation until it commits, so nobody can overtake it."""
    thread = await tenant.thread(sessions[0], "972501234567")
    author, other, worker, _ = sessions
    async with author.transaction():
        first = await tenant.queue(author, thread, "first")
        second = asyncio.create_task(tenant.queue(other, thread, "second"))
        assert await tenant.claim(worker) == []
        assert not second.done()
    assert [row["message_id"] for row in await tenant.claim(worker)] == [first]
    await second
    assert await tenant.claim(worker) == []


Race = Callable[[Session, Tenant, list[dict[str, str]]], Awaitable[object]]


def _record(**result: object) -> Race:
    async def race(session: Session, _tenant: Tenant, held: list[dict[str, str]]) -> object:
        results = [lease | {"wamid": f"wamid.{lease['message_id']}"} | result for lease in held]
        return await call(session, "record_outbound", results)

    return race


async def _release(session: Session, _tenant: Tenant, held: list[dict[str, str]]) -> object:
    return await call(session, "release_outbound", held[::-1])


async def _sweep(session: Session, _tenant: Tenant, held: list[dict[str, str]]) -> object:
    await session.execute(
        "update public.outbox set lease_expires_at = now() where message_id in ("
        "select message_id from public.outbox where message_id = any (%s) order by message_id for update)",
        [[lease["message_id"] for lease in held]],
    )
    return await call(session, "sweep_outbound", 900)


async def _claim(session: Session, tenant: Tenant, _held: list[dict[str, str]]) -> object:
    return await tenant.claim(session)


RACES: dict[str, Race] = {
    "done": _record(outcome="done"),
    "retry": _record(outcome="retry", retry_after=0, wamid=None),
    "reject": _record(outcome="reject", wamid=None),
    "uncertain": _record(outcome="uncertain", wamid=None),
    "release": _release,
    "sweep": _sweep,
}


@pytest.mark.parametrize("name", RACES)
async def test_a_report_that_races_with_the_sender_always_wins(
    name: str, sessions: list[Session], tenant: Tenant
) -> None:
    """Whatever the worker says at that moment: WhatsApp has the message, so it is delivered and never sent again."""
    threads = [await tenant.thread(sessions[0], f"97250123456{n}") for n in range(8)]
    for _ in range(ROUNDS):
        messages = [str(await tenant.queue(sessions[0], thread)) for thread in threads]
        held = leases(await tenant.claim(sessions[0]))
        assert {lease["message_id"] for lease in held} == set(messages)
        reports = [tenant.status(f"wamid.{message}", "delivered", callback_data=message) for message in messages]
        await asyncio.gather(
            RACES[name](sessions[0], tenant, held),
            call(sessions[1], "record_inbound", [], [], random.sample(reports, len(reports))),
            call(sessions[2], "record_inbound", [], [], reports),
            _claim(sessions[3], tenant, held),
        )
        found = await rows(
            sessions[0],
            "select message.status, message.wamid = 'wamid.' || message.id as named, "
            "exists (select from public.outbox where message_id = message.id) as queued "
            "from public.messages as message where id = any (%s::uuid[])",
            messages,
        )
        assert found == [{"status": "delivered", "named": True, "queued": False}] * len(messages)


async def test_a_head_that_is_being_claimed_is_not_offered_a_second_time(
    sessions: list[Session], tenant: Tenant
) -> None:
    """The report on an uncertain message lets its followers go, while one of them is being claimed already."""
    worker, receiver, other, observer = sessions
    thread = await tenant.thread(worker, "972501234567")
    lost, follower = [await tenant.queue(worker, thread, body) for body in ("lost", "follower")]
    await call(worker, "record_outbound", leases(await tenant.claim(worker), outcome="uncertain"))
    await worker.execute(
        "update public.outbox set uncertain_since = now() - interval '1 minute' where message_id = %s", [lost]
    )
    await worker.execute("select private.set_heads(array[%s]::uuid[])", [thread])
    report = tenant.status(f"wamid.{lost}", "sent", callback_data=str(lost))
    async with worker.transaction():
        assert [row["message_id"] for row in await tenant.claim(worker)] == [follower]
        settling = asyncio.create_task(call(receiver, "record_inbound", [], [], [report]))
        await until_waiting(observer, receiver)
    await settling
    assert await tenant.claim(other) == []
    (found,) = await rows(observer, "select status from public.messages where id = %s", lost)
    assert found["status"] == "sent"


async def test_two_sweeps_and_a_late_record_settle_each_lease_once(sessions: list[Session], tenant: Tenant) -> None:
    threads = [await tenant.thread(sessions[0], f"97250123456{n}") for n in range(8)]
    for _ in range(ROUNDS):
        for thread in threads:
            await tenant.queue(sessions[0], thread)
        held = leases(await tenant.claim(sessions[0]), outcome="done")
        named = [lease | {"wamid": lease["message_id"]} for lease in held]
        recorded, _, _ = await asyncio.gather(
            call(sessions[0], "record_outbound", named[::-1]),
            _sweep(sessions[1], tenant, held),
            _sweep(sessions[2], tenant, held[::-1]),
        )
        found = await rows(
            sessions[0],
            "select status, count(*) as messages from public.messages where id = any (%s::uuid[]) group by status",
            [lease["message_id"] for lease in held],
        )
        states = {row["status"]: row["messages"] for row in found}
        assert set(states) <= {"sent", "uncertain"}
        assert states.get("sent", 0) == recorded
        await sessions[0].execute("delete from public.outbox where workspace_id = %s", [tenant.workspace_id])


async def until_it_passes(step: Callable[[], Awaitable[object]]) -> object:
    while True:
        try:
            return await step()
        except psycopg.errors.DeadlockDetected:
            continue


async def test_a_conversation_deleted_while_it_is_being_sent_to_leaves_nothing_open(
    sessions: list[Session], tenant: Tenant
) -> None:
    """A deletion may meet a report in a deadlock: Postgres ends one of the two, and whoever it is comes again."""
    threads = [await tenant.thread(sessions[0], f"9725012345{turn:02}") for turn in range(ROUNDS)]
    for thread in threads:
        messages = [str(await tenant.queue(sessions[0], thread)) for _ in range(3)]
        report = tenant.status(f"wamid.{messages[1]}", "sent", callback_data=messages[1])
        delete = partial(sessions[0].execute, "delete from public.conversations where id = %s", [thread])
        await asyncio.gather(
            until_it_passes(delete),
            _claim(sessions[1], tenant, []),
            until_it_passes(partial(call, sessions[2], "record_inbound", [], [], [report])),
            call(sessions[3], "sweep_outbound", 900),
        )
        found = await rows(
            sessions[0], "select id::text, status from public.messages where id = any (%s::uuid[])", messages
        )
        states = {row["id"]: row["status"] for row in found}
        assert states[messages[1]] == "sent"
        assert states[messages[0]] in ("canceled", "failed")
        assert states[messages[2]] == "canceled"
