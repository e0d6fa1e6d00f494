"""What the receiver tells Prometheus: webhooks, groups of the journal, events."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import Counter, Gauge

from store.metrics import Metrics
from store.timing import Cell, Timing

ANSWER_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
GROUP_BOUNDS = (1, 2, 5, 10, 25, 50, 100, 250, 500)


class WebhookMetrics:
    """Counts what the rooms of the receiver tell it. A webhook costs one look-up in a dict and one Cell.observe."""

    def __init__(self, common: Metrics) -> None:
        self.common = common
        registry = common.registry
        self._answers = Timing(
            registry,
            "wabase_webhook_seconds",
            "From the first byte of a webhook to its answer, by provider and HTTP status.",
            ["provider", "status"],
            ANSWER_BOUNDS,
        )
        self._groups = Timing(
            registry, "wabase_journal_group_events", "Webhooks that were committed together.", [], GROUP_BOUNDS
        ).at()
        self._events = Counter(
            "wabase_inbound_events",
            "Journal events by what became of them: recorded, swept (taken over), rejected, left_to_sweep.",
            ["outcome"],
            registry=registry,
        )
        for outcome in ("recorded", "swept", "rejected", "left_to_sweep"):
            self._events.labels(outcome)
        self._waiting = Gauge(
            "wabase_inbound_waiting_events", "Committed events this process has yet to record.", registry=registry
        )

    def answers(self, provider: str) -> Callable[[int], Cell]:
        """The series of a provider by status, for one route."""
        known: dict[int, Cell] = {}

        def of(status: int) -> Cell:
            cell = known.get(status)
            if cell is None:
                cell = known[status] = self._answers.at(provider, str(status))
            return cell

        # There from the beginning: the growth of a series that was not there is not seen.
        for status in (200, 401, 403, 503):
            of(status)
        return of

    def grouped(self, events: int) -> None:
        """So many were committed together."""
        self._groups.observe(events)

    def recorded(self, outcome: str, events: int) -> None:
        """What became of so many events."""
        self._events.labels(outcome).inc(events)

    def watch_waiting(self, waiting: Callable[[], int]) -> None:
        """Where to ask how many wait in memory."""
        self._waiting.set_function(lambda: float(waiting()))
