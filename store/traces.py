"""OpenTelemetry traces by OTLP/HTTP. Imported only when OTEL_EXPORTER_OTLP_ENDPOINT is set, so off costs nothing.

The SDK reads its own variables: OTEL_TRACES_SAMPLER, OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES, those of the exporter
(specification, «Environment Variable Specification» and «OpenTelemetry Protocol Exporter»). Spans leave from a thread
with a bounded queue: an exporter that is away costs spans and nothing else.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, Status, StatusCode
from structlog.typing import EventDict, WrappedLogger

# How long the last spans may take to leave when a process ends.
STOP_SECONDS = 2.0

tracer = trace.get_tracer("wabase")


def start(process: str, version: str) -> None:
    """From here on spans leave. `process` names the service unless the environment does."""
    own = Resource({"service.name": f"wabase-{process}", "service.version": version})
    resource = Resource.create().merge(own).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


def stop() -> None:
    """Lets the last spans leave, as long as that may take."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        leaving = threading.Thread(target=provider.shutdown, daemon=True)
        leaving.start()
        leaving.join(STOP_SECONDS)


def add_ids(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A line that is said within a span names it."""
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def past(name: str, parent: Span, began: int, attributes: Mapping[str, str | int], failed: str | None = None) -> None:
    """A child of `parent` that has just ended; `began` in nanoseconds since 1970, `failed` the type of its error."""
    context = trace.set_span_in_context(parent)
    span = tracer.start_span(name, context, start_time=began, attributes=attributes)
    if failed:
        fail(span, failed)
    span.end()


def fail(span: Span, error: str) -> None:
    """Marks a span by the type or code of its error; what the error says may be a customer's words."""
    span.set_status(Status(StatusCode.ERROR, error))
    span.set_attribute("error.type", error)


def nanoseconds(moment: float) -> int:
    """A moment of time.monotonic() as nanoseconds since 1970."""
    return time.time_ns() - int((time.monotonic() - moment) * 1e9)
