"""Every function that a member may call, through PostgREST with a member's own token: whoever may is let in."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest

from tests.attack.isolation.surface import FUNCTIONS
from tests.attack.isolation.worlds import filled
from tests.conftest import Connect, Project
from tests.flows.tenant import phones
from tests.frontends.conftest import Write
from tests.frontends.member import Member
from tests.frontends.reference import COMPUTED
from tests.store.tenant import Session, Tenant

TEXT = {"type": "text", "content": {"body": "hello"}}


@pytest.mark.parametrize("function", [name for name, line in FUNCTIONS.items() if line.by and name not in COMPUTED])
async def test_whoever_may_calls_it(
    function: str,
    world: dict[str, str],
    tenant: Tenant,
    backend: Session,
    database: Connect,
    project: Project,
    http: httpx.AsyncClient,
) -> None:
    line = FUNCTIONS[function]
    await backend.execute("update public.workspaces set connection_limit = 2 where id = %s", [tenant.workspace_id])
    least = "agent" if line.by == "user" else str(line.by)
    caller = await Member.join(tenant.workspace_id, database, project, http, role=least)
    answer = await caller.ask(function, **filled(line.arguments, world))
    assert answer.is_success or answer.json()["code"] in line.accepts, answer.text


async def test_a_member_sends_asks_why_it_waits_takes_it_back_and_sends_it_again(
    owner: Member, member: Member, tenant: Tenant, backend: Session
) -> None:
    (phone,) = phones(1)
    number = {"connection_id": str(tenant.connection_id)}
    thread = str(await tenant.thread(backend, phone))
    # Nobody sends it meanwhile: workers of other tests are about.
    await owner.call("pause_connection", **number, reason="at lunch")
    url = f"{member.project.url}/rest/v1/messages"
    row = {"conversation_id": thread, **TEXT}
    made = await member.http.post(url, json=row, headers={**member.headers, "Prefer": "return=representation"})
    (message,) = made.raise_for_status().json()
    own = {"message_id": message["id"]}
    assert (message["status"], message["sent_by"]) == ("queued", member.user_id)
    told = await member.call("explain_outbound", **own)
    assert (told["reason"], told["detail"]["status_reason"]) == ("connection_paused", "at lunch")
    assert await member.refusal("retry_message", **own) == (400, "WA008", "queued")
    await member.call("cancel_message", **own)
    assert (await member.call("explain_outbound", **own))["reason"] == "ended"
    assert await member.refusal("cancel_message", **own) == (400, "WA007", "canceled")
    await member.call("retry_message", **own)
    (shown, _) = await member.call("get_conversation_messages", conversation_id=thread)
    assert (shown["id"], shown["status"]) == (message["id"], "queued")
    await member.call("cancel_message", **own)
    assert await member.refusal("resume_connection", **number) == (400, "WA004", None)
    await owner.call("resume_connection", **number)


async def test_the_first_word_goes_by_template_and_the_thread_is_in_the_inbox(
    owner: Member, member: Member, tenant: Tenant
) -> None:
    (phone,) = phones(1)
    await owner.call("pause_connection", connection_id=str(tenant.connection_id))
    somebody = {"workspace_id": str(tenant.workspace_id), "recipient": f"+{phone}"}
    assert (await member.refusal("start_conversation", **somebody, **TEXT))[1] == "WA001"
    template = {"type": "template", "content": {"name": "hello", "language": {"code": "en"}}}
    (begun,) = await member.call("start_conversation", **somebody, **template)
    (listed,) = await member.list(tenant.workspace_id)
    assert (listed["id"], listed["phone"], listed["is_window_open"]) == (begun["conversation_id"], phone, False)
    await member.call("cancel_message", message_id=begun["message_id"])


async def test_what_somebody_had_is_nobodys_when_they_leave(
    owner: Member, member: Member, tenant: Tenant, write: Write
) -> None:
    (phone,) = phones(1)
    thread = await write(phone, "hello", "2026-11-01T12:00:00Z")
    await member.call("assign_conversation", conversation_id=thread, user_id=member.user_id)
    assert [row["id"] for row in await owner.list(tenant.workspace_id, assignee=member.user_id)] == [thread]
    await owner.call("remove_member", workspace_id=str(tenant.workspace_id), user_id=member.user_id)
    assert await owner.list(tenant.workspace_id, assignee=member.user_id) == []
    assert [row["id"] for row in await owner.list(tenant.workspace_id, assignee="nobody")] == [thread]
    assert await member.refusal("get_conversations", workspace_id=str(tenant.workspace_id)) == (400, "WA004", None)


async def test_a_reference_that_is_there_already_says_so_and_names_no_constraint(
    owner: Member, tenant: Tenant, write: Write
) -> None:
    """By either way of sending: whoever lost an answer and asks again has to recognise it."""
    (phone,) = phones(1)
    thread = await write(phone, "hello", datetime.now(UTC).isoformat())
    await owner.call("pause_connection", connection_id=str(tenant.connection_id))
    somebody = {"workspace_id": str(tenant.workspace_id), "recipient": phone, **TEXT, "client_reference": "once"}
    await owner.call("start_conversation", **somebody)
    again = await owner.ask("start_conversation", **somebody)
    assert (again.status_code, again.json()["code"], again.json()["details"]) == (409, "23505", "client_reference")
    assert "constraint" not in again.text
    row = {"conversation_id": thread, **TEXT, "client_reference": "once"}
    inserted = await owner.http.post(f"{owner.project.url}/rest/v1/messages", json=row, headers=owner.headers)
    assert (inserted.status_code, inserted.json()["code"]) == (409, "23505")
