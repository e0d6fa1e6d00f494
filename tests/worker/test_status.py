"""What the worker tells whoever watches it: its metrics, and whether it is alive and ready, while Supabase is away."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Sequence
from typing import Any

import httpx

from tests.flows.flaky_gateway import HANGS, UNAVAILABLE, FlakyGateway
from tests.flows.programs import Program, Programs, free_port
from tests.flows.scraping import scrape, until_scraped
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.test_loop import Deaf, Waiting
from worker.loop import HUNG_SECONDS, Loop


async def watched(programs: Programs, ready: str = "doorbell.live", **settings: str) -> Program:
    """A worker with a status port."""
    port = free_port()
    settings |= {"WORKER_STATUS_HOST": "127.0.0.1", "WORKER_STATUS_PORT": str(port)}
    worker = await programs.worker(ready, **settings)
    worker.url = f"http://127.0.0.1:{port}"
    await worker.until_answering("/livez")
    return worker


async def test_a_send_is_counted_and_so_is_a_refused_one(
    shop: Shop, programs: Programs, http: httpx.AsyncClient
) -> None:
    worker = await watched(programs)
    first = await shop.queue_text()
    await shop.tenant.until_message(first, lambda row: row["wamid"])
    await shop.business.fault("messages", {"error": 131026}, times=1)
    second = await shop.queue_text("refused")
    await shop.tenant.until_message(second, lambda row: row["status"] == "failed")
    seen = await until_scraped(
        http, worker, lambda seen: seen.value("wabase_sends_total", outcome="reject", error_class="PERMANENT")
    )
    assert (seen.value("wabase_sends_total", outcome="done", error_class="none") or 0) >= 1
    calls = "wabase_provider_call_seconds_count"
    assert (seen.value(calls, provider="360dialog", call="messages", status="200") or 0) >= 1
    assert seen.value("wabase_build_info", process="worker") == 1
    assert seen.value("wabase_doorbell_healthy") is not None
    assert seen.value("wabase_job_slots", queue="outbound") == 256


async def test_a_paused_number_and_what_waits_for_it_are_seen(
    shop: Shop, programs: Programs, http: httpx.AsyncClient
) -> None:
    await shop.tenant.rows(
        "update whatsapp_connections set status = 'paused', status_reason = 'payment' where id = %(connection)s"
    )
    worker = await watched(programs)
    # More than others have left behind: of numbers the largest have a name.
    await shop.tenant.queue_all(await shop.tenant.conversation(), *(f"text {place}" for place in range(40)))
    number = shop.tenant.phone_number_id
    seen = await until_scraped(http, worker, lambda seen: seen.value("wabase_outbox_messages", connection=number) == 40)
    assert (seen.value("wabase_paused_connections") or 0) >= 1
    assert (seen.value("wabase_outbox_oldest_seconds", connection=number) or 0) > 0


async def test_with_the_database_away_it_is_alive_and_not_ready_and_tells_its_metrics_at_once(
    programs: Programs, gateway: FlakyGateway, http: httpx.AsyncClient
) -> None:
    worker = await watched(programs, "", SUPABASE_URL=gateway.url)
    await worker.until_answering("/readyz")
    gateway.troubles[""] = HANGS
    began = time.monotonic()
    assert (await scrape(http, worker)).value("wabase_build_info") == 1
    # Three times as long as anything waits there, and a twentieth of what the database takes.
    assert time.monotonic() - began < 3
    assert (await http.get(f"{worker.url}/readyz")).status_code == 503
    assert (await http.get(f"{worker.url}/livez")).text == "alive"
    gateway.troubles[""] = UNAVAILABLE
    assert (await http.get(f"{worker.url}/readyz")).status_code == 503
    gateway.troubles.clear()
    await worker.until_answering("/readyz")
    assert [end for end in ("lost", "restored") if f'"readiness.{end}"' not in worker.said] == []


async def test_it_drains_when_told_though_somebody_watches(programs: Programs, http: httpx.AsyncClient) -> None:
    worker = await watched(programs)
    assert (await http.get(f"{worker.url}/readyz")).status_code == 200
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0


async def test_a_port_that_is_taken_is_said_in_a_sentence(programs: Programs) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        worker = await programs.start("worker", WORKER_STATUS_HOST="127.0.0.1", WORKER_STATUS_PORT=port)
        assert await worker.ended() == 1
    assert worker.said == (
        f"Cannot listen on 127.0.0.1:{port} (Address already in use): free it or set WORKER_STATUS_PORT.\n"
    )


class Breaking(Waiting):
    """Has a fault of its own where it records."""

    async def record(self, results: Sequence[dict[str, Any]]) -> int:
        raise ZeroDivisionError


async def test_a_loop_that_has_lost_a_part_or_hangs_is_alive_no_more() -> None:
    loop = Loop(Breaking())
    assert loop.problem(time.monotonic()) is None
    assert loop.problem(time.monotonic() + HUNG_SECONDS + 1) == "waiting: the loop hangs"
    running = asyncio.create_task(loop.run(Deaf(), grace_seconds=0))

    async def problem() -> str | None:
        return loop.problem(time.monotonic())

    assert await until(problem) == "waiting: a part of the loop has ended"
    loop.stop()
    await asyncio.gather(running, return_exceptions=True)
    # Whoever drains is to be let.
    assert loop.problem(time.monotonic() + HUNG_SECONDS + 1) is None
