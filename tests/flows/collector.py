"""Where traces go in tests: a collector that takes OTLP/HTTP and keeps the spans."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.flows.waiting import until


@dataclass(frozen=True)
class Seen:
    """A span; ids are hex, `parent` is empty for the first of a trace."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent: str
    attributes: dict[str, str | int]
    failed: bool


@dataclass
class Collector:
    url: str = ""
    spans: list[Seen] = field(default_factory=list)
    raw: bytes = b""

    async def take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            named = {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    told = {pair.key: pair.value.string_value or pair.value.int_value for pair in span.attributes}
                    ids = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
                    self.spans.append(Seen(named["service.name"], span.name, *ids, told, span.status.code == 2))
        return web.Response(content_type="application/x-protobuf")

    async def tree(self, first: str, key: str, value: object, *names: str) -> dict[str, Seen]:
        """The trace whose first span has this attribute, by the spans' names, once these have come."""

        async def seen() -> dict[str, Seen]:
            firsts = [span for span in self.spans if span.name == first and span.attributes.get(key) == value]
            traces = {span.trace_id for span in firsts}
            return {span.name: span for span in self.spans if span.trace_id in traces}

        return await until(seen, lambda tree: {first, *names} <= tree.keys())


@asynccontextmanager
async def collector() -> AsyncIterator[Collector]:
    taking = Collector()
    app = web.Application()
    app.router.add_post("/v1/traces", taking.take)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        taking.url = "http://{}:{}".format(*runner.addresses[0])
        yield taking
    finally:
        await runner.cleanup()
