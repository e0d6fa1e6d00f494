"""Two sessions and more: what pgTAP, with its one, cannot show."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, backend_sessions


@pytest.fixture
async def sessions(database: Connect) -> AsyncIterator[list[Session]]:
    """Four sessions of the backend."""
    async with backend_sessions(database, 4) as opened:
        yield opened


@pytest.fixture
async def tenant(sessions: list[Session]) -> AsyncIterator[Tenant]:
    tenant = await Tenant.create(sessions[0])
    yield tenant
    await tenant.rest(sessions[0])
