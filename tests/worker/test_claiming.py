"""Each rule of claiming, with two real workers: what a number, a pair, a conversation and a tenant may expect."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Program, programs_in
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, digits
from tests.flows.waiting import until

pytestmark = pytest.mark.usefixtures("workers")

PEOPLE = """
    with thread as (
      insert into conversations (workspace_id, connection_id, phone)
      select %(workspace)s, %(connection)s, phone from unnest(%(phones)s::text[]) as phone returning id
    ), written as (
      insert into messages (workspace_id, conversation_id, direction, type, content, wamid)
      select %(workspace)s, id, 'inbound', 'text', '{"body": "hi"}', 'wamid.in.' || id from thread
    )
    select id from thread"""
EACH = """
    insert into messages (workspace_id, conversation_id, type, content)
    select %(workspace)s, thread, 'text', jsonb_build_object('body', words)
    from unnest(%(threads)s::uuid[], %(words)s::text[]) with ordinality as told (thread, words, place)
    order by place returning id"""
OWN_REFUSALS = (130429, 131056)


@pytest.fixture(scope="module")
async def workers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Program]]:
    async with programs_in(tmp_path_factory.mktemp("workers")) as programs:
        yield [await programs.worker(), await programs.worker()]


@pytest.fixture
async def other(database: Connect, simulator: Simulator, webhook: Program) -> Shop:
    """Another workspace with a number of its own."""
    return await Shop.new(database, simulator, webhook)


# the rate of a number


async def test_no_second_holds_more_than_a_numbers_rate_and_little_of_it_is_wasted(shop: Shop) -> None:
    await allow(shop, 20, simulated=1000)
    people = await people_of(shop.tenant, 60)
    began = time.monotonic()
    await tell(shop.tenant, people)
    sent = await until(shop.sent, lambda rows: len(rows) == 60, within=20)
    # Twenty at once, twenty each second after that.
    assert time.monotonic() - began < 5
    assert most_in_a_second(sent) <= 20


@pytest.mark.parametrize("delay_ms", [0, 400])
async def test_whatsapp_never_has_to_refuse_a_number_for_its_rate(shop: Shop, delay_ms: int) -> None:
    """Its reports may come before its answers: what they settle counts all the same."""
    await allow(shop, 8)
    await shop.business.fault("messages", {"delay_ms": delay_ms})
    await tell(shop.tenant, await people_of(shop.tenant, 40))
    await until(shop.sent, lambda rows: len(rows) == 40, within=20)
    assert await refusals(shop) == []


# helpers


async def allow(shop: Shop, per_second: int, simulated: int | None = None) -> None:
    """What the connection may send, and what WhatsApp lets pass."""
    await shop.business.control("numbers", messages_per_second=simulated or per_second)
    await shop.tenant.rows(
        "update whatsapp_connections set messages_per_second = %(rate)s where id = %(connection)s", rate=per_second
    )


async def people_of(tenant: Tenant, count: int) -> list[str]:
    """Conversations with so many who have just written."""
    phones = [f"9725{digits(8)}" for _ in range(count)]
    return [str(row["id"]) for row in await tenant.rows(PEOPLE, phones=phones)]


async def tell(tenant: Tenant, threads: list[str], words: str = "hello") -> list[str]:
    """A text into each of these conversations, all in one statement and in this order."""
    rows = await tenant.rows(EACH, threads=threads, words=[f"{words} {place}" for place in range(len(threads))])
    return [str(row["id"]) for row in rows]


async def refusals(shop: Shop) -> list[dict[str, Any]]:
    """What WhatsApp refused because it came too fast."""
    requests = await shop.business.seen("requests", operation="messages")
    return [row for row in requests if row["error"] in OWN_REFUSALS and "error" not in (row["fault"] or "")]


def most_in_a_second(sent: list[dict[str, Any]]) -> int:
    moments = [row["accepted_at"] for row in sent]
    return max(sum(start <= moment < start + 1 for moment in moments) for start in moments)
