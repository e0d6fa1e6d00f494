"""A workspace at work: members, an owner and customers do everything at once to the same few threads."""

from __future__ import annotations

import asyncio
import random
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from tests.conftest import Connect
from tests.frontends.member import Member
from tests.store.tenant import UNTRUE, Session, Tenant, backend_sessions, call, rows

SECONDS = 6
PEOPLE = 4
COUNTED = """
    select count(*) as total, count(*) filter (where status = 'archived') as archived,
      count(*) filter (where status = 'open' and unread_count > 0) as unread,
      count(*) filter (where status = 'open' and coalesce(window_expires_at <= now(), true)) as window_closed
    from public.conversations where workspace_id = %s"""
TEXT = {"type": "text", "content": {"body": "hello"}}
# A thread that became one with another, a message that is no longer waiting, a contact that went; of plain tables
# the key that is taken or gone.
ENDS = {"WA001", "WA004", "WA007", "WA008", "WA025", "WA033", "23503", "23505"}


@pytest.fixture
async def customers(database: Connect) -> AsyncIterator[list[Session]]:
    async with backend_sessions(database, 3) as sessions:
        yield sessions


async def test_nobody_meets_anybody_in_a_deadlock_and_all_counts_stay_true(
    owner: Member, member: Member, tenant: Tenant, customers: list[Session], backend: Session
) -> None:
    seed = random.randrange(10**6)
    print(f"{seed=}")
    until = time.monotonic() + SECONDS
    wrong: list[str] = []
    people = [f"9725400000{n:02}" for n in range(PEOPLE)]
    for phone in people:
        await tenant.thread(backend, phone)

    async def works(who: Member, dice: random.Random) -> None:
        while time.monotonic() < until:
            for path, body, method in await _things(who, tenant, member.user_id, people, dice):
                url = f"{who.project.url}/rest/v1/{path}"
                answer = await who.http.request(method, url, json=body, headers=who.headers)
                if answer.status_code >= 400 and answer.json().get("code") not in ENDS:
                    wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")

    async def writes(session: Session, dice: random.Random) -> None:
        while time.monotonic() < until:
            told = []
            for phone in dice.sample(people, 2):
                # By number, by user id, or by both: then two threads may turn out to be one.
                by = dice.choice([{}, {"wa_id": None, "bsuid": f"IL.{phone}"}, {"bsuid": f"IL.{phone}"}])
                now = datetime.now(UTC).isoformat()
                told.append({**tenant.message(uuid.uuid4().hex, phone, occurred_at=now), **by})
            try:
                await call(session, "record_inbound", [], told, [])
            except psycopg.Error as error:
                wrong.append(f"record_inbound: {error.sqlstate} {error}")
            await asyncio.sleep(0.02)

    dices = [random.Random(f"{seed}.{n}") for n in range(8)]
    await asyncio.gather(
        *(works(who, dices[n]) for n, who in enumerate((owner, owner, owner, member, member, member))),
        *(writes(session, dices[6 + n]) for n, session in enumerate(customers[:2])),
    )
    assert wrong == []
    assert await rows(backend, UNTRUE, tenant.workspace_id) == []
    (counted,) = await rows(backend, COUNTED, tenant.workspace_id)
    assert await owner.call("get_conversation_stats", workspace_id=str(tenant.workspace_id)) == [counted]
    everybody = await owner.pages(tenant.workspace_id, status="all", limit=3)
    assert len({row["id"] for row in everybody}) == len(everybody) == counted["total"]


async def _things(
    who: Member, tenant: Tenant, colleague: str, people: list[str], dice: random.Random
) -> list[tuple[str, Any, str]]:
    """Paths, bodies and methods of what somebody may do next."""
    listed = await who.list(tenant.workspace_id, status="all")
    thread = dice.choice(listed)
    conversation = {"conversation_id": thread["id"]}
    contacts = [row["contact"]["id"] for row in listed if row["contact"]] or [str(uuid.uuid4())]
    messages = (await who.ask("get_conversation_messages", **conversation, limit=20)).json()
    sent = [row["id"] for row in messages if isinstance(row, dict) and row["direction"] == "outbound"]
    message = {"message_id": dice.choice(sent or [str(uuid.uuid4())])}
    workspace = {"workspace_id": str(tenant.workspace_id)}
    asked: list[tuple[str, Any, str]] = [
        ("rpc/mark_as_read", conversation, "POST"),
        ("rpc/archive_conversation", conversation, "POST"),
        ("rpc/unarchive_conversation", conversation, "POST"),
        ("rpc/assign_conversation", conversation | {"user_id": dice.choice([colleague, who.user_id, None])}, "POST"),
        ("rpc/link_contact_to_conversation", conversation | {"contact_id": dice.choice(contacts)}, "POST"),
        ("rpc/unlink_contact_from_conversation", conversation, "POST"),
        ("rpc/send_typing", conversation, "POST"),
        ("rpc/cancel_message", message, "POST"),
        ("rpc/retry_message", message, "POST"),
        ("rpc/start_conversation", {**workspace, **TEXT, "recipient": dice.choice(people)}, "POST"),
        (
            "messages",
            [{**TEXT, "conversation_id": row["id"]} for row in dice.sample(listed, min(2, len(listed)))],
            "POST",
        ),
        ("contact_notes", {**workspace, "contact_id": dice.choice(contacts), "body": "a note"}, "POST"),
        (
            f"contacts?id=eq.{dice.choice(contacts)}",
            {"tags": [dice.choice("abc")], "name": dice.choice("abc")},
            "PATCH",
        ),
        (f"contacts?id=eq.{dice.choice(contacts)}", None, "DELETE"),
    ]
    return dice.sample(asked, 8)
