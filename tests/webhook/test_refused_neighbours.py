"""One body of a group that Postgres refuses: the others of the group are committed all the same."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator

import pytest

from store.connect import connect
from store.errors import Rejected
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.tenant import Tenant
from tests.webhook.posting import text_from_customer
from webhook.journal import Journal
from whatsapp.envelope import Endpoint

# What the receiver's own parser refuses, so that it never gets here over HTTP.
HALF = b'{"half":'


@pytest.fixture
async def rpc(project: Project) -> AsyncIterator[Rpc]:
    async with connect(project.url, project.service_role_key) as http:
        yield Rpc(http)


async def _committed(rpc: Rpc, tenant: Tenant, *bodies: bytes) -> list[int | BaseException]:
    """What becomes of bodies that go as one group: ids, or why not."""
    journal, endpoint, began = Journal(rpc), Endpoint("360dialog", tenant.phone_number_id), time.monotonic()
    async with asyncio.timeout(10):
        return await asyncio.gather(*(journal.commit(endpoint, body, began) for body in bodies), return_exceptions=True)


async def test_a_body_that_postgres_refuses_costs_its_neighbours_nothing(rpc: Rpc, tenant: Tenant) -> None:
    first, last = (json.dumps(text_from_customer(tenant, words)).encode() for words in ("first", "last"))
    one, refused, other = await _committed(rpc, tenant, first, HALF, last)
    assert isinstance(refused, Rejected)
    assert refused.code == "22P02"
    # Each has the id of its own body.
    kept = await tenant.rows("select id, body::text as body from webhook_events where phone_number_id = %(number)s")
    assert {row["id"]: row["body"].encode() for row in kept} == {one: first, other: last}
