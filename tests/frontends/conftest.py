"""A workspace with people in it, and who may see them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.frontends.member import Member
from tests.store.tenant import Session, Tenant, backend_sessions, call, rows


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
