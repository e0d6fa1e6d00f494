"""The worker with spans: a job from its claim to its record, and each call in between. Imported only for traces."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind

from store.errors import Rejected
from store.traces import fail, past, tracer
from worker.loop import Queue
from worker.shares import Shares

Row = dict[str, Any]
Key = tuple[str | None, str]

# How much of a path is told: behind it come the names of files.
SEGMENTS = 4
PLAIN = re.compile(r"[a-z_-]+|v[\d.]+")


class TracedQueue:
    """A queue whose jobs have a span each, with children: claim, the work (`work` names it), record."""

    def __init__(self, queue: Queue, work: str) -> None:
        self._queue = queue
        self._work = f"{queue.name}.{work}"
        self._jobs: dict[Key, Span] = {}
        self.name = queue.name
        self.slots = queue.slots

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        began = time.time_ns()
        claimed = await self._queue.claim(most, shares)
        for job in claimed:
            ids = {"wabase.message_id": job["message_id"], "wabase.connection_id": job["connection_id"]}
            span = tracer.start_span(
                self.name, trace.set_span_in_context(trace.INVALID_SPAN), start_time=began, attributes=ids
            )
            span.set_attribute("wabase.attempts", job["attempts"])
            past(f"{self.name}.claim", span, began, {"wabase.jobs_at_once": len(claimed)})
            self._jobs[_key(job)] = span
        return claimed

    async def run(self, job: Row) -> Row | None:
        whole = self._jobs.get(_key(job), trace.INVALID_SPAN)
        with (
            trace.use_span(whole, record_exception=False, set_status_on_exception=False),
            tracer.start_as_current_span(self._work, record_exception=False, set_status_on_exception=False) as span,
        ):
            try:
                result = await self._queue.run(job)
            except BaseException as error:
                fail(span, type(error).__name__)
                self._end(job, "lost")
                raise
            span.set_attribute("wabase.outcome", _outcome(result))
            if result and "error" in result:
                fail(span, str(result["error"].get("code")))
            return result

    async def record(self, results: Sequence[Row]) -> int:
        return await self._write(self._queue.record, results, f"{self.name}.record")

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._write(self._queue.release, leases, f"{self.name}.release")

    async def extend(self, leases: Sequence[Row]) -> int:
        return await self._queue.extend(leases)

    async def due(self, shares: Shares) -> float | None:
        return await self._queue.due(shares)

    async def sweep(self) -> int:
        return await self._queue.sweep()

    async def _write(self, write: Callable[[Sequence[Row]], Awaitable[int]], rows: Sequence[Row], name: str) -> int:
        began = time.time_ns()
        failed: str | None = None
        over = True
        try:
            return await write(rows)
        except Exception as error:
            failed = type(error).__name__
            # The loop tries everything again, but one row that was refused for good.
            over = isinstance(error, Rejected) and len(rows) == 1
            raise
        finally:
            for row in rows:
                if job := self._jobs.get(_key(row)):
                    past(name, job, began, {}, failed)
                if over:
                    self._end(row, _outcome(row))

    def _end(self, job: Row, outcome: str) -> None:
        span = self._jobs.pop(_key(job), trace.INVALID_SPAN)
        span.set_attribute("wabase.outcome", outcome)
        span.end()


def _key(row: Row) -> Key:
    return row["message_id"], row["lease_token"]


def _outcome(result: Row | None) -> str:
    return str(result["outcome"]) if result and "outcome" in result else "release"


def trace_http(*clients: httpx.AsyncClient) -> None:
    """Calls of these clients become spans where they belong to a job."""
    for client in clients:
        # What httpx offers openly, hooks before and after, says nothing of a call that failed.
        client._transport = _Transport(client._transport)


class _Transport(httpx.AsyncBaseTransport):
    """A call's span ends with the answer's head."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if not trace.get_current_span().is_recording():
            return await self._inner.handle_async_request(request)
        attributes = {"http.request.method": request.method, "server.address": request.url.host}
        with tracer.start_as_current_span(
            f"{request.method} {_route(request.url)}",
            kind=SpanKind.CLIENT,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as span:
            try:
                response = await self._inner.handle_async_request(request)
            except BaseException as error:
                fail(span, type(error).__name__)
                raise
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 400:
                fail(span, str(response.status_code))
            return response

    async def aclose(self) -> None:
        await self._inner.aclose()


def _route(url: httpx.URL) -> str:
    """The path without ids and names of files."""
    segments = url.path.strip("/").split("/")[:SEGMENTS]
    return "/" + "/".join(part if PLAIN.fullmatch(part) else "…" for part in segments)
