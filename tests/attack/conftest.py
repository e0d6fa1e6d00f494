"""A receiver per file for attacks that leave it alive. Those that kill start their own and want no other: it sweeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.attack.isolation.files import BUCKET, STORED
from tests.attack.isolation.worlds import Actor, Attack, at_rest
from tests.conftest import Connect, Project
from tests.flows.programs import Program, Programs, programs_in
from tests.flows.tenant import Tenant


@pytest.fixture(scope="module")
async def webhook(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    async with programs_in(tmp_path_factory.mktemp("webhook")) as programs:
        webhook = await programs.webhook()
        yield webhook
        # Whatever was thrown at it, it is the same process and nothing has surprised it.
        assert webhook.process.returncode is None
        assert "Traceback" not in webhook.said


@pytest.fixture
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    async with programs_in(tmp_path_factory.mktemp("webhooks")) as programs:
        yield programs


@pytest.fixture
async def tenant(database: Connect) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
async def attack(project: Project, http: httpx.AsyncClient, database: Connect) -> AsyncIterator[Attack]:
    """Two furnished workspaces, and a file in the first one's part of the bucket."""
    async with database() as session, at_rest(await Attack.prepare(project, http, session)) as ready:
        backend = Actor("backend", 9, None, project.headers(project.service_role_key))
        path = f"/storage/v1/object/{BUCKET}/{STORED.format_map(ready.home)}"
        assert (await ready.ask(backend, "POST", path, {"a": 1})).status == 200
        yield ready
