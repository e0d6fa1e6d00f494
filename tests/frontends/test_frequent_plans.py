"""A search for what more have than are gathered goes along the inbox, and finds what a plain reading finds."""

from __future__ import annotations

from typing import LiteralString

from tests.frontends.full_inbox import GATHERED, PAGE, analyze, list_inbox
from tests.store.tenant import Session, Tenant

# One in five writes the word and a number, one in seven is called by the word, and one thread has the number.
OFTEN: tuple[LiteralString, ...] = (
    """
    update public.messages set content = '{"body": "I write often 972500000005"}'
    where workspace_id = %(workspace)s and wamid like '%%.0' and conversation_id in (
      select id from public.conversations where workspace_id = %(workspace)s and right(phone, 4)::integer %% 5 = 0)""",
    """
    update public.contacts set profile_name = 'Often Called'
    where workspace_id = %(workspace)s and right(phone, 4)::integer %% 7 = 0""",
    """
    insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
    select connection_id, phone, id from public.conversations
    where workspace_id = %(workspace)s and phone = '972500000005'""",
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


async def test_what_many_have_is_what_a_plain_reading_finds(crowd: tuple[Session, Tenant]) -> None:
    """More than are gathered each by itself: found along the inbox, by contact, by message, and by both."""
    session, tenant = crowd
    await session.execute("reset role")
    for statement in OFTEN:
        await session.execute(statement, {"workspace": tenant.workspace_id})
    await analyze(session)
    await session.execute("set local role authenticated")
    for filters in (
        {"search": "often"},
        {"search": "often", "status": "archived"},
        {"search": "often", "status": "all", "unread": True},
        {"search": "often", "tags": ["common"]},
        {"search": "often", "tags": ["rare"], "status": "all"},
        {"search": "often called"},
        {"search": "write"},
        # One of them is found by its number as well as by what it says, and is there once.
        {"search": "972500000005", "status": "all"},
    ):
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for _page in range(3):
            found, read = await list_inbox(session, tenant, **filters, **cursor)
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
