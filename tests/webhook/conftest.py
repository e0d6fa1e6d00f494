"""One receiver for most of these tests; those that break or configure one start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.flaky_gateway import FlakyGateway, flaky_gateway
from tests.flows.programs import Program, Programs, programs_in
from tests.flows.tenant import Tenant
from tests.webhook.signups import Office, signup_receiver


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


@pytest.fixture(scope="package")
async def signup_webhook(project: Project, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    """A receiver at which numbers are signed up."""
    async with programs_in(tmp_path_factory.mktemp("signups")) as programs:
        yield await signup_receiver(programs, project)


@pytest.fixture
def new_office(
    signup_webhook: Program, project: Project, database: Connect, http: httpx.AsyncClient
) -> Callable[[], Awaitable[Office]]:
    return lambda: Office.new(signup_webhook, project, database, http)


@pytest.fixture
async def office(new_office: Callable[[], Awaitable[Office]]) -> Office:
    return await new_office()


@pytest.fixture(scope="package")
async def simulator(project: Project) -> AsyncIterator[Simulator]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Simulator(project.provider_url, session)


@pytest.fixture
def new_business(simulator: Simulator) -> Callable[..., Awaitable[Business]]:
    return simulator.business


@pytest.fixture
async def business(simulator: Simulator) -> Business:
    return await simulator.business()
