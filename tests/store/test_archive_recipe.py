"""supabase/recipes/archive_messages.sql: old messages move, and nobody's inbox looks different."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from psycopg.rows import DictRow

from tests.flows.own_stack import database_of, own_stack
from tests.flows.tenant import Tenant, digits

RECIPE = (Path(__file__).parents[2] / "supabase/recipes/archive_messages.sql").read_text()
STEPS = re.split(r"^(?=-- Step \d\. )", RECIPE, flags=re.MULTILINE)[1:]
WRITE = """
    insert into messages (workspace_id, conversation_id, direction, type, content, wamid, occurred_at, created_at,
      status, media_path, media_status)
    values (%(workspace)s, %(conversation)s, %(direction)s, 'text', '{"body": "hi"}', %(wamid)s,
      now() - %(age)s::interval, now() - %(age)s::interval, %(status)s, %(path)s, %(media)s)
    returning id
"""
STATS = "select * from private.stats_of(array(select id from conversations where workspace_id = %(workspace)s))"


@pytest.fixture
async def tenant() -> AsyncIterator[Tenant]:
    async with own_stack() as stack:
        tenant = await Tenant.new(database_of(stack))
        async with tenant.database() as session:
            for step in STEPS:
                await session.execute(step.encode())
        yield tenant


async def write(tenant: Tenant, conversation: str | None, age: str, **fields: Any) -> str:
    told = {"direction": "inbound", "status": "received", "path": None, "media": None, **fields}
    rows = await tenant.rows(WRITE, conversation=conversation, age=age, wamid=f"wamid.{digits()}", **told)
    return str(rows[0]["id"])


async def archive(tenant: Tenant, max_messages: int = 1000) -> int:
    query = "select private.archive_messages('1 year', %(most)s) as moved"
    moved: int = (await tenant.rows(query, most=max_messages))[0]["moved"]
    return moved


async def archived_for(tenant: Tenant, user_id: str) -> list[DictRow]:
    """What a signed-in user reads of the archive."""
    async with tenant.database() as session, session.transaction():
        await session.execute("set local role authenticated")
        await session.execute("select set_config('request.jwt.claims', %s, true)", (json.dumps({"sub": user_id}),))
        return await (await session.execute("select id from messages_archive")).fetchall()


async def test_what_is_old_moves_and_the_inbox_is_as_before(tenant: Tenant) -> None:
    conversation = await tenant.conversation()
    old = [await write(tenant, conversation, f"{years} years") for years in (4, 3, 2)]
    old.append(await write(tenant, conversation, "2 years", direction="outbound", status="read"))
    kept = {
        await write(tenant, conversation, "2 years", path=f"{tenant.workspace_id}/x/y.jpg", media="stored"),
        await write(tenant, conversation, "2 years", media="pending"),
        await write(tenant, conversation, "1 month"),
    }
    quiet = await tenant.conversation()
    await tenant.rows("delete from messages where conversation_id = %(id)s", id=quiet)
    old.append(await write(tenant, quiet, "3 years"))
    kept |= {
        await write(tenant, quiet, "2 years", direction="outbound", status="delivered"),
        await write(tenant, quiet, "30 months"),
    }
    unread = await tenant.conversation()
    for thread in (conversation, quiet):
        await tenant.rows("select mark_as_read(%(id)s)", id=thread)
    kept.add(await write(tenant, unread, "2 years"))
    before = await tenant.rows(STATS)

    assert [await archive(tenant, 3), await archive(tenant), await archive(tenant)] == [3, 2, 0]
    moved = await tenant.rows("select id, tableoid::regclass::text as place from messages_archive")
    assert {str(row["id"]) for row in moved} == set(old)
    assert all(row["place"].startswith("private.messages_archive_2") for row in moved)
    assert kept <= {str(row["id"]) for row in await tenant.messages()}
    after = await tenant.rows(STATS)
    assert sorted(after, key=str) == sorted(before, key=str)
    columns = "unread_count, last_customer_message_at, window_expires_at, last_message_at, last_message_preview"
    shown = await tenant.rows(f"select id as conversation_id, {columns} from conversations where id = %(id)s", id=quiet)
    assert shown[0].items() <= next(row for row in after if str(row["conversation_id"]) == quiet).items()
    assert await tenant.rows("select 1 from private.media_removals") == [], "no file went along"
    await _read_by_its_members_and_gone_with_its_workspace(tenant, set(old))


async def _read_by_its_members_and_gone_with_its_workspace(tenant: Tenant, old: set[str]) -> None:
    member, stranger = str(uuid4()), str(uuid4())
    for user in (member, stranger):
        await tenant.rows(
            "insert into auth.users (id, email) values (%(id)s::uuid, %(id)s::text || '@example.com')", id=user
        )
    join = "insert into workspace_members (workspace_id, user_id, role) values (%(workspace)s, %(id)s, 'agent')"
    await tenant.rows(join, id=member)
    assert {str(row["id"]) for row in await archived_for(tenant, member)} == old
    assert await archived_for(tenant, stranger) == []
    await tenant.rows("delete from conversations where workspace_id = %(workspace)s")
    assert await tenant.rows("select 1 from messages_archive where conversation_id is not null") == []
    assert len(await archived_for(tenant, member)) == len(old)
    await tenant.rows("delete from messages where workspace_id = %(workspace)s")
    await tenant.rows("delete from whatsapp_connections where workspace_id = %(workspace)s")
    await tenant.rows("delete from workspaces where id = %(workspace)s")
    assert await tenant.rows("select 1 from messages_archive") == []
