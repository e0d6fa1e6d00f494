"""Members of a workspace as their browsers do it, and two at once: an owner always stays, and who is removed is out."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import psycopg
import pytest

from tests.conftest import Connect, Project
from tests.store.tenant import UNTRUE, Session, Tenant, rows, until_waiting


@dataclass(frozen=True)
class Person:
    """Somebody's browser."""

    project: Project
    http: httpx.AsyncClient
    id: str
    email: str

    async def call(self, function: str, **arguments: Any) -> tuple[int, Any]:
        """The status, and what came back: the code of an error, else the answer."""
        return await self.ask("POST", f"rpc/{function}", arguments)

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        claims = {"sub": self.id, "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 3600}
        headers = self.project.headers(self.project.anon_key, jwt.encode(claims, self.project.jwt_secret))
        answer = await self.http.request(method, f"{self.project.url}/rest/v1/{path}", json=body, headers=headers)
        told = answer.json() if answer.content else None
        return answer.status_code, told["code"] if answer.status_code >= 400 else told


@pytest.fixture
async def people(project: Project, http: httpx.AsyncClient, sessions: list[Session]) -> list[Person]:
    """Three who are signed in and in no workspace."""
    everybody = [Person(project, http, str(uuid.uuid4()), f"{uuid.uuid4().hex}@example.com") for _ in range(3)]
    async with await psycopg.AsyncConnection.connect(project.db_url, autocommit=True) as session:
        for person in everybody:
            await session.execute("insert into auth.users (id, email) values (%s, %s)", [person.id, person.email])
    return everybody


async def founded(owner: Person) -> str:
    status, workspace = await owner.call("create_workspace", name="A shop")
    assert status == 200
    return str(workspace)


async def join(workspace: str, host: Person, guest: Person, role: str) -> None:
    _, invitation = await host.call("invite_member", workspace_id=workspace, email=guest.email, role=role)
    assert await guest.call("accept_invitation", token=invitation["token"]) == (200, workspace)


async def test_a_workspace_from_its_first_day_to_its_last(people: list[Person]) -> None:
    owner, guest, stranger = people
    workspace = await founded(owner)
    await join(workspace, owner, guest, "agent")
    assert await owner.call("change_member_role", workspace_id=workspace, user_id=guest.id, role="admin") == (204, None)
    assert await guest.ask("PATCH", f"workspaces?id=eq.{workspace}", {"name": "Another"}) == (204, None)
    assert await guest.ask("GET", "workspaces?select=name,connection_limit") == (
        200,
        [{"name": "Another", "connection_limit": 1}],
    )
    assert await stranger.ask("GET", "workspaces") == (200, [])
    assert await guest.call("delete_workspace", workspace_id=workspace) == (400, "WA034")
    assert await stranger.call("delete_workspace", workspace_id=workspace) == (400, "WA004")
    assert await owner.call("delete_workspace", workspace_id=workspace) == (204, None)
    assert await guest.ask("GET", "workspaces") == (200, [])


async def test_who_is_removed_is_out_with_the_next_request(people: list[Person]) -> None:
    owner, guest, _ = people
    workspace = await founded(owner)
    await join(workspace, owner, guest, "admin")
    assert await guest.ask("GET", "workspaces?select=id") == (200, [{"id": workspace}])
    assert await owner.call("remove_member", workspace_id=workspace, user_id=guest.id) == (204, None)
    assert await guest.ask("GET", "workspaces?select=id") == (200, [])
    assert await guest.call("invite_member", workspace_id=workspace, email="a@b.example", role="agent") == (
        400,
        "WA004",
    )


async def test_a_number_is_connected_by_hand(people: list[Person]) -> None:
    owner, other, _ = people
    workspace, elsewhere = await founded(owner), await founded(other)
    number = str(uuid.uuid4().int)[:15]
    given = {"provider": "meta", "phone_number_id": number}
    status, connection = await owner.call("add_connection", workspace_id=workspace, **given)
    assert status == 200
    status_of = f"whatsapp_connections?select=status,status_reason&id=eq.{connection}"
    assert await owner.ask("GET", status_of) == (200, [{"status": "paused", "status_reason": "credential"}])
    assert await owner.call("set_connection_credential", connection_id=connection, credential="a key") == (204, None)
    assert await owner.ask("GET", status_of) == (200, [{"status": "active", "status_reason": None}])
    assert await other.call("add_connection", workspace_id=elsewhere, **given) == (400, "WA035")
    assert await owner.call("delete_workspace", workspace_id=workspace) == (204, None)
    assert (await other.call("add_connection", workspace_id=elsewhere, **given))[0] == 200


async def test_of_two_owners_who_leave_at_once_one_stays(people: list[Person], sessions: list[Session]) -> None:
    owner, second, _ = people
    for _ in range(5):
        workspace = await founded(owner)
        await join(workspace, owner, second, "owner")
        left = await asyncio.gather(
            *(person.call("remove_member", workspace_id=workspace, user_id=person.id) for person in (owner, second))
        )
        assert sorted(left) == [(204, None), (400, "WA030")]
        members = await rows(
            sessions[0], "select role from public.workspace_members where workspace_id = %s", uuid.UUID(workspace)
        )
        assert [member["role"] for member in members] == ["owner"]


@pytest.fixture
async def owners_sessions(database: Connect) -> AsyncIterator[list[Session]]:
    """Two sessions of whoever owns the database: of Auth, which deletes users."""
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(database()) for _ in range(2)]


async def test_of_two_owners_whose_users_are_deleted_at_once_one_stays(
    people: list[Person], owners_sessions: list[Session]
) -> None:
    first, second = owners_sessions
    workspace = await founded(people[0])
    await join(workspace, people[0], people[1], "owner")
    delete = "delete from auth.users where id = %s"
    async with first.transaction():
        await first.execute(delete, [people[0].id])
        # It waits for the lock that the first one's check has taken, and then sees what that one did.
        waiting = asyncio.create_task(second.execute(delete, [people[1].id]))
        await until_waiting(first, second)
    with pytest.raises(psycopg.Error) as refused:
        await waiting
    assert refused.value.sqlstate == "WA030"


async def test_auth_keeps_the_user_of_a_last_owner_until_the_workspace_is_gone(people: list[Person]) -> None:
    owner = people[0]
    workspace = await founded(owner)

    async def delete() -> int:
        secret = owner.project.headers(owner.project.service_role_key)
        answer = await owner.http.delete(f"{owner.project.url}/auth/v1/admin/users/{owner.id}", headers=secret)
        return answer.status_code

    assert await delete() == 500
    assert await owner.ask("GET", "workspaces?select=id") == (200, [{"id": workspace}])
    assert await owner.call("delete_workspace", workspace_id=workspace) == (204, None)
    assert await delete() == 200


async def test_one_token_accepted_twice_at_once_lets_in_once(people: list[Person]) -> None:
    owner, guest, _ = people
    workspace = await founded(owner)
    _, invitation = await owner.call("invite_member", workspace_id=workspace, email=guest.email, role="agent")
    answers = await asyncio.gather(*(guest.call("accept_invitation", token=invitation["token"]) for _ in range(4)))
    assert sorted(answers, key=str) == [(200, workspace), *[(400, "WA031")] * 3]


async def test_of_two_numbers_added_at_once_one_fits(people: list[Person]) -> None:
    workspace = await founded(people[0])
    added = await asyncio.gather(
        *(
            people[0].call(
                "add_connection", workspace_id=workspace, provider="meta", phone_number_id=str(uuid.uuid4().int)[:15]
            )
            for _ in range(3)
        )
    )
    assert sorted(str(code) for status, code in added if status == 400) == ["WA002", "WA002"]


async def test_what_is_given_to_somebody_who_leaves_is_nobodys(people: list[Person], sessions: list[Session]) -> None:
    owner, guest, _ = people
    for _ in range(20):
        tenant = await Tenant.create(sessions[0])
        await sessions[0].execute(
            "insert into public.workspace_members values (%s, %s, 'owner'), (%s, %s, 'agent')",
            [tenant.workspace_id, owner.id, tenant.workspace_id, guest.id],
        )
        thread = await tenant.thread(sessions[0], "972501234567")
        given, left = await asyncio.gather(
            owner.call("assign_conversation", conversation_id=str(thread), user_id=guest.id),
            guest.call("remove_member", workspace_id=str(tenant.workspace_id), user_id=guest.id),
        )
        assert left == (204, None)
        assert given in ((204, None), (400, "WA025"))
        (after,) = await rows(sessions[0], "select assigned_to from public.conversations where id = %s", thread)
        assert after["assigned_to"] is None
        assert await rows(sessions[0], UNTRUE, tenant.workspace_id) == []


async def test_an_admin_who_is_made_an_agent_leaves_no_invitation_behind(people: list[Person]) -> None:
    owner, admin, guest = people
    for _ in range(10):
        workspace = await founded(owner)
        await join(workspace, owner, admin, "admin")
        invited, changed = await asyncio.gather(
            admin.call("invite_member", workspace_id=workspace, email=guest.email, role="admin"),
            owner.call("change_member_role", workspace_id=workspace, user_id=admin.id, role="agent"),
        )
        assert changed == (204, None)
        if invited != (400, "WA034"):
            assert await guest.call("accept_invitation", token=invited[1]["token"]) == (400, "WA031")
        assert await owner.ask("GET", f"workspace_invitations?workspace_id=eq.{workspace}") == (200, [])


async def test_owners_who_make_each_other_smaller_at_once_leave_an_owner(people: list[Person]) -> None:
    owner, second, _ = people
    for _ in range(10):
        workspace = await founded(owner)
        await join(workspace, owner, second, "owner")
        ends = await asyncio.gather(
            owner.call("remove_member", workspace_id=workspace, user_id=second.id),
            second.call("change_member_role", workspace_id=workspace, user_id=owner.id, role="agent"),
        )
        # Who comes second is no owner any more.
        assert sorted(ends, key=str)[0] == (204, None)
        assert sorted(ends, key=str)[1] in ((400, "WA004"), (400, "WA034"))
