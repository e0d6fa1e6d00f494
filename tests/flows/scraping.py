"""A process's /metrics, read as Prometheus reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import httpx
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.flows.programs import Program
from tests.flows.waiting import until


@dataclass(frozen=True)
class Scrape:
    """All families of one answer, by name."""

    families: dict[str, Metric]

    @classmethod
    def of(cls, text: str) -> Scrape:
        return cls({family.name: family for family in text_string_to_metric_families(text)})

    def value(self, sample: str, **labels: str) -> float | None:
        """The sum of the samples with this name and these labels among theirs; None: there is none."""
        found = [
            each.value
            for family in self.families.values()
            for each in family.samples
            if each.name == sample and labels.items() <= each.labels.items()
        ]
        return sum(found) if found else None

    @property
    def samples(self) -> set[str]:
        return {each.name for family in self.families.values() for each in family.samples}


async def scrape(http: httpx.AsyncClient, program: Program) -> Scrape:
    answer = await http.get(f"{program.url}/metrics")
    assert answer.status_code == 200, answer.text
    return Scrape.of(answer.text)


async def until_scraped(
    http: httpx.AsyncClient, program: Program, wanted: Callable[[Scrape], object], within: float = 20
) -> Scrape:
    """What it tells once it is wanted; figures of the queues are up to ten seconds old."""
    return await until(lambda: scrape(http, program), wanted, within)
