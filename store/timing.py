"""A histogram for one thread: what the client library's own costs too much of, where thousands a second are counted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry


class Cell:
    """One series: the values seen with one set of labels. Not for two threads."""

    __slots__ = ("_bounds", "counts", "sum")

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def observe(self, value: float) -> None:
        """Counts one value. No lock: half a microsecond instead of three (measured beside prometheus-client 0.26)."""
        self.counts[bisect_left(self._bounds, value)] += 1
        self.sum += value


class Timing(Collector):
    """A histogram with labels. `bounds` are the upper ends of its buckets, ascending, in the unit of its name."""

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        documentation: str,
        labels: Sequence[str],
        bounds: Sequence[float],
    ) -> None:
        self._name, self._documentation, self._labels = name, documentation, tuple(labels)
        self._bounds = tuple(bounds)
        self._cells: dict[tuple[str, ...], Cell] = {}
        registry.register(self)

    def at(self, *values: str) -> Cell:
        """The series with these label values, made at its first use. Keep it where it is asked for often."""
        cell = self._cells.get(values)
        if cell is None:
            cell = self._cells[values] = Cell(self._bounds)
        return cell

    def describe(self) -> Iterable[Metric]:
        """The name alone, which the registry keeps unique."""
        yield self._family()

    def collect(self) -> Iterable[Metric]:
        """All series, as the client library asks for them."""
        family = self._family()
        for values, cell in self._cells.items():
            family.add_metric(values, list(self._buckets(cell)), cell.sum)
        yield family

    def _family(self) -> HistogramMetricFamily:
        return HistogramMetricFamily(self._name, self._documentation, labels=self._labels)

    def _buckets(self, cell: Cell) -> Iterator[tuple[str, float]]:
        total = 0
        for bound, count in zip((*map(repr, map(float, self._bounds)), "+Inf"), cell.counts, strict=True):
            total += count
            yield bound, total
