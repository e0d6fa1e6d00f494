"""Spans of jobs that do not go as they should: marked, ended, and none kept in memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import httpx
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from store import traces
from store.errors import Rejected, StoreError, Unavailable
from worker import traced
from worker.loop import Queue
from worker.shares import Shares
from worker.traced import TracedQueue, trace_http

Row = dict[str, Any]

JOB = {"message_id": "m", "lease_token": "t", "connection_id": "c", "attempts": 1}
WORDS = "what a customer wrote"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for module in (traces, traced):
        monkeypatch.setattr(module, "tracer", provider.get_tracer("test"))
    return exporter


class OneJob:
    """A queue with one job; `result` is what becomes of it, `troubles` what its writes meet, one after the other."""

    name = "outbound"
    slots = 1

    def __init__(self, result: Row | BaseException | None, *troubles: StoreError) -> None:
        self._result = result
        self._troubles = list(troubles)

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        return [JOB]

    async def run(self, job: Row) -> Row | None:
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result

    async def record(self, results: Sequence[Row]) -> int:
        if self._troubles:
            raise self._troubles.pop(0)
        return len(results)

    release = record


def traced_queue(result: Row | BaseException | None, *troubles: StoreError) -> TracedQueue:
    return TracedQueue(cast(Queue, OneJob(result, *troubles)), "send")


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def error_of(span: ReadableSpan) -> object:
    return (span.attributes or {}).get("error.type")


async def test_a_failed_send_is_marked_by_its_code_alone(spans: InMemorySpanExporter) -> None:
    queue = traced_queue({"outcome": "reject", "error": {"code": 131026, "title": WORDS}})
    (job,) = await queue.claim(1, {})
    result = await queue.run(job)
    await queue.record([job | (result or {})])
    found = named(spans)
    assert found.keys() == {"outbound", "outbound.claim", "outbound.send", "outbound.record"}
    assert error_of(found["outbound.send"]) == "131026"
    assert (found["outbound"].attributes or {})["wabase.outcome"] == "reject"
    assert WORDS not in "".join(span.to_json() for span in found.values())
    assert queue._jobs == {}


async def test_a_write_that_is_tried_again_ends_the_job_when_it_succeeds(spans: InMemorySpanExporter) -> None:
    queue = traced_queue(None, Unavailable("503", WORDS))
    (job,) = await queue.claim(1, {})
    assert await queue.run(job) is None
    with pytest.raises(Unavailable):
        await queue.release([job])
    assert "outbound" not in named(spans)
    await queue.release([job])
    writes = [span for span in spans.get_finished_spans() if span.name == "outbound.release"]
    assert [error_of(span) for span in writes] == ["Unavailable", None]
    assert (named(spans)["outbound"].attributes or {})["wabase.outcome"] == "release"
    assert queue._jobs == {}


async def test_what_supabase_refuses_for_good_ends_with_it(spans: InMemorySpanExporter) -> None:
    queue = traced_queue({"outcome": "done"}, Rejected("22023", WORDS))
    (job,) = await queue.claim(1, {})
    with pytest.raises(Rejected):
        await queue.record([job | {"outcome": "done"}])
    assert (error_of(named(spans)["outbound.record"]), queue._jobs) == ("Rejected", {})


async def test_a_job_that_the_worker_stumbles_over_ends_as_lost(spans: InMemorySpanExporter) -> None:
    queue = traced_queue(KeyError(WORDS))
    (job,) = await queue.claim(1, {})
    with pytest.raises(KeyError):
        await queue.run(job)
    found = named(spans)
    assert error_of(found["outbound.send"]) == "KeyError"
    assert (found["outbound"].attributes or {})["wabase.outcome"] == "lost"
    assert WORDS not in "".join(span.to_json() for span in found.values())
    assert queue._jobs == {}


async def test_calls_are_spans_only_within_a_job_and_have_no_ids_in_their_names(spans: InMemorySpanExporter) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/cut":
            raise httpx.ConnectError(WORDS)
        return httpx.Response(404 if "info" in request.url.path else 200)

    async with httpx.AsyncClient(transport=httpx.MockTransport(answer), base_url="https://host") as http:
        trace_http(http)
        await http.get("/messages")
        assert named(spans) == {}
        with traced.tracer.start_as_current_span("outbound.send"):
            await http.post("/v25.0/123456789012345/messages?access_token=secret")
            await http.get("/storage/v1/object/info/whatsapp-media/1b/secret.pdf")
            with pytest.raises(httpx.ConnectError):
                await http.get("/cut")
    found = named(spans)
    calls = {name: error_of(span) for name, span in found.items()}
    assert calls == {
        "POST /v25.0/…/messages": None,
        "GET /storage/v1/object/info": "404",
        "GET /cut": "ConnectError",
        "outbound.send": None,
    }
    told = "".join(span.to_json() for span in found.values())
    assert [word for word in ("secret", "123456789012345", WORDS) if word in told] == []
