"""What the receiver tells whoever watches: its metrics, and whether it is alive and ready, whatever Supabase does."""

from __future__ import annotations

import asyncio
import time

import httpx

from store.connect import connect
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.flaky_gateway import HANGS, UNAVAILABLE, FlakyGateway, Trouble
from tests.flows.programs import Program, Programs
from tests.flows.scraping import scrape, until_scraped
from tests.flows.tenant import Tenant
from tests.webhook.posting import post, text_from_customer
from webhook.journal import HUNG_SECONDS as JOURNAL_HUNG_SECONDS
from webhook.journal import Journal
from webhook.recorder import HUNG_SECONDS as SWEEP_HUNG_SECONDS
from webhook.recorder import Recorder
from whatsapp.envelope import Endpoint


async def test_webhooks_are_counted_by_provider_and_answer(
    programs: Programs, tenant: Tenant, http: httpx.AsyncClient
) -> None:
    webhook = await programs.webhook()
    for _ in range(3):
        assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    assert await post(webhook, tenant, text_from_customer(tenant), token="0" * 64) == 401
    assert await post(webhook, tenant, b"no JSON") == 400
    await tenant.until_messages(lambda rows: len(rows) == 3)
    seen = await until_scraped(http, webhook, lambda seen: seen.value("wabase_journal_events") is not None)
    assert (seen.value("wabase_inbound_events_total", outcome="recorded") or 0) >= 1
    answers = {
        status: seen.value("wabase_webhook_seconds_count", provider="360dialog", status=status)
        for status in ("200", "401", "400")
    }
    assert answers == {"200": 3, "401": 1, "400": 1}
    assert seen.value("wabase_webhook_seconds_count", provider="meta") == 0
    assert seen.value("wabase_journal_group_events_sum") == 3
    assert seen.value("wabase_database_call_seconds_count", function="receive_inbound") == 3
    assert seen.value("wabase_build_info", process="webhook") == 1
    assert (seen.value("process_resident_memory_bytes") or 0) > 1e6


async def test_what_is_set_aside_is_seen(programs: Programs, tenant: Tenant, http: httpx.AsyncClient) -> None:
    webhook = await programs.webhook()
    await tenant.rows("delete from whatsapp_connections where id = %(connection)s")
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    await tenant.until_events("unrouted")
    await until_scraped(http, webhook, lambda seen: seen.value("wabase_journal_set_aside_events", state="unrouted"))


async def test_with_the_database_away_it_is_alive_and_not_ready_and_tells_its_metrics_at_once(
    programs: Programs, gateway: FlakyGateway, http: httpx.AsyncClient
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    assert (await http.get(f"{webhook.url}/livez")).status_code == 200
    gateway.troubles[""] = HANGS
    assert (await http.get(f"{webhook.url}/readyz")).status_code == 503
    assert (await http.get(f"{webhook.url}/livez")).text == "alive"
    began = time.monotonic()
    seen = await scrape(http, webhook)
    # Three times as long as anything waits there, and a twentieth of what the database takes.
    assert time.monotonic() - began < 3
    assert seen.value("wabase_queue_health_age_seconds") == float("inf")
    gateway.troubles[""] = UNAVAILABLE
    await until_scraped(
        http, webhook, lambda seen: seen.value("wabase_database_call_errors_total", status=str(UNAVAILABLE.status))
    )
    assert (await http.get(f"{webhook.url}/livez")).status_code == 200
    gateway.troubles.clear()
    await webhook.until_answering("/readyz")


async def test_a_schema_without_the_function_costs_only_its_figures(
    programs: Programs, gateway: FlakyGateway, http: httpx.AsyncClient
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)
    gateway.troubles["rpc/get_queue_health"] = Trouble(404, '{"code": "PGRST202", "message": "no such function"}')
    seen = await scrape(http, webhook)
    assert seen.value("wabase_journal_events") is None
    assert seen.value("wabase_build_info") == 1


async def test_with_a_token_only_who_shows_it_reads(programs: Programs, http: httpx.AsyncClient) -> None:
    webhook = await programs.webhook(METRICS_TOKEN="a-token")
    assert (await http.get(f"{webhook.url}/metrics")).status_code == 401
    shown = await http.get(f"{webhook.url}/metrics", headers={"Authorization": "Bearer a-token"})
    assert shown.status_code == 200
    assert shown.headers["content-type"].startswith("text/plain; version=0.0.4")


async def test_no_number_token_or_text_is_in_the_metrics(
    webhook: Program, tenant: Tenant, http: httpx.AsyncClient
) -> None:
    body = text_from_customer(tenant, "between us")
    assert await post(webhook, tenant, body) == 200
    await tenant.until_messages(bool)
    text = (await http.get(f"{webhook.url}/metrics")).text
    customer = body["entry"][0]["changes"][0]["value"]["contacts"][0]["wa_id"]
    assert customer not in text
    assert "between us" not in text


async def test_a_journal_or_a_sweep_that_hangs_is_alive_no_more(project: Project) -> None:
    async with connect(project.url, project.service_role_key) as client:
        journal, recorder = Journal(Rpc(client)), Recorder(Rpc(client), None, keep_days=30)
        now = time.monotonic()
        assert journal.problem(now) is recorder.problem(now) is None
        assert recorder.problem(now + SWEEP_HUNG_SECONDS + 1) == "the sweep hangs"
        committing = asyncio.create_task(journal.commit(Endpoint("meta"), b"{}", now))
        await asyncio.sleep(0)
        # Before the group has been taken: as it stays when nobody takes it.
        assert journal.problem(now + JOURNAL_HUNG_SECONDS + 1) == "the journal hangs"
        assert await committing > 0
        assert journal.problem(now + JOURNAL_HUNG_SECONDS + 1) is None
