"""Spans of webhooks that do not go as they should, and of events that nobody here has received."""

from __future__ import annotations

import json
import time
from typing import Any, cast

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from store import traces
from store.errors import StoreError, Unavailable
from store.metrics import Metrics
from store.rpc import Rpc
from webhook import traced
from webhook.bodies import Refused
from webhook.metrics import WebhookMetrics
from webhook.recorder import Event
from webhook.settings import Settings
from webhook.traced import TracedJournal, TracedReceiver, TracedRecorder
from whatsapp.envelope import Endpoint

ENDPOINT = Endpoint("360dialog", phone_number_id="123456789012345")
WORDS = "what a customer wrote"
RAW = json.dumps({"object": "whatsapp_business_account", "entry": [], "words": WORDS}).encode()


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> InMemorySpanExporter:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    for module in (traces, traced):
        monkeypatch.setattr(module, "tracer", provider.get_tracer("test"))
    return exporter


class Database:
    """In the place of the functions. `trouble` is what every call meets."""

    def __init__(self, trouble: StoreError | None = None) -> None:
        self.trouble = trouble

    async def receive_inbound(self, events: list[Any]) -> list[int]:
        if self.trouble:
            raise self.trouble
        return [7 for _ in events]

    async def record_inbound(self, *_: object) -> int:
        if self.trouble:
            raise self.trouble
        return 0


def named(exporter: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in exporter.get_finished_spans()}


def receiver_over(database: Database) -> tuple[TracedReceiver, TracedRecorder]:
    rpc = cast(Rpc, database)
    metrics = WebhookMetrics(Metrics("webhook"))
    recorder = TracedRecorder(rpc, None, 30, metrics.recorded)
    return TracedReceiver(Settings.load(), TracedJournal(rpc), recorder, lambda: None, metrics), recorder


async def test_a_webhook_that_was_not_committed_is_marked_and_ended(spans: InMemorySpanExporter) -> None:
    receiver, recorder = receiver_over(Database(Unavailable("503", WORDS)))
    with pytest.raises(Refused):
        await receiver._receive(time.monotonic(), "request-1", ENDPOINT, RAW)
    found = named(spans)
    errors = {name: (span.attributes or {})["error.type"] for name, span in found.items()}
    assert errors == {"webhook.receive": "503", "journal.commit": "Unavailable"}
    assert WORDS not in "".join(span.to_json() for span in found.values())
    assert recorder._webhooks == {}


async def test_an_event_that_was_recorded_is_remembered_no_longer(spans: InMemorySpanExporter) -> None:
    receiver, recorder = receiver_over(Database())
    await receiver._receive(time.monotonic(), "request-1", ENDPOINT, RAW)
    assert list(recorder._webhooks) == [7]
    recorder.stop()
    await recorder.run()
    found = named(spans)
    assert (found["webhook.receive"].attributes or {})["wabase.request_id"] == "request-1"
    root = found["webhook.receive"].context
    assert root is not None
    parent = found["inbound.record"].parent
    assert parent is not None
    assert (parent.span_id, recorder._webhooks) == (root.span_id, {})


async def test_an_event_of_another_receiver_has_a_trace_of_its_own(spans: InMemorySpanExporter) -> None:
    _, recorder = receiver_over(Database())
    recorder.add(Event(8, ENDPOINT, RAW))
    recorder.stop()
    await recorder.run()
    (span,) = spans.get_finished_spans()
    assert (span.name, span.parent, (span.attributes or {})["wabase.event_id"]) == ("inbound.record", None, 8)
