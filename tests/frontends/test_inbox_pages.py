"""Pages of the inbox neither repeat nor skip, whatever arrives between them, and whichever way they are found."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tests.frontends.member import Member
from tests.store.tenant import Session, Tenant, call, rows

PEOPLE = 60


@pytest.fixture
async def people(backend: Session, tenant: Tenant) -> list[str]:
    """Threads, newest first; three at a time share a second."""
    told = [
        tenant.message(
            f"w.{n}",
            str(972500000000 + n),
            content={"body": f"hello number {n}"},
            occurred_at=f"2026-11-01T12:00:{n // 3:02}Z",
            profile_name=f"Customer {n}",
        )
        for n in range(PEOPLE)
    ]
    await call(backend, "record_inbound", [], told, [])
    found = await rows(
        backend,
        "select id::text from public.conversations where workspace_id = %s order by last_message_at desc, id desc",
        tenant.workspace_id,
    )
    return [row["id"] for row in found]


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "all"},
        {"unread": True},
        {"assignee": "nobody"},
        {"search": "hello"},
        {"search": "customer"},
        {"search": "97250"},
    ],
    ids=str,
)
async def test_pages_are_the_whole_list(
    filters: dict[str, object], member: Member, tenant: Tenant, people: list[str]
) -> None:
    assert [row["id"] for row in await member.pages(tenant.workspace_id, limit=7, **filters)] == people


async def test_what_moves_to_the_top_leaves_no_gap_behind(
    member: Member, tenant: Tenant, people: list[str], backend: Session
) -> None:
    seen: list[str] = []
    cursor: dict[str, str] = {}
    moved: set[str] = set()
    while page := await member.list(tenant.workspace_id, limit=7, **cursor):
        seen += [row["id"] for row in page]
        cursor = {"cursor": page[-1]["cursor"]}
        # Of those seen and those to come, one each writes again.
        for thread in (page[0]["id"], *(people[len(seen) + 3 : len(seen) + 4])):
            moved.add(thread)
            (row,) = await rows(backend, "select phone from public.conversations where id = %s", thread)
            again = tenant.message(f"w.{thread}.{len(seen)}", row["phone"], occurred_at="2026-11-01T13:00:00Z")
            await call(backend, "record_inbound", [], [again], [])
    assert len(seen) == len(set(seen))
    assert [thread for thread in people if thread not in moved] == [thread for thread in seen if thread not in moved]
    # Who moved is at the top when the list is read again.
    top = await member.list(tenant.workspace_id, limit=len(moved))
    assert {row["id"] for row in top} == moved


async def test_pages_hold_while_many_write_at_once(
    member: Member, tenant: Tenant, people: list[str], backend: Session
) -> None:
    async def traffic() -> None:
        for n in range(200):
            told = [tenant.message(f"w.new.{n}", str(15550000000 + n), occurred_at="2026-11-01T14:00:00Z")]
            await call(backend, "record_inbound", [], told, [])

    writing = asyncio.create_task(traffic())
    rounds = 0
    while not writing.done() or rounds == 0:
        listed = await member.pages(tenant.workspace_id, limit=9)
        old = [row["id"] for row in listed if row["id"] in set(people)]
        assert old == people
        assert all(a["last_message_at"] >= b["last_message_at"] for a, b in pairwise(listed))
        rounds += 1
    await writing
