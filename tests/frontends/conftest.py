"""A workspace with people in it, and who may see them."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.flows.tenant import digits, phones
from tests.frontends.full_inbox import crowd
from tests.frontends.member import Member
from tests.store.tenant import Session, Tenant, backend_sessions, call, rows

__all__ = ["crowd"]


@pytest.fixture
async def backend(database: Connect) -> AsyncIterator[Session]:
    async with backend_sessions(database, 1) as (session,):
        yield session


@pytest.fixture
async def tenant(backend: Session) -> AsyncIterator[Tenant]:
    tenant = await Tenant.create(backend)
    yield tenant
    await tenant.rest(backend)


@pytest.fixture
async def member(tenant: Tenant, database: Connect, project: Project, http: httpx.AsyncClient) -> Member:
    return await Member.join(tenant.workspace_id, database, project, http)


@pytest.fixture
async def stranger(backend: Session, database: Connect, project: Project, http: httpx.AsyncClient) -> Member:
    """A member of another workspace."""
    return await Member.join((await Tenant.create(backend)).workspace_id, database, project, http)


Write = Callable[..., Awaitable[str]]


@pytest.fixture
def write(backend: Session, tenant: Tenant) -> Write:
    """`await write(phone, body, at)`: a customer writes; answers the conversation's id."""

    async def arrive(phone: str, body: str, at: str, **fields: object) -> str:
        told = tenant.message(f"wamid.{phone}.{body}", phone, content={"body": body}, occurred_at=at, **fields)
        await call(backend, "record_inbound", [], [told], [])
        (thread,) = await rows(
            backend,
            "select id::text from public.conversations where workspace_id = %s and phone = %s",
            tenant.workspace_id,
            phone,
        )
        return str(thread["id"])

    return arrive


@pytest.fixture
async def owner(tenant: Tenant, database: Connect, project: Project, http: httpx.AsyncClient) -> Member:
    return await Member.join(tenant.workspace_id, database, project, http, role="owner")


@pytest.fixture
async def world(tenant: Tenant, owner: Member, member: Member, backend: Session, write: Write) -> dict[str, str]:
    """Values for the templates of surface.py, of a workspace of this test's own."""
    old, phone = phones(2)
    thread = await write(old, "hello", "2026-11-01T12:00:00Z")
    (known,) = await rows(backend, "select contact_id::text as contact from public.conversations where id = %s", thread)
    (message,) = await rows(backend, "select id::text from public.messages where conversation_id = %s", thread)
    open_thread = await tenant.thread(backend, phone)
    outgoing = await tenant.queue(backend, open_thread)
    return {
        **{"workspace": str(tenant.workspace_id), "connection": str(tenant.connection_id)},
        **{"conversation": str(open_thread), "contact": known["contact"], "outgoing": str(outgoing)},
        **{"message": message["id"], "agent": member.user_id, "admin": member.user_id, "phone": phone},
        **{"email": f"{uuid.uuid4()}@example.com", "token": "none", "number": digits(), "waba": digits()},
    }
