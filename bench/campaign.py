"""Messages that wait: four numbers of one workspace, people who have just written, and texts to each of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import LiteralString

from bench.populate import Database, settle, switch_triggers

NUMBERS = 4
RATE = 1_000  # messages per second of each number: Meta's top tier
SET = 5_000

CONTACTS: LiteralString = """
insert into contacts (id, workspace_id, phone, profile_name)
select md5('recipient ' || i)::uuid, %(workspace)s, '+97251' || lpad(i::text, 7, '0'), 'Customer ' || i
from generate_series(0, %(people)s::integer - 1) as i"""
CONVERSATIONS: LiteralString = """
insert into conversations (id, workspace_id, connection_id, phone_number_id, phone, contact_id,
  last_customer_message_at, window_expires_at)
select md5('line ' || i)::uuid, %(workspace)s, (%(connections)s::uuid[])[i %% 4 + 1], (%(numbers)s::text[])[i %% 4 + 1],
  '97251' || lpad(i::text, 7, '0'), md5('recipient ' || i)::uuid, now(), now() + interval '24 hours'
from generate_series(0, %(people)s::integer - 1) as i"""
# Through every check and trigger, as a campaign of the product's own would.
MESSAGES: LiteralString = """
insert into messages (workspace_id, conversation_id, type, content)
select %(workspace)s, md5('line ' || m %% %(people)s)::uuid, 'text',
  jsonb_build_object('body', 'Your order ' || m || ' is on its way')
from generate_series(%(first)s::bigint, %(last)s::bigint) as m order by m"""
# By the queue's own function, without what checks content and counts statistics: for tables that only have to be large.
ENQUEUED: LiteralString = """
with written as (
  insert into messages (workspace_id, connection_id, conversation_id, type, content)
  select %(workspace)s, (%(connections)s::uuid[])[m %% %(people)s %% 4 + 1], md5('line ' || m %% %(people)s)::uuid,
    'text',
    jsonb_build_object('body', 'Your order ' || m || ' is on its way')
  from generate_series(%(first)s::bigint, %(last)s::bigint) as m order by m
  returning id
) select array_agg(id) from written"""


@dataclass(frozen=True)
class Campaign:
    """Conversation i belongs to number i modulo four."""

    workspace_id: str
    connections: list[str]
    numbers: list[str]
    people: int

    def key(self, number: str) -> str:
        return f"key-{number}"


async def new(database: Database, people: int) -> Campaign:
    """Emptied tables with nothing but these people in open windows.

    A table is analysed before others refer to its new rows: a foreign key is looked up by a plan that is kept, and the
    plan for a table that was empty reads all of it for each row.
    """
    await database.execute("truncate public.workspaces, public.webhook_events, private.outbound_pairs cascade")
    numbers = [str(secrets.randbelow(9 * 10**14) + 10**14) for _ in range(NUMBERS)]
    cursor = await database.execute(
        "insert into workspaces (name, connection_limit) values ('bench', %s) returning id", (NUMBERS,)
    )
    workspace = (await cursor.fetchall())[0][0]
    connections = []
    for number in numbers:
        cursor = await database.execute(
            "insert into whatsapp_connections (workspace_id, provider, phone_number_id, messages_per_second)"
            " values (%s, '360dialog', %s, %s) returning id",
            (workspace, number, RATE),
        )
        connections.append(str((await cursor.fetchall())[0][0]))
        await database.execute("select set_connection_credential(%s, %s)", (connections[-1], f"key-{number}"))
    values = {"workspace": workspace, "people": people, "connections": connections, "numbers": numbers}
    await database.execute(CONTACTS, values)
    await database.execute("analyze public.contacts")
    await database.execute(CONVERSATIONS, values)
    await database.execute("analyze public.conversations")
    await settled(database)
    return Campaign(str(workspace), connections, numbers, people)


async def queue(database: Database, campaign: Campaign, each: int) -> int:
    """So many to everybody in turn, in sets of some thousands; then what autovacuum and checkpointer do in time."""
    count = campaign.people * each
    for first in range(0, count, SET):
        last = min(first + SET, count) - 1
        values = {"workspace": campaign.workspace_id, "people": campaign.people, "first": first, "last": last}
        await database.execute(MESSAGES, values)
        if first == 0:
            await database.execute("analyze public.messages")
    await settled(database)
    return count


async def enqueue(database: Database, campaign: Campaign, each: int) -> int:
    """The same queue, filled faster: only the outbox is as the product fills it."""
    count = campaign.people * each
    await switch_triggers(database, on=False)
    try:
        for first in range(0, count, SET):
            values = {
                "workspace": campaign.workspace_id,
                "connections": campaign.connections,
                "people": campaign.people,
                "first": first,
                "last": min(first + SET, count) - 1,
            }
            rows = await (await database.execute(ENQUEUED, values)).fetchall()
            if first == 0:
                await database.execute("analyze public.messages")
            await database.execute("select private.enqueue_messages(%s::uuid[])", (rows[0][0],))
    finally:
        await switch_triggers(database, on=True)
    await settled(database)
    return count


async def settled(database: Database) -> None:
    await database.execute("vacuum (analyze) public.outbox, private.outbound_pairs, private.outbound_numbers")
    await settle(database)
