"""supabase/recipes/partition_journal.sql: the journal becomes months under load, loses nothing, and lets months go."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from store.connect import connect
from store.rpc import Rpc
from tests.flows.own_stack import database_of, own_stack
from tests.flows.tenant import Tenant, token_of
from tests.flows.waiting import until
from tests.ops.conftest import wabase
from tests.webhook.posting import text_from_customer

RECIPE = (Path(__file__).parents[2] / "supabase/recipes/partition_journal.sql").read_text()
STEPS = re.split(r"^(?=-- Step \d\. )", RECIPE, flags=re.MULTILINE)[1:]
# The receiver lets go what is older than 30 days.
LONG_AGO = """
    insert into webhook_events (provider, phone_number_id, body, state, received_at, missing)
    select '360dialog', %(number)s, '{"entry": []}', state, now() - interval '20 days', missing
    from (values ('processed', null), ('failed', null), ('unrouted', array['nobody'])) as told (state, missing)
    returning id, state
"""
MAY_READ = """
    select child.relname, role
    from pg_inherits join pg_class as child on child.oid = inhrelid
    cross join unnest(array['anon', 'authenticated', 'service_role']) as role
    where inhparent = 'webhook_events'::regclass
      and has_table_privilege(role, child.oid, 'select, insert, update, delete, truncate')
"""
COUNTED = """
    select tableoid::regclass::text as place, state, count(distinct body::text) as events
    from webhook_events group by 1, 2
"""


class Journal:
    """A receiver that works, its tenant, and what it has answered 200 to."""

    def __init__(self, http: httpx.AsyncClient, stack: dict[str, str], tenant: Tenant, rpc: Rpc) -> None:
        self._http, self.stack, self.tenant, self.rpc = http, stack, tenant, rpc
        self.acknowledged = 0

    async def post(self) -> None:
        """As the provider posts: a body that got 503, as one may that waits for the recipe's lock, comes again."""
        number = self.tenant.phone_number_id
        body = text_from_customer(self.tenant)
        for _ in range(20):
            answer = await self._http.post(
                f"/webhooks/360dialog/{number}",
                json=body,
                headers={"Authorization": f"Bearer {token_of(number, self.stack['WHATSAPP_WEBHOOK_SECRET'])}"},
            )
            if answer.status_code != 503:
                break
        assert answer.status_code == 200
        self.acknowledged += 1

    async def places(self) -> dict[tuple[str, str], int]:
        """How many bodies are where, by partition and state. One that came again is there twice, if it is."""
        return {(row["place"], row["state"]): row["events"] for row in await self.tenant.rows(COUNTED)}

    async def all_processed(self) -> None:
        """Every acknowledged body has become its row."""
        await until(self.tenant.messages, lambda rows: len(rows) == self.acknowledged, within=30)
        await until(self.places, lambda places: "received" not in {state for _, state in places}, within=30)

    async def tend(self, keep_days: int, months_ahead: int = 3) -> list[str]:
        query = "select private.tend_journal(%(days)s, %(months)s) as done"
        done: list[str] = (await self.tenant.rows(query, days=keep_days, months=months_ahead))[0]["done"]
        return done


@asynccontextmanager
async def a_journal() -> AsyncIterator[Journal]:
    async with own_stack("--app") as stack:
        tenant = await Tenant.new(database_of(stack))
        async with (
            httpx.AsyncClient(base_url=stack["WEBHOOK_URL"], timeout=30) as http,
            connect(stack["SUPABASE_URL"], stack["SUPABASE_SERVICE_ROLE_KEY"]) as supabase,
        ):
            yield Journal(http, stack, tenant, Rpc(supabase))


async def test_the_journal_becomes_months_under_load_and_lets_them_go() -> None:
    async with a_journal() as journal:
        old = {row["state"]: row["id"] for row in await journal.tenant.rows(LONG_AGO)}
        await _parted_under_load(journal)
        await _as_before(journal, old)
        await _months_go_and_what_is_set_aside_stays(journal, old)
        await _a_month_that_nobody_made_is_caught_and_moved(journal)
        assert await journal.tenant.rows(MAY_READ) == [], "through the parent only"
        findings = (await wabase("doctor", "--json", **journal.stack)).json["findings"]
        assert {"migrations", "journal"} <= {finding["name"] for finding in findings}
        assert [finding for finding in findings if finding["name"] == "drift"] == []


async def _parted_under_load(journal: Journal) -> None:
    over = asyncio.Event()

    async def customers_write() -> None:
        while not over.is_set():
            await journal.post()

    writing = asyncio.create_task(customers_write())
    await until(_value(journal), lambda count: count > 3)
    for step in STEPS:
        await _run(journal, step)
    before = journal.acknowledged
    await until(_value(journal), lambda count: count > before + 3)
    over.set()
    await writing
    await journal.all_processed()
    places = await journal.places()
    assert places == {
        ("private.webhook_events_before", "processed"): journal.acknowledged + 1,
        ("private.webhook_events_before", "failed"): 1,
        ("private.webhook_events_before", "unrouted"): 1,
    }
    assert await journal.tend(31) == [], "nothing to do twice"


async def _as_before(journal: Journal, old: dict[str, int]) -> None:
    """Each function of the journal, through PostgREST, on partitions."""
    number, rpc = journal.tenant.phone_number_id, journal.rpc
    newest = await rpc.receive_inbound([("360dialog", number, None, b'{"entry": []}')] * 2)
    others = await journal.tenant.rows(
        "select max(id) as id from webhook_events where not id = any (%(new)s)", new=newest
    )
    assert newest[0] > others[0]["id"], "ids go on from where they were"
    # Claimed by us, or by the receiver, once the lease of their receiving is over.
    assert await rpc.release_inbound(newest) == 2
    await journal.all_processed()
    # The receiver's own sweep, which keeps 30 days, may be looking at the same rows: what it holds is passed over.
    await until(lambda: rpc.sweep_journal(keep_days=10), lambda purged: purged == 1)
    assert await rpc.sweep_journal(keep_days=10) == 0
    rest = await journal.tenant.rows("select state from webhook_events where id = any (%(ids)s)", ids=[*old.values()])
    assert sorted(row["state"] for row in rest) == ["failed", "unrouted"]


async def _months_go_and_what_is_set_aside_stays(journal: Journal, old: dict[str, int]) -> None:
    # As it will be some seventy days from now.
    done = await journal.tend(keep_days=-70)
    assert done[0] == "dropped webhook_events_before"
    assert await journal.places() == {
        ("private.webhook_events_else", "failed"): 1,
        ("private.webhook_events_else", "unrouted"): 1,
    }
    assert await journal.rpc.release_inbound([old["failed"]]) == 1
    await journal.all_processed()
    assert ("private.webhook_events_else", "failed") not in await journal.places()
    # Nobody has made this month: the default partition takes what comes.
    await journal.post()
    await journal.all_processed()


async def _a_month_that_nobody_made_is_caught_and_moved(journal: Journal) -> None:
    late = "insert into webhook_events (provider, body, received_at, state) values ('meta', '{}', %(at)s, 'processed')"
    ends = await journal.tenant.rows("select max(upper_bound) + interval '1 day' as at from private.journal_months()")
    await journal.tenant.rows(late, at=ends[0]["at"])
    place = f"webhook_events_{ends[0]['at']:%Y_%m}"
    assert f"made {place}" in await journal.tend(keep_days=3650, months_ahead=12)
    assert (await journal.places())[f"private.{place}", "processed"] == 1


async def _run(journal: Journal, step: str) -> None:
    async with journal.tenant.database() as session:
        for attempt in range(20):
            try:
                await session.execute(step.encode())
            except Exception as error:
                # What the recipe says: run it again.
                if getattr(error, "sqlstate", "") != "55P03" or attempt == 19:
                    raise
            else:
                return


def _value(journal: Journal) -> Any:
    async def look() -> int:
        return journal.acknowledged

    return look
