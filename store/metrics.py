"""What every process tells Prometheus of itself: its version, its event loop, its calls to Supabase, and the queues'.

docs/metrics.md has them all. One registry per process, made where its rooms are wired together.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Callable
from typing import Any

import httpx
from prometheus_client import CollectorRegistry, Counter, Gauge, ProcessCollector, disable_created_metrics
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from pydantic import SecretStr

from store.health import QueueHealth
from store.timing import Timing
from store.version import installed

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
LAG_EVERY_SECONDS = 0.5
LAG_BOUNDS = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0)
CALL_BOUNDS = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)


class Metrics:
    """A process's registry, with what both have in common. `process` is its name."""

    def __init__(self, process: str) -> None:
        # A second series for each counter, which says when the process began: process_start_time_seconds does.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        built = Gauge(
            "wabase_build_info", "The running version; always 1.", ["process", "version"], registry=self.registry
        )
        built.labels(process, installed()).set(1)
        self._lag = Timing(
            self.registry,
            "wabase_event_loop_lag_seconds",
            "How late the event loop came back to a timer: what computing or a busy machine has taken from it.",
            [],
            LAG_BOUNDS,
        ).at()
        self._calls = Timing(
            self.registry,
            "wabase_database_call_seconds",
            "How long Supabase took to answer, by function; table: a table read by REST, storage: files.",
            ["function"],
            CALL_BOUNDS,
        )
        self._errors = Counter(
            "wabase_database_call_errors",
            "Calls to Supabase without success, by HTTP status; no_answer and canceled have none.",
            ["function", "status"],
            registry=self.registry,
        )
        self._health: QueueHealth | None = None

    def watch_database(self, request: httpx.Request, seconds: float, status: str) -> None:
        """Counts one call to Supabase; a Watch."""
        function = _function(request.url.path)
        self._calls.at(function).observe(seconds)
        if not status.startswith("2"):
            self._errors.labels(function, status).inc()

    def watch_queues(self, ask: Callable[[], Any]) -> None:
        """Tells of the queues from now on; `ask` is Rpc.get_queue_health. Once."""
        self._health = QueueHealth(self.registry, ask)

    async def run(self) -> None:
        """Measures the event loop until cancelled."""
        while True:
            due = time.monotonic() + LAG_EVERY_SECONDS
            await asyncio.sleep(LAG_EVERY_SECONDS)
            self._lag.observe(max(0.0, time.monotonic() - due))

    async def exposition(self) -> bytes:
        """All metrics in Prometheus's text format, within a second whatever the database does."""
        if self._health is not None:
            await self._health.refresh()
        return generate_latest(self.registry)


def may_scrape(authorization: str | None, token: SecretStr | None) -> bool:
    """Whether METRICS_TOKEN, where there is one, came as `Authorization: Bearer …`."""
    expected = None if token is None else f"Bearer {token.get_secret_value()}"
    return expected is None or hmac.compare_digest((authorization or "").encode(), expected.encode())


def _function(path: str) -> str:
    """A closed set, however many tables, files and ids the paths have."""
    room, _, rest = path.strip("/").partition("/v1/")
    if room != "rest":
        return "storage" if room == "storage" else "other"
    return rest.removeprefix("rpc/") if rest.startswith("rpc/") else "table"
