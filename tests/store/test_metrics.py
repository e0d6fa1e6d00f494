"""The parts of /metrics by themselves: histograms, the figures of the queues while the database misbehaves, calls."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr

from store.errors import StoreError, Unavailable
from store.health import PATIENCE_SECONDS, QueueHealth
from store.metrics import Metrics, may_scrape
from store.timing import Timing
from store.watched import Watched
from tests.flows.scraping import Scrape
from tests.flows.waiting import until

ANSWER: dict[str, Any] = {
    "max_rows": 20_000,
    "journal": {"received": 3, "oldest_seconds": 61.5},
    "set_aside": {"unrouted": 2, "failed": 0},
    "outbox": [
        {"phone_number_id": "1", "waiting": 5, "oldest_seconds": 9},
        {"phone_number_id": None, "waiting": 7, "oldest_seconds": 8},
    ],
    "uncertain": {"waiting": 0, "oldest_seconds": None},
    "media": [],
    "media_deadline_seconds": None,
    "removals": {"waiting": 0, "oldest_seconds": None},
    "paused": [
        {"phone_number_id": "1", "reason": "payment"},
        {"phone_number_id": "2", "reason": "Dana said so on 15 May"},
        {"phone_number_id": "3", "reason": None},
    ],
    "paused_numbers": 3,
}


def told(registry: CollectorRegistry) -> Scrape:
    return Scrape.of(generate_latest(registry).decode())


def test_a_histogram_is_what_prometheus_expects() -> None:
    registry = CollectorRegistry()
    timing = Timing(registry, "wait_seconds", "A wait.", ["who"], (0.1, 1))
    for value in (0.05, 0.1, 0.5, 7):
        timing.at("me").observe(value)
    seen = told(registry)
    counts = {le: seen.value("wait_seconds_bucket", who="me", le=le) for le in ("0.1", "1.0", "+Inf")}
    assert counts == {"0.1": 2, "1.0": 3, "+Inf": 4}
    assert seen.value("wait_seconds_count") == 4
    assert seen.value("wait_seconds_sum") == pytest.approx(7.65)
    assert seen.families["wait_seconds"].type == "histogram"


def test_no_two_metrics_have_one_name() -> None:
    registry = CollectorRegistry()
    Timing(registry, "wait_seconds", "A wait.", [], (1,))
    with pytest.raises(ValueError, match="Duplicated"):
        Timing(registry, "wait_seconds", "Another.", [], (1,))


class Database:
    """Answers `get_queue_health` as it is told, and counts."""

    def __init__(self, answer: Any = ANSWER) -> None:
        self.answer = answer
        self.asked = 0
        self.let_go = asyncio.Event()
        self.let_go.set()

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        await self.let_go.wait()
        if isinstance(self.answer, StoreError):
            raise self.answer
        answer: dict[str, Any] = self.answer
        return answer


async def test_the_queues_are_told_by_number_and_reason() -> None:
    registry = CollectorRegistry()
    health = QueueHealth(registry, Database())
    assert told(registry).value("wabase_queue_health_age_seconds") == math.inf
    await health.refresh()
    seen = told(registry)
    assert seen.value("wabase_journal_events") == 3
    assert seen.value("wabase_journal_lag_seconds") == 61.5
    assert seen.value("wabase_outbox_messages", connection="1") == 5
    assert seen.value("wabase_outbox_messages", connection="rest") == 7
    assert seen.value("wabase_uncertain_oldest_seconds") == 0
    assert seen.value("wabase_media_first_deadline_seconds") is None
    assert seen.value("wabase_connection_paused", connection="1", reason="payment") == 1
    # What somebody wrote is no label.
    assert seen.value("wabase_connection_paused", reason="other") == 2
    assert "Dana" not in generate_latest(registry).decode()


async def test_however_often_it_is_scraped_the_database_is_asked_once_in_ten_seconds() -> None:
    database = Database()
    health = QueueHealth(CollectorRegistry(), database)
    await asyncio.gather(*(health.refresh() for _ in range(50)))
    await health.refresh()
    assert database.asked == 1


async def test_an_answer_that_does_not_come_holds_no_scrape_and_is_waited_for_by_one_question() -> None:
    registry, database = CollectorRegistry(), Database()
    database.let_go.clear()
    health = QueueHealth(registry, database)
    began = time.monotonic()
    await asyncio.gather(health.refresh(), health.refresh())
    assert time.monotonic() - began < PATIENCE_SECONDS + 2
    assert database.asked == 1
    assert told(registry).value("wabase_journal_events") is None
    database.let_go.set()
    await health.refresh()
    assert database.asked == 1
    assert told(registry).value("wabase_journal_events") == 3


@pytest.mark.parametrize(
    "answer", [Unavailable("503", "away"), {}, {**ANSWER, "outbox": None}, {**ANSWER, "set_aside": []}, {"journal": 1}]
)
async def test_an_answer_that_is_none_leaves_the_last_figures(answer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.health.EVERY_SECONDS", 0.0)
    registry, database = CollectorRegistry(), Database()
    health = QueueHealth(registry, database)
    await health.refresh()
    database.answer = answer
    await health.refresh()
    assert database.asked == 2
    assert told(registry).value("wabase_outbox_messages", connection="1") == 5


async def test_calls_to_supabase_are_told_by_function_and_never_by_id() -> None:
    metrics = Metrics("test")

    def answer(request: httpx.Request) -> httpx.Response:
        if "hang" in request.url.path:
            raise httpx.ConnectError("nobody")
        return httpx.Response(500 if "claim" in request.url.path else 200)

    transport = Watched(httpx.MockTransport(answer), metrics.watch_database)
    async with httpx.AsyncClient(transport=transport, base_url="http://project") as http:
        await http.post("/rest/v1/rpc/claim_media")
        await http.get("/rest/v1/messages?id=eq.1")
        await http.get("/storage/v1/object/whatsapp-media/a/b/c.jpg")
        with pytest.raises(httpx.ConnectError):
            await http.post("/rest/v1/rpc/hang")
    seen = Scrape.of((await metrics.exposition()).decode())
    calls = seen.families["wabase_database_call_seconds"]
    assert {each.labels["function"] for each in calls.samples} == {"claim_media", "table", "storage", "hang"}
    errors = seen.families["wabase_database_call_errors"]
    assert {(each.labels["function"], each.labels["status"]) for each in errors.samples if each.value} == {
        ("claim_media", "500"),
        ("hang", "no_answer"),
    }


async def test_the_event_loops_lag_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.metrics.LAG_EVERY_SECONDS", 0.01)
    metrics = Metrics("test")
    running = asyncio.create_task(metrics.run())
    await asyncio.sleep(0)
    # Somebody computes.
    time.sleep(0.12)  # noqa: ASYNC251

    async def look() -> Scrape:
        return Scrape.of((await metrics.exposition()).decode())

    seen = await until(look, lambda seen: seen.value("wabase_event_loop_lag_seconds_count"))
    running.cancel()
    late = seen.value("wabase_event_loop_lag_seconds_bucket", le="0.1")
    assert late is not None
    assert late < (seen.value("wabase_event_loop_lag_seconds_count") or 0)


@pytest.mark.parametrize(
    ("header", "token", "allowed"),
    [
        (None, None, True),
        ("Bearer anything", None, True),
        (None, "secret", False),
        ("secret", "secret", False),
        ("Bearer wrong", "secret", False),
        ("Bearer \u05e1\u05d5\u05d3", "secret", False),
        ("Bearer secret", "secret", True),
    ],
)
def test_where_there_is_a_token_only_who_shows_it_may_read(
    header: str | None, token: str | None, allowed: bool
) -> None:
    assert may_scrape(header, None if token is None else SecretStr(token)) is allowed
