"""The receiver with spans: a webhook, its commit, and what was made of it. Imported only for who wants traces."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from uuid import UUID

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from store.rpc import Rpc
from store.traces import fail, nanoseconds, past, tracer
from webhook.app import Receiver
from webhook.bodies import Refused
from webhook.journal import Journal
from webhook.recorder import MAX_WAITING, Event, Recorder
from whatsapp.envelope import Endpoint
from whatsapp.normalise import Normalised

EVENT_ID = "wabase.event_id"


class TracedReceiver(Receiver):
    """Its span lasts from the first byte to the answer."""

    async def _receive(self, began: float, request: str, endpoint: Endpoint, raw: bytes) -> None:
        attributes: dict[str, str | int] = {"wabase.provider": endpoint.provider, "wabase.bytes": len(raw)}
        attributes["wabase.request_id"] = request
        with tracer.start_as_current_span(
            "webhook.receive",
            kind=SpanKind.SERVER,
            attributes=attributes,
            start_time=nanoseconds(began),
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                await super()._receive(began, request, endpoint, raw)
            except Refused as refused:
                fail(span, str(refused.status))
                raise


class TracedJournal(Journal):
    """Its span is the wait of one body for its group's commit."""

    async def commit(self, endpoint: Endpoint, body: bytes, began: float) -> int:
        webhook = trace.get_current_span()
        with tracer.start_as_current_span(
            "journal.commit", record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                event_id = await super().commit(endpoint, body, began)
            except Exception as error:
                fail(span, type(error).__name__)
                raise
            for each in (span, webhook):
                each.set_attribute(EVENT_ID, event_id)
            return event_id


class TracedRecorder(Recorder):
    """One span per event, under its webhook's; many events are recorded by one call."""

    def __init__(
        self, rpc: Rpc, default_workspace_id: UUID | None, keep_days: int, counted: Callable[[str, int], None]
    ) -> None:
        super().__init__(rpc, default_workspace_id, keep_days, counted)
        self._webhooks: OrderedDict[int, Span] = OrderedDict()

    def add(self, event: Event) -> None:
        webhook = trace.get_current_span()
        if webhook.is_recording():
            self._webhooks[event.id] = webhook
            # Those that another replica has recorded are never asked for here.
            while len(self._webhooks) > MAX_WAITING:
                self._webhooks.popitem(last=False)
        super().add(event)

    async def _record(self, results: Sequence[Normalised]) -> None:
        began = time.time_ns()
        await super()._record(results)
        for result in results:
            webhook = self._webhooks.pop(result.event_id, trace.INVALID_SPAN)
            attributes = {EVENT_ID: result.event_id, "wabase.events_at_once": len(results)}
            attributes |= {"wabase.messages": len(result.messages), "wabase.statuses": len(result.statuses)}
            past("inbound.record", webhook, began, attributes)
