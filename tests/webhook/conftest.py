"""One receiver for most of these tests; those that break or configure one start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Connect, Project
from tests.flows.flaky_gateway import FlakyGateway, flaky_gateway
from tests.flows.programs import Program, Programs, programs_in
from tests.flows.tenant import Tenant


@pytest.fixture(scope="package")
async def webhook(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    async with programs_in(tmp_path_factory.mktemp("webhook")) as programs:
        yield await programs.webhook()


@pytest.fixture
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    async with programs_in(tmp_path_factory.mktemp("webhooks")) as programs:
        yield programs


@pytest.fixture
async def tenant(database: Connect) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
async def gateway(project: Project) -> AsyncIterator[FlakyGateway]:
    async with flaky_gateway(project.url) as gateway:
        yield gateway
