"""Traces from webhook to row and from row to provider, taken by a collector; none of it where nobody wants them."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import pytest

from tests.flows.collector import Collector, Seen, collector
from tests.flows.pictures import until_media
from tests.flows.programs import Programs, free_port
from tests.flows.shop import Shop, register_webhook
from tests.flows.tenant import phones
from tests.whatsapp.files import jpeg

WORDS = "nobody reads this in a trace"
# Spans leave at once and not every five seconds.
SOON = {"OTEL_BSP_SCHEDULE_DELAY": "50"}


async def test_a_message_in_and_one_out_are_traces_from_end_to_end(shop: Shop, programs: Programs) -> None:
    (customer,) = phones(1)
    async with collector() as taking:
        settings = SOON | {"OTEL_EXPORTER_OTLP_ENDPOINT": taking.url, "LOG_LEVEL": "debug"}
        webhook, worker = await programs.webhook(**settings), await programs.worker(**settings)
        await register_webhook(shop.business, webhook)
        media = await shop.business.media_from_user(jpeg(64, 48))
        await shop.business.receive({"type": "image", "image": {"id": media["id"], "caption": WORDS}}, phone=customer)
        (picture,) = await shop.tenant.until_messages(bool)
        await until_media(shop, picture, "stored")
        message_id = await shop.tenant.queue(str(picture["conversation_id"]), WORDS)
        await shop.tenant.until_message(message_id, lambda row: row["wamid"])
        (event, *_) = await shop.tenant.events()
        await of_the_webhook(taking, event["id"])
        sent = await of_the_worker(taking, "outbound", "send", message_id, shop.tenant.connection_id)
        assert sent["POST /messages"].attributes["http.response.status_code"] == 200
        assert sent["POST /messages"].parent == sent["outbound.send"].span_id
        fetched = await of_the_worker(taking, "media", "fetch", str(picture["id"]), shop.tenant.connection_id)
        assert any(name.startswith("GET ") for name in fetched)
        assert fetched["POST /storage/v1/object/whatsapp-media"].parent == fetched["media.fetch"].span_id
        assert [word for word in (WORDS, customer, shop.business.api_key) if word.encode() in taking.raw] == []
        # What is said within a span names it.
        assert sent["outbound"].trace_id in worker.said
    assert {span.service for span in taking.spans} == {"wabase-webhook", "wabase-worker"}


async def of_the_webhook(taking: Collector, event_id: int) -> None:
    spans = await taking.tree(
        "webhook.receive", "wabase.event_id", event_id, "webhook.receive", "journal.commit", "inbound.record"
    )
    assert {span.attributes["wabase.event_id"] for span in spans.values()} == {event_id}
    root = spans["webhook.receive"]
    assert (root.parent, {spans[name].parent for name in ("journal.commit", "inbound.record")}) == ("", {root.span_id})


async def of_the_worker(
    taking: Collector, queue: str, work: str, message_id: str, connection_id: str
) -> dict[str, Seen]:
    children = [f"{queue}.{step}" for step in ("claim", work, "record")]
    spans = await taking.tree(queue, "wabase.message_id", message_id, *children)
    root = spans[queue]
    assert (root.parent, {spans[name].parent for name in children}) == ("", {root.span_id})
    assert root.attributes["wabase.connection_id"] == connection_id
    assert root.attributes["wabase.outcome"] in ("done", "stored")
    assert not [span for span in spans.values() if span.failed]
    return spans


async def test_a_sampler_of_the_environment_holds(shop: Shop, programs: Programs) -> None:
    async with collector() as taking:
        settings = SOON | {"OTEL_EXPORTER_OTLP_ENDPOINT": taking.url, "OTEL_TRACES_SAMPLER": "always_off"}
        worker = await programs.worker(**settings)
        message_id = await shop.queue_text()
        await shop.tenant.until_message(message_id, lambda row: row["wamid"])
        worker.signal(signal.SIGTERM)
        assert await worker.ended() == 0
    assert taking.spans == []


async def test_a_collector_that_refuses_stops_nothing_and_holds_up_no_end(shop: Shop, programs: Programs) -> None:
    # A queue of one batch: it is full at once.
    full = {"OTEL_BSP_MAX_QUEUE_SIZE": "2", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "1"}
    settings = SOON | full | {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{free_port()}"}
    webhook, worker = await programs.webhook(**settings), await programs.worker(**settings)
    await register_webhook(shop.business, webhook)
    for number in range(5):
        await shop.business.receive({"type": "text", "text": {"body": f"number {number}"}})
    await shop.tenant.until_messages(lambda rows: len(rows) == 5)
    message_id = await shop.queue_text()
    await shop.tenant.until_message(message_id, lambda row: row["wamid"])
    for program in (webhook, worker):
        await program.until_said('"library.told"')
        program.signal(signal.SIGTERM)
    began = time.monotonic()
    for program in (webhook, worker):
        assert await program.ended() == 0
        # The exporter itself would try for ten seconds.
        assert time.monotonic() - began < 9
        assert "Traceback" not in program.said


@pytest.mark.parametrize("module", ["webhook", "worker"])
async def test_without_the_setting_nothing_of_it_is_imported(module: str, programs: Programs, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry/__init__.py").write_text("print('imported')")
    settings = {"PYTHONPATH": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": ""}
    program = await (programs.webhook(**settings) if module == "webhook" else programs.worker(**settings))
    program.signal(signal.SIGTERM)
    assert await program.ended() == 0
    assert "process.stopped" in program.said
    assert "imported" not in program.said


async def test_an_endpoint_without_the_packages_is_told_in_one_sentence(programs: Programs, tmp_path: Path) -> None:
    # In place of an installation without the extra: the import fails as there.
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry/__init__.py").write_text(
        "raise ModuleNotFoundError(\"No module named 'opentelemetry'\", name='opentelemetry')"
    )
    program = await programs.start(
        "webhook", OTEL_EXPORTER_OTLP_ENDPOINT="http://127.0.0.1:4318", PYTHONPATH=str(tmp_path)
    )
    assert await program.ended() == 2
    assert program.said.splitlines() == [
        "OTEL_EXPORTER_OTLP_ENDPOINT: is set, but the package opentelemetry is missing; "
        "install it with pip install 'wabase[otel]', or unset it"
    ]
