"""The inbox reads a page and little more of 20,000 conversations, whatever is asked. Rows count, not milliseconds.

They are counted where Postgres counts them, for the whole call, so the functions inside have no place to hide.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any, LiteralString

import pytest
from psycopg.sql import SQL, Identifier
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, rows

CONVERSATIONS = 20_000
PAGE = 50
# Eight lists with a page each, each row by its index entry and itself, and the threads and contacts of one page.
ALLOWED = 20 * PAGE
# What a search gathers before it goes through the list instead, through two tables and their indexes.
GATHERED = 5 * 2000
TABLES = ("contacts", "conversations", "messages")

# One in three is open, one in seven unread, one in fifty somebody's; each says hello twice, one says banana.
PEOPLE: LiteralString = """
    insert into public.contacts (workspace_id, phone, profile_name, tags)
    select %(workspace)s, '+97250' || lpad(n::text, 7, '0'), 'Customer Dana' || n,
      case when n %% 1000 = 0 then '{rare}'::text[] else '{common}' end
    from generate_series(1, %(conversations)s) as n"""
THREADS: LiteralString = """
    insert into public.conversations (workspace_id, connection_id, phone, contact_id, status, assigned_to,
      last_message_at, last_customer_message_at, window_expires_at)
    select contact.workspace_id, %(connection)s, substr(contact.phone, 2), contact.id,
      case when n %% 3 = 0 then 'open' else 'archived' end, case when n %% 50 = 0 then %(user)s::uuid end,
      at, at, at + interval '1 day'
    from (select *, row_number() over (order by phone) as n from public.contacts where workspace_id = %(workspace)s)
      as contact, lateral (select now() - contact.n * interval '1 hour' as at) as clock"""
MESSAGES: LiteralString = """
    insert into public.messages (workspace_id, connection_id, conversation_id, wamid, direction, status, type, content,
      occurred_at)
    select thread.workspace_id, thread.connection_id, thread.id, thread.id || '.' || turn, 'inbound', 'received',
      'text', jsonb_build_object('body', 'hello ' || case thread.phone when '972500000777' then 'banana' else '' end),
      thread.last_message_at - turn * interval '1 minute'
    from public.conversations as thread, generate_series(0, 1) as turn where thread.workspace_id = %(workspace)s"""
LONG: LiteralString = """
    insert into public.messages (workspace_id, connection_id, conversation_id, wamid, direction, status, type, content,
      occurred_at)
    select thread.workspace_id, thread.connection_id, thread.id, thread.id || '.long.' || turn, 'inbound', 'received',
      'text', '{"body": "and more"}', thread.last_message_at - turn * interval '1 second'
    from public.conversations as thread, generate_series(1, %(messages)s) as turn where thread.id = %(thread)s"""
READ: LiteralString = """
    select sum(pg_stat_get_xact_tuples_returned(class.oid) + pg_stat_get_xact_tuples_fetched(class.oid)) as read
    from pg_class as class
    join pg_am as method on method.oid = class.relam
    where method.amname in ('heap', 'btree') and (class.oid = any (%s::regclass[])
      or class.oid in (select indexrelid from pg_index where indrelid = any (%s::regclass[])))"""
# One in five writes the word, one in seven is called by it.
OFTEN: tuple[LiteralString, ...] = (
    """
    update public.messages set content = '{"body": "I write often"}'
    where workspace_id = %(workspace)s and wamid like '%%.0' and conversation_id in (
      select id from public.conversations where workspace_id = %(workspace)s and right(phone, 4)::integer %% 5 = 0)""",
    """
    update public.contacts set profile_name = 'Often Called'
    where workspace_id = %(workspace)s and right(phone, 4)::integer %% 7 = 0""",
)
PLAINLY: LiteralString = """
    select thread.id from public.conversations as thread
    join public.contacts as contact on contact.id = thread.contact_id
    where thread.workspace_id = %(workspace)s and thread.status = any (%(statuses)s)
      and (not %(unread)s or thread.unread_count > 0) and contact.tags @> %(tags)s
      and (contact.profile_name ilike '%%' || %(search)s || '%%' or exists (
        select from public.messages as message
        where message.conversation_id = thread.id and message.content ->> 'body' ilike '%%' || %(search)s || '%%'))
    order by thread.sort_at desc, thread.id desc limit %(rows)s"""
NEWEST: LiteralString = """
    select id from public.conversations where workspace_id = %s and status = 'open'
    order by sort_at desc, id desc limit %s"""
NAMES = [*(f"public.{table}" for table in TABLES), "private.inbox_places"]


@pytest.fixture
async def crowd(database: Connect, tenant: Tenant) -> AsyncIterator[tuple[Session, Tenant]]:
    """A session of a member of the full workspace, all of it rolled back."""
    async with database() as session:
        await _vacuum(session)
        async with session.transaction(force_rollback=True):
            user = await _member(session, tenant)
            values = {
                "workspace": tenant.workspace_id,
                "connection": tenant.connection_id,
                "user": user,
                "conversations": CONVERSATIONS,
            }
            await session.execute("alter table public.conversations disable trigger register_identifiers")
            await session.execute("alter table public.messages disable trigger add_to_stats")
            for statement in (PEOPLE, THREADS, MESSAGES):
                await session.execute(statement, values)
                await _analyze(session)
            await session.execute(
                "update public.conversations set unread_count = 1 where workspace_id = %s and right(phone, 1) = '7'",
                [tenant.workspace_id],
            )
            await _analyze(session)
            await session.execute("set local role authenticated")
            yield session, tenant
        await _vacuum(session)


async def _member(session: Session, tenant: Tenant) -> str:
    (user,) = await rows(
        session,
        "insert into auth.users (id, email) values (gen_random_uuid(), %s) returning id::text",
        f"{tenant.workspace_id}@example.com",
    )
    await session.execute(
        "insert into public.workspace_members values (%s, %s, 'agent')", [tenant.workspace_id, user["id"]]
    )
    claims = json.dumps({"role": "authenticated", "sub": user["id"]})
    await session.execute("select set_config('request.jwt.claims', %s, true)", [claims])
    return str(user["id"])


async def _vacuum(session: Session) -> None:
    for table in TABLES:
        await session.execute(SQL("vacuum analyze public.{}").format(Identifier(table)))


async def _analyze(session: Session) -> None:
    for table in TABLES:
        await session.execute(SQL("analyze public.{}").format(Identifier(table)))


async def _reading(session: Session, query: LiteralString, *parameters: Any) -> tuple[list[dict[str, Any]], int]:
    """What a query answers, and how many rows and index entries it read for that."""
    before = (await rows(session, READ, NAMES, NAMES))[0]["read"]
    found = await rows(session, query, *parameters)
    return found, int((await rows(session, READ, NAMES, NAMES))[0]["read"] - before)


async def _list(session: Session, tenant: Tenant, **filters: Any) -> tuple[list[dict[str, Any]], int]:
    return await _reading(
        session, "select * from public.get_conversations(%s, %s)", tenant.workspace_id, Jsonb(filters)
    )


async def test_the_inbox_reads_few_of_many(crowd: tuple[Session, Tenant]) -> None:
    for check in (_any_filter, _page_fifty, _what_nearly_all_have, _stats_and_messages):
        await check(*crowd)


async def _any_filter(session: Session, tenant: Tenant) -> None:
    asked: list[tuple[dict[str, Any], int]] = [
        ({}, PAGE),
        ({"status": "archived"}, PAGE),
        ({"status": "all"}, PAGE),
        ({"unread": True}, PAGE),
        ({"unread": False, "status": "all"}, PAGE),
        ({"assignee": "me", "status": "all"}, PAGE),
        ({"assignee": "nobody"}, PAGE),
        ({"connection_id": str(tenant.connection_id)}, PAGE),
        ({"tags": ["rare"], "status": "all"}, 20),
        ({"search": "dana777", "status": "all"}, 11),
        ({"search": "050-0000 777", "status": "all"}, 1),
        ({"search": "banana", "status": "all"}, 1),
        ({"search": "hello banana", "status": "all"}, 1),
        ({"search": "nobody"}, 0),
    ]
    for filters, expected in asked:
        found, read = await _list(session, tenant, **filters)
        assert (len(found), read <= ALLOWED) == (expected, True), (filters, len(found), read)


async def _page_fifty(session: Session, tenant: Tenant) -> None:
    filters: dict[str, Any] = {}
    for _page in range(50):
        found, read = await _list(session, tenant, **filters)
        assert (len(found), read <= ALLOWED) == (PAGE, True), read
        filters["cursor"] = found[-1]["cursor"]


async def _what_nearly_all_have(session: Session, tenant: Tenant) -> None:
    newest = [str(row["id"]) for row in await rows(session, NEWEST, tenant.workspace_id, 3 * PAGE)]
    # Of a number only the beginning, as somebody types it: country code, prefix.
    for filters in (
        {"tags": ["common"]},
        {"search": "customer"},
        {"search": "hello"},
        {"search": "97250"},
        {"search": "050"},
    ):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for _page in range(3):
            found, read = await _list(session, tenant, **filters, **cursor)
            assert (len(found), read <= GATHERED) == (PAGE, True), (filters, read)
            seen += [str(row["id"]) for row in found]
            cursor = {"cursor": found[-1]["cursor"]}
        assert seen == newest, filters


async def _stats_and_messages(session: Session, tenant: Tenant) -> None:
    (stats,), read = await _reading(session, "select * from public.get_conversation_stats(%s)", tenant.workspace_id)
    # Of the last day 23 are left whose windows are open; 8 of those are open threads.
    assert (stats["total"], stats["archived"], read <= ALLOWED) == (CONVERSATIONS, 13334, True)
    assert stats["window_closed"] == CONVERSATIONS - stats["archived"] - 7
    (thread,), _ = await _list(session, tenant, limit=1)
    found, read = await _reading(session, "select * from public.get_conversation_messages(%s)", thread["id"])
    assert (len(found), read <= PAGE) == (2, True)


async def test_a_page_in_the_middle_of_a_long_thread_reads_a_page(crowd: tuple[Session, Tenant]) -> None:
    session, tenant = crowd
    (thread,), _ = await _list(session, tenant, limit=1)
    await session.execute("reset role")
    await session.execute(LONG, {"thread": thread["id"], "messages": 3000})
    await _analyze(session)
    await session.execute("set local role authenticated")
    before = None
    for _page in range(20):
        found, read = await _reading(
            session, "select * from public.get_conversation_messages(%s, 50, %s)", thread["id"], before
        )
        # Each by its index entry and itself, and for each a look for its reactions; the thread and who may see it.
        assert (len(found), read <= 4 * PAGE) == (PAGE, True), read
        before = found[-1]["id"]


async def test_a_word_is_frequent_by_what_is_known_of_it_and_not_by_a_guess(crowd: tuple[Session, Tenant]) -> None:
    session, tenant = crowd
    await session.execute("reset role")
    for search, frequent in {"hello": True, "hell": True, "zwol": False, "banana": False, "hello zwol": False}.items():
        (told,) = await rows(
            session,
            "select private.is_frequent(private.read_filters(%s, %s), 200) as frequent",
            tenant.workspace_id,
            Jsonb({"search": search}),
        )
        assert told["frequent"] is frequent, search


async def test_what_many_have_but_none_of_the_newest_is_found_all_the_same(crowd: tuple[Session, Tenant]) -> None:
    session, tenant = crowd
    await session.execute("reset role")
    await session.execute(
        "update public.contacts set tags = '{old}', profile_name = 'Ancient' where workspace_id = %s "
        "and phone > '+972500015000'",
        [tenant.workspace_id],
    )
    await session.execute("set local role authenticated")
    for filters in ({"tags": ["old"]}, {"search": "ancient"}, {"search": "hello", "tags": ["old"]}):
        found, _read = await _list(session, tenant, **filters, status="all")
        numbers = [int(row["phone"][5:]) for row in found]
        assert numbers == list(range(15001, 15001 + PAGE)), filters


async def test_what_many_have_is_what_a_plain_reading_finds(crowd: tuple[Session, Tenant]) -> None:
    """More than are gathered each by itself: found along the inbox, by contact, by message, and by both."""
    session, tenant = crowd
    await session.execute("reset role")
    for statement in OFTEN:
        await session.execute(statement, {"workspace": tenant.workspace_id})
    await _analyze(session)
    await session.execute("set local role authenticated")
    for filters in (
        {"search": "often"},
        {"search": "often", "status": "archived"},
        {"search": "often", "status": "all", "unread": True},
        {"search": "often", "tags": ["common"]},
        {"search": "often", "tags": ["rare"], "status": "all"},
        {"search": "often called"},
        {"search": "write"},
    ):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for _page in range(3):
            found, read = await _list(session, tenant, **filters, **cursor)
            # 4,000 messages, and a stretch of the inbox that has a page of them.
            assert read <= 2 * GATHERED, (filters, read)
            seen += [str(row["id"]) for row in found]
            if len(found) < PAGE:
                break
            cursor = {"cursor": found[-1]["cursor"]}
        status = filters.get("status", "open")
        plainly = {
            "workspace": tenant.workspace_id,
            "statuses": ["open", "archived"] if status == "all" else [status],
            "unread": filters.get("unread", False),
            "tags": filters.get("tags", []),
            "search": filters["search"],
            "rows": 3 * PAGE,
        }
        expected = await (await session.execute(PLAINLY, plainly)).fetchall()
        assert len(seen) > PAGE or "rare" in plainly["tags"], filters
        assert seen == [str(row["id"]) for row in expected], filters
