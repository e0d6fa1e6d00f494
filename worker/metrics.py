"""What the worker tells Prometheus: sends, files, its loops, its doorbell, and how the providers answer."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Any

import httpx
from prometheus_client import Counter
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from store.metrics import Metrics
from store.realtime import Doorbell
from store.timing import Timing
from worker.loop import Loop
from worker.media_failures import RULES
from worker.settings import Settings

Row = dict[str, Any]

PROVIDER_BOUNDS = (0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class WorkerMetrics:
    """Counts what the loops tell it, and reads loops and doorbell when somebody scrapes."""

    def __init__(self, common: Metrics, settings: Settings) -> None:
        self.common = common
        bases = {settings.whatsapp_360_base_url: "360dialog", settings.meta_graph_base_url: "meta"}
        # The longer first: one may be within the other, behind a proxy.
        self._providers = sorted(bases.items(), key=lambda base: -len(base[0]))
        registry = common.registry
        self._jobs = Counter("wabase_jobs", "Jobs by queue and outcome.", ["queue", "outcome"], registry=registry)
        self._sends = Counter(
            "wabase_sends",
            "Tries to send a message, by outcome and class of the error (none: sent).",
            ["outcome", "error_class"],
            registry=registry,
        )
        # There from the beginning: the growth of a series that was not there is not seen.
        for outcome, error_class in (("done", "none"), ("throttle", "THROTTLE"), ("uncertain", "UNCERTAIN")):
            self._sends.labels(outcome, error_class)
        self._files = Counter(
            "wabase_media", "Tries to fetch a file, by outcome and code.", ["outcome", "code"], registry=registry
        )
        self._bytes = Counter("wabase_media_bytes", "Bytes of files that were stored.", registry=registry)
        self._calls = Timing(
            registry,
            "wabase_provider_call_seconds",
            "How long WhatsApp's provider took to answer, by call and HTTP status; no_answer and canceled have none.",
            ["provider", "call", "status"],
            PROVIDER_BOUNDS,
        )

    def finished(self, queue: str, result: Row | None) -> None:
        """A job of a queue is done; None: given back unbegun."""
        outcome = "released" if result is None else str(result.get("outcome", "done"))
        self._jobs.labels(queue, outcome).inc()
        error: Row = (result or {}).get("error") or {}
        if queue == "outbound":
            self._sends.labels(outcome, str(error.get("class", "none"))).inc()
        elif queue == "media":
            code = error.get("code", "none")
            # WhatsApp's own numbers are many, and new ones come.
            self._files.labels(outcome, code if code in RULES or code == "none" else "provider").inc()
            if outcome == "stored" and result is not None:
                self._bytes.inc(result["size"])

    def watch_provider(self, request: httpx.Request, seconds: float, status: str) -> None:
        """Counts one call to a provider; a Watch."""
        url = str(request.url)
        provider = next((name for base, name in self._providers if url.startswith(base)), "other")
        self._calls.at(provider, _call(request), status).observe(seconds)

    def watch(self, loops: Sequence[Loop], doorbell: Doorbell) -> None:
        """Tells of these from now on. Once."""
        self.common.registry.register(_Parts(loops, doorbell))


class _Parts(Collector):
    """Loops and doorbell as they are when they are asked."""

    def __init__(self, loops: Sequence[Loop], doorbell: Doorbell) -> None:
        self._loops = loops
        self._doorbell = doorbell

    def collect(self) -> Iterable[Metric]:
        now = time.monotonic()
        yield self._each("wabase_jobs_running", "Jobs in hand.", [loop.jobs for loop in self._loops])
        yield self._each("wabase_job_slots", "Jobs it may have at one time.", [loop.slots for loop in self._loops])
        yield self._each(
            "wabase_poll_interval_seconds",
            "How long the last turn was to wait for a ring.",
            [loop.poll_seconds for loop in self._loops],
        )
        yield self._each(
            "wabase_claim_age_seconds",
            "Since when nothing could be claimed because the database did not answer.",
            [now - loop.claimed_at for loop in self._loops],
        )
        bell = self._doorbell
        yield GaugeMetricFamily(
            "wabase_doorbell_healthy", "1: Realtime rings, and soon. 0: the poll does all.", value=float(bell.healthy)
        )
        yield GaugeMetricFamily(
            "wabase_doorbell_lag_seconds",
            "From a canary's insert to its ring; NaN: none was heard.",
            value=float("nan") if bell.lag is None else bell.lag,
        )
        yield CounterMetricFamily("wabase_doorbell_rings", "Rings heard.", value=bell.rings)
        yield CounterMetricFamily("wabase_doorbell_canaries", "Canaries sent.", value=bell.canaries)
        yield CounterMetricFamily("wabase_doorbell_lost", "Canaries that were not heard in time.", value=bell.lost)

    def _each(self, name: str, told: str, values: Sequence[float]) -> Metric:
        family = GaugeMetricFamily(name, told, labels=["queue"])
        for loop, value in zip(self._loops, values, strict=True):
            family.add_metric([loop.name], value)
        return family


def _call(request: httpx.Request) -> str:
    """What was asked, by a closed set: messages (receipts too), upload, files (looked up and downloaded), other."""
    path = request.url.path
    if request.method == "GET":
        return "files"
    if path.endswith("/messages"):
        return "messages"
    return "upload" if path.endswith("/media") else "other"
