"""A member's browser and a file: its address, the file itself, and another try, each over HTTP and nobody else's."""

from __future__ import annotations

import uuid

import httpx
import jwt
import pytest

from tests.conftest import Connect, Project
from tests.store.tenant import Session, Tenant, call, leases, rows

PICTURE = b"\x89PNG a picture"


@pytest.fixture
async def picture(sessions: list[Session], tenant: Tenant) -> str:
    """The id of a message whose file waits."""
    told = tenant.message("wamid.1", "972501234567", type="image", content={}, media_id="4711")
    await call(sessions[0], "record_inbound", [], [told], [])
    (message,) = await rows(
        sessions[0], "select id::text from public.messages where workspace_id = %s", tenant.workspace_id
    )
    return str(message["id"])


async def _end(session: Session, tenant: Tenant, outcome: str, path: str | None = None) -> None:
    claimed = await rows(session, "select * from public.claim_media(1000, 60)")
    own = [row for row in claimed if row["workspace_id"] == tenant.workspace_id]
    assert await call(session, "record_media", leases(own, outcome=outcome, path=path)) == 1


async def _user(database: Connect, project: Project, workspace: uuid.UUID | None) -> dict[str, str]:
    """The headers of somebody's browser: an agent of the workspace, or nobody's."""
    user = str(uuid.uuid4())
    async with database() as session:
        await session.execute("insert into auth.users (id, email) values (%s, %s)", [user, f"{user}@example.com"])
        if workspace is not None:
            await session.execute("insert into public.workspace_members values (%s, %s, 'agent')", [workspace, user])
    token = jwt.encode({"sub": user, "role": "authenticated", "aud": "authenticated"}, project.jwt_secret)
    return project.headers(project.anon_key, token)


async def test_a_member_follows_media_url_to_the_file_and_a_stranger_does_not(
    picture: str, sessions: list[Session], tenant: Tenant, database: Connect, project: Project, http: httpx.AsyncClient
) -> None:
    member = await _user(database, project, tenant.workspace_id)
    stranger = await _user(database, project, None)
    row = f"{project.url}/rest/v1/messages?select=media_status,media_url&id=eq.{picture}"
    assert (await http.get(row, headers=member)).json() == [{"media_status": "pending", "media_url": None}]

    path = f"{tenant.workspace_id}/none/{picture}.png"
    backend = project.headers(project.service_role_key) | {"content-type": "image/png"}
    await http.post(f"{project.url}/storage/v1/object/whatsapp-media/{path}", content=PICTURE, headers=backend)
    await _end(sessions[0], tenant, "stored", path)

    (message,) = (await http.get(row, headers=member)).json()
    assert message["media_status"] == "stored"
    found = await http.get(project.url + message["media_url"], headers=member)
    assert (found.status_code, found.content) == (200, PICTURE)
    assert (await http.get(row, headers=stranger)).json() == []
    assert (await http.get(project.url + message["media_url"], headers=stranger)).status_code in (400, 403, 404)


async def test_a_member_asks_once_more_and_is_told_why_not(
    picture: str, sessions: list[Session], tenant: Tenant, database: Connect, project: Project, http: httpx.AsyncClient
) -> None:
    member = await _user(database, project, tenant.workspace_id)
    stranger = await _user(database, project, None)

    async def ask(who: dict[str, str]) -> tuple[int, str | None, str | None]:
        answer = await http.post(f"{project.url}/rest/v1/rpc/retry_media", json={"message_id": picture}, headers=who)
        told = answer.json() if answer.content else {}
        return answer.status_code, told.get("code"), told.get("details")

    assert await ask(member) == (400, "WA008", "pending")
    await _end(sessions[0], tenant, "failed")
    assert await ask(stranger) == (400, "WA004", None)
    assert await ask(member) == (204, None, None)
    assert await ask(member) == (400, "WA008", "pending")
    await _end(sessions[0], tenant, "stored", "somewhere")
    assert await ask(member) == (400, "WA008", "stored")
