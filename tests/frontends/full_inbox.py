"""An inbox of 20,000 conversations, and how many rows a question reads in it.

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
READ: LiteralString = """
    select sum(pg_stat_get_xact_tuples_returned(class.oid) + pg_stat_get_xact_tuples_fetched(class.oid)) as read
    from pg_class as class
    join pg_am as method on method.oid = class.relam
    where method.amname in ('heap', 'btree') and (class.oid = any (%s::regclass[])
      or class.oid in (select indexrelid from pg_index where indrelid = any (%s::regclass[])))"""
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
                await analyze(session)
            await session.execute(
                "update public.conversations set unread_count = 1 where workspace_id = %s and right(phone, 1) = '7'",
                [tenant.workspace_id],
            )
            await analyze(session)
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


async def analyze(session: Session) -> None:
    for table in TABLES:
        await session.execute(SQL("analyze public.{}").format(Identifier(table)))


async def reading(session: Session, query: LiteralString, *parameters: Any) -> tuple[list[dict[str, Any]], int]:
    """What a query answers, and how many rows and index entries it read for that."""
    before = (await rows(session, READ, NAMES, NAMES))[0]["read"]
    found = await rows(session, query, *parameters)
    return found, int((await rows(session, READ, NAMES, NAMES))[0]["read"] - before)


async def list_inbox(session: Session, tenant: Tenant, **filters: Any) -> tuple[list[dict[str, Any]], int]:
    return await reading(session, "select * from public.get_conversations(%s, %s)", tenant.workspace_id, Jsonb(filters))
