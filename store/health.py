"""How far behind the queues are, for /metrics: asked of the database now and then, and never waited for long."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

import structlog
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from store.errors import StoreError

log = structlog.get_logger()

Row = dict[str, Any]
Sample = tuple[tuple[str, ...], float]

# However often and by however many somebody scrapes.
EVERY_SECONDS = 10.0
# A scrape waits no longer than this for new figures; it tells the old ones then.
PATIENCE_SECONDS = 0.6
ASK_SECONDS = 5.0
# Numbers beyond the largest, and counts that end, see get_queue_health.
REST = "rest"
# What a number is paused for by the system; an operator's own words are no label.
REASONS = frozenset({"credential", "payment", "restriction", "number"})


def _count(answer: Row, *path: str) -> Iterator[Sample]:
    found: Any = answer
    for key in path:
        found = found[key]
    # Nothing waits: it is null.
    yield (), float(found or 0)


def _numbers(key: str, value: str) -> Callable[[Row], Iterator[Sample]]:
    def told(answer: Row) -> Iterator[Sample]:
        for row in answer[key]:
            yield (str(row["phone_number_id"] or REST),), float(row[value])

    return told


def _at(*path: str) -> Callable[[Row], Iterator[Sample]]:
    return lambda answer: _count(answer, *path)


def _set_aside(answer: Row) -> Iterator[Sample]:
    for state, count in answer["set_aside"].items():
        yield (str(state),), float(count)


def _first_deadline(answer: Row) -> Iterator[Sample]:
    # No file, no deadline: a zero would say that one is being lost.
    if answer["media_deadline_seconds"] is not None:
        yield (), float(answer["media_deadline_seconds"])


def _paused(answer: Row) -> Iterator[Sample]:
    for row in answer["paused"]:
        yield (str(row["phone_number_id"]), row["reason"] if row["reason"] in REASONS else "other"), 1.0


# Name, what it is, labels, and where it stands in the answer.
_FAMILIES: tuple[tuple[str, str, tuple[str, ...], Callable[[Row], Iterator[Sample]]], ...] = (
    ("wabase_journal_events", "Webhooks received and not yet made into rows.", (), _at("journal", "received")),
    ("wabase_journal_lag_seconds", "Age of the oldest of them; 0: none.", (), _at("journal", "oldest_seconds")),
    ("wabase_journal_set_aside_events", "Webhooks set aside, by state.", ("state",), _set_aside),
    (
        "wabase_outbox_messages",
        "Messages that could be gone by now, by number.",
        ("connection",),
        _numbers("outbox", "waiting"),
    ),
    (
        "wabase_outbox_oldest_seconds",
        "For how long the oldest of them could be gone.",
        ("connection",),
        _numbers("outbox", "oldest_seconds"),
    ),
    ("wabase_uncertain_messages", "Sends whose answer was lost, not settled yet.", (), _at("uncertain", "waiting")),
    ("wabase_uncertain_oldest_seconds", "Since when the oldest is.", (), _at("uncertain", "oldest_seconds")),
    ("wabase_media_files", "Files still to be fetched, by number.", ("connection",), _numbers("media", "waiting")),
    (
        "wabase_media_oldest_seconds",
        "How long ago the oldest of them was sent.",
        ("connection",),
        _numbers("media", "oldest_seconds"),
    ),
    (
        "wabase_media_first_deadline_seconds",
        "In how long WhatsApp forgets the first of them; absent: none waits.",
        (),
        _first_deadline,
    ),
    ("wabase_removals", "Deleted or expired files that have yet to leave the bucket.", (), _at("removals", "waiting")),
    ("wabase_removals_oldest_seconds", "Since when the oldest is due.", (), _at("removals", "oldest_seconds")),
    ("wabase_paused_connections", "Numbers that are paused.", (), _at("paused_numbers")),
    ("wabase_connection_paused", "1 for a paused number, with its reason.", ("connection", "reason"), _paused),
)
_AGE = ("wabase_queue_health_age_seconds", "How old the figures of the queues are; +Inf: there have been none.")


class QueueHealth(Collector):
    """The answer of `get_queue_health` as gauges. While none comes the last ones stay, and their age grows."""

    def __init__(self, registry: CollectorRegistry, ask: Callable[[], Awaitable[Row]]) -> None:
        self._ask = ask
        self._asking: asyncio.Task[None] | None = None
        self._asked_at = self._told_at = float("-inf")
        self._samples: list[list[Sample]] = [[] for _ in _FAMILIES]
        registry.register(self)

    async def refresh(self) -> None:
        """Asks anew when it is time, one question at a time, and waits a moment for the answer."""
        if self._asking is None and time.monotonic() - self._asked_at >= EVERY_SECONDS:
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._renew())
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                answer = await self._ask()
            self._samples = [list(samples(answer)) for _, _, _, samples in _FAMILIES]
            self._told_at = time.monotonic()
        except (StoreError, TimeoutError) as error:
            log.warning("health.unknown", code=getattr(error, "code", "timeout"))
        except (KeyError, TypeError, ValueError, AttributeError):
            # Another version's function, or a gateway's own word.
            log.warning("health.unknown", code="shape")
        finally:
            self._asking = None

    def describe(self) -> Iterable[Metric]:
        """The names alone, which the registry keeps unique."""
        return (GaugeMetricFamily(name, told) for name, told in (_AGE, *((name, told) for name, told, *_ in _FAMILIES)))

    def collect(self) -> Iterable[Metric]:
        """The last answer, as the client library asks for it."""
        yield GaugeMetricFamily(*_AGE, value=time.monotonic() - self._told_at)
        for (name, told, labels, _), samples in zip(_FAMILIES, self._samples, strict=True):
            family = GaugeMetricFamily(name, told, labels=labels)
            for values, value in samples:
                family.add_metric(values, value)
            yield family
