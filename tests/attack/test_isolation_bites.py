"""Holes that are planted on purpose: the attack suite finds each, or it would find none of those that nobody planted.

A hole is committed, since attacks come over HTTP, and is taken away again whatever happens.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest

from tests.attack.isolation import calls, catalog, files, tables, topics
from tests.attack.isolation.surface import FUNCTIONS, TABLES, Function, Table
from tests.attack.isolation.worlds import Attack, Session, at_rest
from tests.conftest import Connect, Project
from tests.flows.waiting import until

Look = Callable[[Attack], Awaitable[list[str]]]


@pytest.fixture
async def attack(project: Project, http: httpx.AsyncClient, database: Connect) -> AsyncIterator[Attack]:
    async with database() as session, at_rest(await Attack.prepare(project, http, session)) as ready:
        yield ready


def at_table(*names: str) -> Look:
    return lambda attack: tables.findings(attack, {name: TABLES[name] for name in TABLES if name in names})


def at_function(*names: str) -> Look:
    return lambda attack: calls.findings(attack, {name: FUNCTIONS[name] for name in names})


@dataclass(frozen=True)
class Hole:
    """SQL that makes it and SQL that takes it away; who looks, and what they must find."""

    plant: str
    fill: str
    look: Look
    found: str


READS = """create policy "members read contacts" on public.contacts
    for select to authenticated using (workspace_id in (select private.user_workspace_ids()))"""
HOLES = {
    "a policy is dropped": Hole(
        'drop policy "members read contacts" on public.contacts',
        READS,
        at_table("contacts"),
        "contacts: agent sees no row of home",
    ),
    "a policy lets everybody read": Hole(
        'create policy "hole" on public.contacts for select to authenticated using (true)',
        'drop policy "hole" on public.contacts',
        at_table("contacts"),
        "contacts: stranger reads .*by select",
    ),
    "a policy lets everybody write": Hole(
        'create policy "hole" on public.contacts for insert to authenticated with check (true)',
        'drop policy "hole" on public.contacts',
        at_table("contacts"),
        "contacts: foreign adds a row to home",
    ),
    "a policy lets agents do what admins may": Hole(
        """create policy "hole" on public.workspaces for update to authenticated
             using (id in (select private.user_workspace_ids()))""",
        'drop policy "hole" on public.workspaces',
        at_table("workspaces"),
        "workspaces: agent changes name of home",
    ),
    "row level security is off": Hole(
        "alter table public.conversations disable row level security",
        "alter table public.conversations enable row level security",
        at_table("conversations"),
        "conversations: stranger counts rows of home",
    ),
    "row level security is off, as the catalog sees it": Hole(
        "alter table public.message_statuses disable row level security",
        "alter table public.message_statuses enable row level security",
        catalog.table_grants,
        "message_statuses: row level security is off",
    ),
    "a table of the backend is granted": Hole(
        "grant select on public.webhook_events to authenticated",
        "revoke select on public.webhook_events from authenticated",
        at_table("webhook_events"),
        "webhook_events: stranger gets 200",
    ),
    "a column is granted": Hole(
        "grant update (connection_limit) on public.workspaces to authenticated",
        "revoke update (connection_limit) on public.workspaces from authenticated",
        at_table("workspaces"),
        "workspaces: owner changes connection_limit",
    ),
    "a grant, as the catalog sees it": Hole(
        "grant truncate on public.messages to anon",
        "revoke truncate on public.messages from anon",
        catalog.table_grants,
        "messages: anon has truncate",
    ),
    "a key reaches across workspaces": Hole(
        # Of those alone who are attacked: other tests have people in several workspaces.
        "create unique index hole on public.contacts (phone) where name like 'secret-%' or name = 'somebody'",
        "drop index public.hole",
        at_table("contacts"),
        r"contacts: foreign learns of home by phone \(23505",
    ),
    "a reference of one's own reaches across workspaces": Hole(
        "create unique index hole on public.messages (client_reference)",
        "drop index public.hole",
        at_table("workspaces", "workspace_members", "contacts", "whatsapp_connections", "conversations", "messages"),
        r"messages: foreign learns of home by client_reference \(23505",
    ),
    "a function is for everybody": Hole(
        "grant execute on function public.get_connection_credential(uuid) to authenticated",
        "revoke execute on function public.get_connection_credential(uuid) from authenticated",
        catalog.function_grants,
        "get_connection_credential: authenticated may",
    ),
    "a file is for everybody": Hole(
        "create policy \"hole\" on storage.objects for select to authenticated using (bucket_id = 'whatsapp-media')",
        'drop policy "hole" on storage.objects',
        files.findings,
        "download: stranger succeeds",
    ),
    "a file may be put anywhere": Hole(
        """create policy "hole" on storage.objects for insert to authenticated
             with check (bucket_id = 'whatsapp-media')""",
        'drop policy "hole" on storage.objects',
        files.findings,
        "upload to send: foreign succeeds",
    ),
    "a topic is for everybody": Hole(
        'create policy "hole" on realtime.messages for select to authenticated using (true)',
        'drop policy "hole" on realtime.messages',
        topics.topics,
        "topic of home: stranger joins",
    ),
    "a table is published": Hole(
        "alter publication supabase_realtime add table public.contacts",
        "alter publication supabase_realtime drop table public.contacts",
        catalog.publications,
        "public.contacts: published",
    ),
    "changes are for everybody": Hole(
        'create policy "hole" on public.messages for select to authenticated using (true)',
        'drop policy "hole" on public.messages',
        topics.changes,
        "changes: stranger hears .*of home",
    ),
}


@asynccontextmanager
async def planted(session: Session, plant: str, fill: str) -> AsyncIterator[None]:
    await session.execute(plant.encode())
    try:
        yield
    finally:
        await session.execute(fill.encode())


def bites(findings: list[str], expected: str) -> None:
    assert [finding for finding in findings if re.search(expected, finding)], "\n".join(findings) or "nothing found"


@pytest.mark.parametrize("name", HOLES)
async def test_a_planted_hole_is_found(attack: Attack, name: str) -> None:
    hole = HOLES[name]
    async with planted(attack.session, hole.plant, hole.fill):
        bites(await hole.look(attack), hole.found)


# Definers behind the functions that members call, without their question who asks.
UNGUARDED = {
    "private.mark_as_read(uuid)": ("mark_as_read", "mark_as_read: (changes conversations of home|stranger learns)"),
    "private.own_message(uuid)": ("explain_outbound", "explain_outbound: stranger learns that home exists"),
    "private.set_connection_paused(uuid, text)": (
        "pause_connection",
        "pause_connection: changes whatsapp_connections of home",
    ),
    "private.enter_workspace(uuid, text[])": (
        "remove_member",
        "remove_member: (changes workspace_members of home|stranger learns)",
    ),
    "private.open_conversation(uuid, text, uuid)": ("start_conversation", "start_conversation: .*learns"),
    "private.need_workspace(uuid)": ("get_conversations", "get_conversations: stranger (is told|learns)"),
    "private.visible_conversation(uuid)": (
        "get_conversation_messages",
        "get_conversation_messages: stranger is told .*marker",
    ),
}


@pytest.mark.parametrize("routine", UNGUARDED)
async def test_a_definer_without_its_check_is_found(attack: Attack, routine: str) -> None:
    function, expected = UNGUARDED[routine]
    (row,) = await attack.rows("select pg_get_functiondef(%s::regprocedure) as source", routine)
    unguarded = row["source"].replace("private.is_backend()", "true")
    assert unguarded != row["source"]
    async with planted(attack.session, unguarded, row["source"]):
        bites(await at_function(function)(attack), expected)


async def test_a_table_a_view_and_a_function_without_lines_are_found(attack: Attack) -> None:
    make = """create table public.hole_table (id int); create view public.hole_view as select 1 as one;
        create function public.hole_function() returns int language sql as 'select 1'"""
    drop = "drop table public.hole_table; drop view public.hole_view; drop function public.hole_function()"
    async with planted(attack.session, make, drop):
        found = await catalog.lineless(attack)
    assert sorted(found) == [
        "function hole_function has no line",
        "table or view hole_table has no line",
        "table or view hole_view has no line",
    ]


async def test_a_view_that_reads_with_its_owners_rights_is_found_although_it_has_a_line(attack: Attack) -> None:
    line = Table(seed="select 1", read="agent")
    make = "create view public.hole as select * from public.messages; grant select on public.hole to authenticated"
    async with planted(attack.session, make, "drop view public.hole"):
        await _shown(attack, "/rest/v1/hole?limit=0", "GET")
        bites(await tables.reads(attack, {"hole": line}), "hole: stranger reads .*marker")


async def test_a_new_definer_without_a_check_is_found_although_it_has_a_line(attack: Attack) -> None:
    make = """create function public.hole(message_id uuid) returns text language sql security definer as
        'select content::text from public.messages where id = message_id';
        grant execute on function public.hole(uuid) to authenticated"""
    line = Function("agent", {"message_id": "{message}"})
    async with planted(attack.session, make, "drop function public.hole(uuid)"):
        await _shown(attack, "/rest/v1/rpc/hole", "POST")
        found = await calls.findings(attack, {"hole": line})
        bites(found, "hole: stranger is told .*marker")
        bites(await catalog.function_grants(attack, {"hole": line}), "hole: runs with its owner's rights")


async def test_a_function_that_tells_by_one_argument_what_is_elsewhere_is_found(attack: Attack) -> None:
    make = """create function private.hole(contact_id uuid) returns boolean language sql security definer as
        'select exists (select from public.contacts where id = contact_id)';
        create function public.hole(workspace_id uuid, contact_id uuid) returns boolean language sql as
        'select private.hole(contact_id) where workspace_id in (select private.user_workspace_ids())';
        grant execute on function private.hole(uuid), public.hole(uuid, uuid) to authenticated"""
    line = Function("agent", {"workspace_id": "{workspace}", "contact_id": "{contact}"})
    drop = "drop function public.hole(uuid, uuid); drop function private.hole(uuid)"
    async with planted(attack.session, make, drop):
        bites(await calls.findings(attack, {"hole": line}), "hole: foreign learns of home by contact_id")


async def _shown(attack: Attack, path: str, method: str) -> None:
    """Once the Data API has read the catalog again."""
    body = {"message_id": attack.nowhere["message"]} if method == "POST" else None
    await until(
        lambda: attack.ask(attack.actors["agent"], method, path, body), lambda answer: answer.status < 400, within=30
    )


async def test_all_holes_are_filled_again(attack: Attack) -> None:
    found = await catalog.lineless(attack) + await catalog.publications(attack)
    assert found + await catalog.table_grants(attack) + await catalog.function_grants(attack) == []
