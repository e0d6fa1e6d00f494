"""Tables as a business in full work has them: people who have written before, and messages sent to them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg
from psycopg import sql

Database = psycopg.AsyncConnection[Any]

WAL_FILES = 64
FILLED = ("contacts", "conversations", "messages")

# Person i and sent message m have the keys that webhooks.py computes. Ids jump, as random ones do.
CONTACTS: LiteralString = """
insert into public.contacts (id, workspace_id, phone, profile_name)
select md5('contact ' || i)::uuid, %(workspace)s, '+97250' || lpad(i::text, 7, '0'),
  'Customer ' || lpad(i::text, 7, '0')
from generate_series(%(first)s::integer, %(last)s::integer) as i"""
CONVERSATIONS: LiteralString = """
insert into public.conversations (id, workspace_id, connection_id, phone_number_id, phone, bsuid, contact_id,
  last_message_at, last_message_preview, last_message_direction)
select md5('conversation ' || i)::uuid, %(workspace)s, %(connection)s, %(number)s, '97250' || lpad(i::text, 7, '0'),
  'IL.2000000000' || lpad(i::text, 7, '0'), md5('contact ' || i)::uuid,
  now() - interval '1 hour' + make_interval(secs => (i - %(first)s + (%(each)s - 1) * %(people)s) * 0.001),
  'On its way', 'outbound'
from generate_series(%(first)s::integer, %(last)s::integer) as i"""
IDENTIFIERS: LiteralString = """
insert into private.conversation_identifiers (connection_id, identifier, conversation_id)
select %(connection)s, identifier, md5('conversation ' || i)::uuid
from generate_series(%(first)s::integer, %(last)s::integer) as i,
  unnest(array['97250' || lpad(i::text, 7, '0'), 'IL.2000000000' || lpad(i::text, 7, '0')]) as identifier"""
# What the triggers do that are off meanwhile.
PLACES: LiteralString = """
insert into private.inbox_places (connection_id, state, sort_at, conversation_id, assigned_to, window_expires_at)
select connection_id, private.inbox_state(assigned_to, is_read, status), sort_at, id, assigned_to, window_expires_at
from public.conversations as thread
where workspace_id = %(workspace)s
  and not exists (select from private.inbox_places as place where place.conversation_id = thread.id)"""
# Neighbours in time went to different people: the first to each, then the second to each.
MESSAGES: LiteralString = """
insert into public.messages (id, workspace_id, connection_id, conversation_id, wamid, direction, type, content, status,
  occurred_at, sent_at)
select
  (lpad(to_hex((%(sent)s + m) * 2654435761 %% 4294967296), 8, '0') || '-0000-4000-8000-00'
    || lpad((%(sent)s + m)::text, 10, '0'))::uuid,
  %(workspace)s, %(connection)s, md5('conversation ' || (%(first)s + m %% %(people)s))::uuid,
  'wamid.HBgMOTcyNTAxMjM0NTY3FQIAERgSQjE2' || lpad((%(sent)s + m)::text, 10, '0') || 'AA==',
  'outbound', 'text', '{"body": "On its way"}', 'sent', at, at
from generate_series(0::bigint, %(each)s::bigint * %(people)s - 1) as m,
  lateral (select now() - interval '1 hour' + make_interval(secs => m * 0.001) as at) as clock"""


@dataclass(frozen=True)
class Tenant:
    """One workspace with one number."""

    workspace_id: str
    connection_id: str
    number: str
    waba: str


async def emptied(database: Database) -> Tenant:
    """Every table of ours without a row but these two: a workspace and its number."""
    await database.execute(
        "truncate public.workspaces, public.webhook_events, private.inbox_places, private.window_counts cascade"
    )
    number, waba = (str(secrets.randbelow(9 * 10**14) + 10**14) for _ in range(2))
    workspace = await _id(database, "insert into workspaces (name) values ('bench') returning id", ())
    connection = await _id(
        database,
        "insert into whatsapp_connections (workspace_id, provider, phone_number_id, waba_id)"
        " values (%s, '360dialog', %s, %s) returning id",
        (workspace, number, waba),
    )
    return Tenant(workspace, connection, number, waba)


async def fill(database: Database, tenant: Tenant, first: int, people: int, each: int, sent: int = 0) -> None:
    """Adds `people` from number `first` on, and `each` messages to every one of them, numbered from `sent` on.

    The way bulk is loaded: triggers off, foreign keys taken away and put back, which checks them once for all rows.
    """
    values = {
        "workspace": tenant.workspace_id,
        "connection": tenant.connection_id,
        "number": tenant.number,
        "first": first,
        "last": first + people - 1,
        "people": people,
        "each": each,
        "sent": sent,
    }
    async with database.transaction():
        keys = await without_foreign_keys(database)
        await switch_triggers(database, on=False)
        for statement in (CONTACTS, CONVERSATIONS, PLACES, IDENTIFIERS, MESSAGES):
            await database.execute(statement, values)
        await switch_triggers(database, on=True)
        for statement in keys:
            await database.execute(statement.encode())
    await settle(database)


async def worn_in(database: Database) -> None:
    """The log of a project that has been at work: a gigabyte of files (min_wal_size) that only have to be written over.

    A new cluster makes each one anew, in the middle of somebody's commit: 16 MB of zeros, and a flush.
    """
    for _ in range(WAL_FILES):
        await database.execute("select pg_logical_emit_message(false, 'bench', repeat('0', 16 * 1024 * 1024))")
    await settle(database)


async def settle(database: Database) -> None:
    """What autovacuum and the checkpointer would do in time."""
    await database.execute("vacuum (analyze) public.contacts, public.conversations, public.messages")
    await database.execute(
        "vacuum (analyze) private.conversation_identifiers, private.inbox_places, public.webhook_events"
    )
    await database.execute("vacuum (analyze) public.message_statuses")
    # A checkpoint: CHECKPOINT itself is not the role's to give, and a copied database begins and ends with one.
    await database.execute("drop database if exists bench_checkpoint")
    await database.execute("create database bench_checkpoint strategy file_copy")
    await database.execute("drop database bench_checkpoint")


async def switch_triggers(database: Database, *, on: bool) -> None:
    verb = sql.SQL("enable" if on else "disable")
    for table in FILLED:
        await database.execute(sql.SQL("alter table {} {} trigger user").format(sql.Identifier("public", table), verb))


async def without_foreign_keys(database: Database) -> list[str]:
    """Drops them from the tables that are filled; the statements that bring them back."""
    cursor = await database.execute(
        "select format('alter table %%s drop constraint %%I', conrelid::regclass, conname),"
        " format('alter table %%s add constraint %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid))"
        " from pg_constraint where contype = 'f' and conrelid = any (%s::regclass[])",
        ([*(f"public.{table}" for table in FILLED), "private.conversation_identifiers"],),
    )
    rows = await cursor.fetchall()
    for drop, _ in rows:
        await database.execute(drop.encode())
    return [add for _, add in rows]


async def _id(database: Database, query: LiteralString, values: tuple[object, ...]) -> str:
    row = await (await database.execute(query, values)).fetchone()
    assert row is not None
    return str(row[0])
