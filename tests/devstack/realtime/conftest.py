"""Clients, users, tables and switches for the Realtime scenarios."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import Project
from tests.devstack.realtime.clients import Client, NodeClient, NodeProcess, PythonClient
from tests.devstack.realtime.tables import Table, User, make_user, published_table

LIBRARIES = ["realtime-py", "supabase-js 1.0.0", "supabase-js 2.0.0"]
Connect = Callable[..., Awaitable[Client]]
Switch = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture(scope="session")
async def node() -> AsyncIterator[NodeProcess]:
    process = NodeProcess()
    await process.start()
    yield process
    await process.stop()


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def connect(library: str, node: NodeProcess, project: Project) -> AsyncIterator[Connect]:
    """`await connect(user)`: a new client of the library under test; without a user it has the anon key only."""
    clients: list[Client] = []

    async def open_client(user: User | None = None, key: str = project.anon_key) -> Client:
        client = PythonClient() if library == "realtime-py" else NodeClient(node, library.split()[1])
        clients.append(client)
        await client.connect(project.url, key, user.token if user else None)
        return client

    yield open_client
    for client in clients:
        await client.call("close")


@pytest.fixture
def user(project: Project) -> Callable[..., User]:
    """`user()`: somebody nobody knows yet."""
    return lambda **options: make_user(project.jwt_secret, **options)


@pytest.fixture
async def table(project: Project) -> AsyncIterator[Table]:
    async with published_table(project.db_url) as table:
        yield table


@pytest.fixture
async def switch(project: Project, http: httpx.AsyncClient) -> AsyncIterator[Switch]:
    """`await switch(silent=True)`: make the stand-in unkind. Real projects have no such switch."""
    address = f"{project.url}/_devstack/realtime"
    if (await http.get(address)).status_code != 200:
        pytest.skip("only the embedded stack can be told to be unkind")

    async def change(**orders: Any) -> dict[str, Any]:
        answer = await http.post(address, json=orders)
        assert answer.status_code == 200, answer.text
        state: dict[str, Any] = answer.json()
        return state

    yield change
    await change(reset=True)
