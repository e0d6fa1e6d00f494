"""One provider process for all of these tests; every test has numbers and a receiver of its own."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.devstack.provider.receiver import Receiver, listening
from tests.devstack.provider.simulator import Business, Simulator
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
NewBusiness = Callable[..., Awaitable[Business]]


async def answering(process: Process, url: str) -> None:
    """Wait until the process says that it is ready."""
    async with asyncio.timeout(15), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, "the provider ended"
            try:
                async with session.get(f"{url}/_control/health") as response:
                    assert response.status == 200
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.02)


@asynccontextmanager
async def provider_process(port: int, *arguments: str) -> AsyncIterator[tuple[Process, str]]:
    """`python -m devstack.provider`, ready."""
    command = (
        sys.executable,
        "-m",
        "devstack.provider",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        *arguments,
    )
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT)
    url = f"http://127.0.0.1:{port}"
    try:
        await answering(process, url)
        yield process, url
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@pytest.fixture(scope="session")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Simulator]:
    data = str(tmp_path_factory.mktemp("provider"))
    async with (
        provider_process(free_port(), "--data", data) as (_, url),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
    ):
        yield Simulator(url, session)


@pytest.fixture
def new_business(simulator: Simulator) -> NewBusiness:
    return simulator.business


@pytest.fixture
async def business(simulator: Simulator) -> Business:
    return await simulator.business()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with listening() as listener:
        yield listener


@pytest.fixture
async def heard(business: Business, receiver: Receiver) -> Receiver:
    """The receiver, registered as the business's webhook."""
    await business.listen(receiver, Authorization="Bearer secret")
    return receiver
