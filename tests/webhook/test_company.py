"""Group commit: who waits for company and who does not. The waits are made long: a slow machine changes nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from store.connect import connect
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.tenant import Tenant
from tests.webhook.posting import text_from_customer
from webhook import journal as journal_module
from webhook.journal import BUSY, Journal
from whatsapp.envelope import Endpoint

FOR_EVER = 60.0


class Counting:
    """A journal, and how many bodies went together."""

    def __init__(self, rpc: Rpc, tenant: Tenant) -> None:
        self.groups: list[int] = []
        self._journal = Journal(rpc, self.groups.append)
        self._endpoint = Endpoint("360dialog", phone_number_id=tenant.phone_number_id)
        self._tenant = tenant

    async def commit(self, bodies: int) -> None:
        body = json.dumps(text_from_customer(self._tenant, "hello")).encode()
        began = time.monotonic()
        async with asyncio.timeout(10):
            await asyncio.gather(*(self._journal.commit(self._endpoint, body, began) for _ in range(bodies)))


@pytest.fixture
async def counting(project: Project, tenant: Tenant) -> AsyncIterator[Counting]:
    async with connect(project.url, project.service_role_key) as http:
        yield Counting(Rpc(http), tenant)


async def test_after_a_busy_group_the_next_body_waits_for_others(
    counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "GATHER_SECONDS", 1.0)
    await counting.commit(BUSY)
    first = asyncio.create_task(counting.commit(1))
    await asyncio.sleep(0.1)
    await asyncio.gather(first, counting.commit(1))
    assert counting.groups == [BUSY, 2]


async def test_once_there_are_enough_they_wait_no_longer(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "GATHER_SECONDS", FOR_EVER)
    monkeypatch.setattr(journal_module, "ENOUGH", BUSY)
    for _ in range(3):
        await counting.commit(BUSY)
    assert counting.groups == [BUSY] * 3


async def test_bodies_that_come_one_by_one_wait_for_nobody(counting: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "GATHER_SECONDS", FOR_EVER)
    for _ in range(3):
        await counting.commit(1)
    await counting.commit(BUSY - 1)
    await counting.commit(1)
    assert counting.groups == [1, 1, 1, BUSY - 1, 1]
