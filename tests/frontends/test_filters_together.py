"""Filters in any combination choose what a plain reading of them does, on pages of any size, whatever happens."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.frontends.member import Member
from tests.store.tenant import UNTRUE, Session, Tenant, call, rows

WORDS = ["apple", "banana", "cherry", "shalom", "שלום", "מחיר", "مرحبا", "10%"]
NAMES = ["Dana Levi", "Noa", "אבי כהן", "Müller", "علي"]
TAGS = ["vip", "new", "50% off", "a,b", "שלום"]
THREADS = 60
BOTH = """
    select private.page_by_walking(asked.f, true, null, 2000) as walked, private.find_conversations(asked.f) as gathered
    from (select private.read_filters(%s, %s) as f) as asked"""
COUNTED = """
    select count(*) as total, count(*) filter (where status = 'archived') as archived,
      count(*) filter (where status = 'open' and unread_count > 0) as unread,
      count(*) filter (where status = 'open' and coalesce(window_expires_at <= now(), true)) as window_closed
    from public.conversations where workspace_id = %s"""


@dataclass
class Known:
    """A thread as the test made it."""

    id: str
    phone: str
    name: str
    body: str
    tags: list[str]
    connection: str
    status: str
    unread: bool
    assigned: str | None
    place: int

    def fits(self, filters: dict[str, Any], me: str) -> bool:
        status = filters.get("status") or "open"
        if status != "all" and self.status != status:
            return False
        if filters.get("unread") is not None and self.unread != filters["unread"]:
            return False
        if (who := filters.get("assignee")) is not None:
            wanted = {"me": me, "nobody": None}.get(who, who)
            if self.assigned != wanted:
                return False
        if not set(filters.get("tags") or []) <= set(self.tags):
            return False
        if filters.get("connection_id") and self.connection != filters["connection_id"]:
            return False
        search = filters.get("search")
        return search is None or self.found(search)

    def found(self, search: str) -> bool:
        if search.isdigit():
            return self.phone.startswith(search) or self.phone.endswith(search)
        word = search.lower().rstrip("%")
        names = [part.lower() for part in self.name.split()]
        bodies = [part.lower().rstrip("%") for part in self.body.split()]
        return any(name.startswith(word) for name in names) or any(
            said == word or (len(word) >= 3 and said.startswith(word)) for said in bodies
        )


@pytest.fixture
async def known(tenant: Tenant, backend: Session, member: Member, owner: Member) -> list[Known]:
    """Threads of two numbers, of every state, newest first."""
    dice = random.Random(6)
    await backend.execute("update public.workspaces set connection_limit = 2 where id = %s", [tenant.workspace_id])
    second = Tenant(tenant.workspace_id, uuid.uuid4(), uuid.uuid4().hex)
    await backend.execute(
        "insert into public.whatsapp_connections (id, workspace_id, phone_number_id) values (%s, %s, %s)",
        [second.connection_id, second.workspace_id, second.phone_number_id],
    )
    made = []
    for n in range(THREADS):
        number = dice.choice([tenant, second])
        phone, name = f"97250{dice.randrange(10):01}{n:06}", dice.choice(NAMES)
        body = " ".join(dice.sample(WORDS, 2))
        # Three at a time share a second.
        told = number.message(
            f"w.{n}", phone, content={"body": body}, occurred_at=f"2026-11-01T12:00:{n // 3:02}Z", profile_name=name
        )
        await call(backend, "record_inbound", [], [told], [])
        (thread,) = await rows(
            backend,
            "select id::text, contact_id::text as contact from public.conversations"
            " where workspace_id = %s and phone = %s",
            tenant.workspace_id,
            phone,
        )
        one = Known(
            *(thread["id"], phone, name, body, dice.sample(TAGS, dice.randrange(4)), str(number.connection_id)),
            *(dice.choice(["open", "open", "archived"]), dice.random() < 0.5),
            *(dice.choice([None, member.user_id, owner.user_id]), n // 3),
        )
        await backend.execute("update public.contacts set tags = %s where id = %s", [one.tags, thread["contact"]])
        if not one.unread:
            await member.call("mark_as_read", conversation_id=one.id)
        if one.status == "archived":
            await member.call("archive_conversation", conversation_id=one.id)
        await member.call("assign_conversation", conversation_id=one.id, user_id=one.assigned)
        made.append(one)
    return sorted(made, key=lambda one: (one.place, one.id), reverse=True)


def combinations(known: list[Known], me: str, other: str, count: int) -> list[dict[str, Any]]:
    dice = random.Random(66)
    searches = [*WORDS, "ban", "sha", "dan", "lev", "אב", "כהן", "mül", "97250", "972", "000017", "zzz", "علي", "מח"]
    choices: dict[str, list[Any]] = {
        "status": ["open", "archived", "all", "all", None],
        "unread": [True, False, None],
        "assignee": ["me", "nobody", me, other, other.upper(), str(uuid.uuid4())],
        "tags": [[tag] for tag in TAGS] + [TAGS[:2], [], ["none"], TAGS],
        "connection_id": [
            known[0].connection,
            next(k.connection for k in known if k.connection != known[0].connection),
        ],
        "search": searches,
    }
    return [{key: dice.choice(values) for key, values in choices.items() if dice.random() < 0.45} for _ in range(count)]


async def test_any_combination_is_what_each_says(
    member: Member, owner: Member, tenant: Tenant, known: list[Known]
) -> None:
    dice = random.Random(5)
    hits = 0
    for filters in combinations(known, member.user_id, owner.user_id, 250):
        plain = filters | ({"assignee": filters["assignee"].lower()} if filters.get("assignee") else {})
        expected = [one.id for one in known if one.fits(plain, member.user_id)]
        found = await member.pages(tenant.workspace_id, limit=dice.choice([1, 3, 7, 200]), **filters)
        assert [row["id"] for row in found] == expected, filters
        hits += bool(expected)
    # Or the test shows that nothing is nothing.
    assert hits > 80


async def test_looking_into_one_after_the_other_finds_what_gathering_finds(
    member: Member, owner: Member, tenant: Tenant, known: list[Known], database: Connect
) -> None:
    """The way of a full workspace, where too many threads have a word to gather them."""
    async with database() as session:
        claims = Jsonb({"role": "authenticated", "sub": member.user_id})
        await session.execute("select set_config('request.jwt.claims', %s::jsonb::text, false)", [claims])
        for filters in combinations(known, member.user_id, owner.user_id, 250):
            (found,) = await rows(session, BOTH, tenant.workspace_id, Jsonb({**filters, "limit": 7}))
            assert found["walked"] == found["gathered"], filters


async def test_counts_are_what_a_plain_count_gives_whatever_happened(
    member: Member, tenant: Tenant, known: list[Known], backend: Session
) -> None:
    # In the order of their making: who is newer within a second is a matter of ids, and what becomes of whom would be.
    for n, one in enumerate(sorted(known, key=lambda one: one.phone[-6:])):
        match n % 6:
            case 0:
                await _becomes_one(backend, tenant, one, f"IL.{one.phone}")
            case 1:
                await backend.execute("delete from public.conversations where id = %s", [one.id])
            case 2:
                await member.call("unarchive_conversation", conversation_id=one.id)
            case 3:
                await member.call("mark_as_read", conversation_id=one.id)
            case 4:
                now = {"phone_number_id": await _number(backend, one), "occurred_at": datetime.now(UTC).isoformat()}
                await call(backend, "record_inbound", [], [{**tenant.message(f"w.now.{n}", one.phone), **now}], [])
        if n % 12 == 0:
            (counted,) = await rows(backend, COUNTED, tenant.workspace_id)
            assert await member.call("get_conversation_stats", workspace_id=str(tenant.workspace_id)) == [counted]
    assert counted["unread"] > 5 and counted["archived"] > 5 and counted["total"] - counted["archived"] > 10
    assert 5 < counted["window_closed"] < counted["total"] - counted["archived"]
    assert await rows(backend, UNTRUE, tenant.workspace_id) == []


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"status": "all"},
        {"status": "all", "search": "97250"},
        {"search": "sha"},
        {"status": "all", "tags": ["vip"]},
    ],
    ids=str,
)
async def test_pages_hold_while_threads_arrive_merge_and_are_put_away(
    filters: dict[str, Any], member: Member, tenant: Tenant, known: list[Known], backend: Session
) -> None:
    dice = random.Random(str(filters))
    expected = [one for one in known if one.fits(filters, member.user_id)]
    touched: set[str] = set()
    seen: list[str] = []
    more: dict[str, Any] = {}
    while page := await member.list(tenant.workspace_id, limit=5, **filters, **more):
        seen += [row["id"] for row in page]
        more = {"cursor": page[-1]["cursor"]}
        for one in dice.sample(known, 2):
            touched.add(one.id)
            match dice.randrange(4):
                case 0:
                    await member.call("archive_conversation", conversation_id=one.id)
                case 1:
                    await member.call("unarchive_conversation", conversation_id=one.id)
                case 2:
                    await backend.execute("delete from public.conversations where id = %s", [one.id])
                case _:
                    await _becomes_one(backend, tenant, one, f"IL.{one.phone}")
    assert len(seen) == len(set(seen))
    quiet = [one.id for one in expected if one.id not in touched]
    assert [thread for thread in seen if thread not in touched and thread in {one.id for one in known}] == quiet


async def _becomes_one(backend: Session, tenant: Tenant, one: Known, bsuid: str) -> None:
    """Somebody known by a user id turns out to be the person of this thread."""
    told = {**tenant.message(f"w.id.{one.phone}", None), "phone_number_id": await _number(backend, one)}
    late = {"occurred_at": "2026-11-01T12:00:05Z"}
    await call(backend, "record_inbound", [], [{**told, "bsuid": bsuid, **late}], [])
    both = {**told, "wamid": f"w.both.{one.phone}", "wa_id": one.phone, "bsuid": bsuid, **late}
    await call(backend, "record_inbound", [], [both], [])
    found = "select from public.conversations where workspace_id = %s and bsuid = %s"
    assert len(await rows(backend, found, tenant.workspace_id, bsuid)) == 1


async def _number(backend: Session, one: Known) -> str:
    (number,) = await rows(
        backend, "select phone_number_id from public.whatsapp_connections where id = %s", uuid.UUID(one.connection)
    )
    return str(number["phone_number_id"])
