"""A receiver for all of these tests, a worker per file; tests that kill or configure a worker start their own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.flaky_gateway import FlakyGateway, flaky_gateway
from tests.flows.programs import Program, Programs, programs_in
from tests.flows.shop import Shop

Unkind = Callable[..., Awaitable[None]]


@pytest.fixture(scope="package")
async def webhook(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    async with programs_in(tmp_path_factory.mktemp("webhook")) as programs:
        yield await programs.webhook()


@pytest.fixture(scope="module")
async def worker(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    async with programs_in(tmp_path_factory.mktemp("worker")) as programs:
        yield await programs.worker()


@pytest.fixture(scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Program]]:
    """Two at once, over the same project."""
    async with programs_in(tmp_path_factory.mktemp("workers")) as programs:
        yield [await programs.worker() for _ in range(2)]


@pytest.fixture
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    async with programs_in(tmp_path_factory.mktemp("workers")) as programs:
        yield programs


@pytest.fixture(scope="package")
async def simulator(project: Project) -> AsyncIterator[Simulator]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Simulator(project.provider_url, session)


@pytest.fixture
async def shop(database: Connect, simulator: Simulator, webhook: Program) -> Shop:
    return await Shop.new(database, simulator, webhook)


@pytest.fixture
async def other(database: Connect, simulator: Simulator, webhook: Program) -> Shop:
    """Another workspace with a number of its own."""
    return await Shop.new(database, simulator, webhook)


@pytest.fixture
async def gateway(project: Project) -> AsyncIterator[FlakyGateway]:
    async with flaky_gateway(project.url) as gateway:
        yield gateway


@pytest.fixture
async def unkind(project: Project, http: httpx.AsyncClient) -> AsyncIterator[Unkind]:
    """Makes a stand-in unkind (`realtime`, `storage`); kind again afterwards."""
    touched: set[str] = set()

    async def change(service: str, **orders: object) -> None:
        touched.add(service)
        answer = await http.post(f"{project.url}/_devstack/{service}", json=orders)
        assert answer.status_code == 200, answer.text

    yield change
    for service in touched:
        await change(service, reset=True)
