"""A receiver per file for attacks that leave it alive. Those that kill start their own and want no other: it sweeps."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.conftest import Connect
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
