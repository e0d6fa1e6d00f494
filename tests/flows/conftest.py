"""Both ends of the line for tests that run webhook and worker together."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Programs, programs_in
from tests.flows.shop import Shop


@pytest.fixture
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    async with programs_in(tmp_path_factory.mktemp("programs")) as programs:
        yield programs


@pytest.fixture
async def shop(database: Connect, project: Project) -> AsyncIterator[Shop]:
    """With no webhook registered yet."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield await Shop.new(database, Simulator(project.provider_url, session), webhook=None)
