"""The inbox reads a page and little more of 20,000 conversations, whatever is asked. Rows count, not milliseconds."""

from __future__ import annotations

from typing import Any, LiteralString

from psycopg.types.json import Jsonb

from tests.frontends.full_inbox import CONVERSATIONS, GATHERED, PAGE, analyze, list_inbox, reading
from tests.store.tenant import Session, Tenant, rows

# Eight lists with a page each, each row by its index entry and itself, and the threads and contacts of one page.
ALLOWED = 20 * PAGE
LONG: LiteralString = """
    insert into public.messages (workspace_id, connection_id, conversation_id, wamid, direction, status, type, content,
      occurred_at)
    select thread.workspace_id, thread.connection_id, thread.id, thread.id || '.long.' || turn, 'inbound', 'received',
      'text', '{"body": "and more"}', thread.last_message_at - turn * interval '1 second'
    from public.conversations as thread, generate_series(1, %(messages)s) as turn where thread.id = %(thread)s"""
NEWEST: LiteralString = """
    select id from public.conversations where workspace_id = %s and status = 'open'
    order by sort_at desc, id desc limit %s"""


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
        found, read = await list_inbox(session, tenant, **filters)
        assert (len(found), read <= ALLOWED) == (expected, True), (filters, len(found), read)


async def _page_fifty(session: Session, tenant: Tenant) -> None:
    filters: dict[str, Any] = {}
    for _page in range(50):
        found, read = await list_inbox(session, tenant, **filters)
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
            found, read = await list_inbox(session, tenant, **filters, **cursor)
            assert (len(found), read <= GATHERED) == (PAGE, True), (filters, read)
            seen += [str(row["id"]) for row in found]
            cursor = {"cursor": found[-1]["cursor"]}
        assert seen == newest, filters


async def _stats_and_messages(session: Session, tenant: Tenant) -> None:
    (stats,), read = await reading(session, "select * from public.get_conversation_stats(%s)", tenant.workspace_id)
    # Of the last day 23 are left whose windows are open; 8 of those are open threads.
    assert (stats["total"], stats["archived"], read <= ALLOWED) == (CONVERSATIONS, 13334, True)
    assert stats["window_closed"] == CONVERSATIONS - stats["archived"] - 7
    (thread,), _ = await list_inbox(session, tenant, limit=1)
    found, read = await reading(session, "select * from public.get_conversation_messages(%s)", thread["id"])
    assert (len(found), read <= PAGE) == (2, True)


async def test_a_page_in_the_middle_of_a_long_thread_reads_a_page(crowd: tuple[Session, Tenant]) -> None:
    session, tenant = crowd
    (thread,), _ = await list_inbox(session, tenant, limit=1)
    await session.execute("reset role")
    await session.execute(LONG, {"thread": thread["id"], "messages": 3000})
    await analyze(session)
    await session.execute("set local role authenticated")
    before = None
    for _page in range(20):
        found, read = await reading(
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
        found, _read = await list_inbox(session, tenant, **filters, status="all")
        numbers = [int(row["phone"][5:]) for row in found]
        assert numbers == list(range(15001, 15001 + PAGE)), filters
