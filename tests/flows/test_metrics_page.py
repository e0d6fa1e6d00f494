"""docs/metrics.md, the dashboard and the alerts name what running processes tell, all of it and nothing else."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from ops.__main__ import main
from store.health import QueueHealth
from store.metrics import Metrics
from store.rpc import Rpc
from store.timing import Timing
from tests.flows.programs import Programs, free_port
from tests.flows.scraping import Scrape, scrape
from webhook.metrics import WebhookMetrics
from worker.metrics import WorkerMetrics
from worker.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PAGE = (ROOT / "docs/metrics.md").read_text()
ALERTS: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy/prometheus/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD = json.loads((ROOT / "deploy/grafana/wabase.json").read_text())
# The name in backquotes, the labels, each in backquotes, of every row of a table.
TOLD = {
    name: set(re.findall(r"`(\w+)`", labels))
    for name, labels in re.findall(r"^\| `(wabase_\w+)` \| ([^|]*)\|", PAGE, re.MULTILINE)
}
SUFFIXES = {"gauge": ("",), "counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}
# What Prometheus adds by itself, and what a histogram has.
OTHERS = {"instance", "job", "le"}
# prometheus-client's own, which the page names as a group.
PROCESS = {"process_resident_memory_bytes", "process_open_fds"}

TOKEN = re.compile(
    r"""\s+|"(?:[^"\\]|\\.)*"|\[(?:\d+[smhd]|\$__rate_interval)\]|=~|!~|!=|==|>=|<=|[-+*/<>=(){},]|\d+(?:\.\d+)?|[a-zA-Z_]\w*"""
)
FUNCTIONS = {"sum", "max", "min", "rate", "increase", "absent", "histogram_quantile"}
WORDS = {"by", "on", "unless", "group_left"}


def expressions() -> list[str]:
    panels = [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    (scaler,) = yaml.safe_load_all((DEPLOY / "kubernetes/keda/worker.yaml").read_text())
    scaled_by = [trigger["metadata"]["query"] for trigger in scaler["spec"]["triggers"]]
    return [rule["expr"] for rule in ALERTS] + panels + scaled_by


def tokens(expression: str) -> list[str]:
    """The words of PromQL; an error where something is none."""
    found, place = [], 0
    while place < len(expression):
        match = TOKEN.match(expression, place)
        assert match, f"{expression!r} at {place}: {expression[place:]!r}"
        place = match.end()
        found.append(match[0])
    return [token for token in found if token.strip()]


def labels_of(expression: str) -> set[str]:
    """All labels that are matched, grouped or joined by."""
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    lists = re.findall(r"\b(?:by|on|group_left)\s*\(([^)]*)\)", expression)
    return set(matched) | {label.strip() for part in lists for label in part.split(",")}


def sample_names(scraped: Scrape) -> set[str]:
    return {
        name + suffix
        for name, family in scraped.families.items()
        if name.startswith("wabase_")
        for suffix in SUFFIXES[family.type]
    }


@pytest.fixture(scope="module")
def known_labels() -> dict[str, set[str]]:
    """Label names by metric, from the code, whether or not there is a series yet."""
    settings = Settings(supabase_url="http://project.test", supabase_service_role_key="key")  # type: ignore[arg-type]
    found: dict[str, set[str]] = {}
    for common in (WebhookMetrics(Metrics("webhook")).common, WorkerMetrics(Metrics("worker"), settings).common):
        common.watch_queues(lambda: None)
        for collector in list(common.registry._collector_to_names):
            if isinstance(collector, MetricWrapperBase):
                (family,) = collector.describe()
                name = family.name + ("_total" if family.type == "counter" else "")
                found[name] = set(collector._labelnames)
            elif isinstance(collector, Timing):
                found[collector._name] = set(collector._labels)
            elif isinstance(collector, QueueHealth):
                found |= {family.name: set(family._labelnames) for family in collector.collect()}  # type: ignore[attr-defined]
    return found


async def test_what_both_processes_tell_is_on_the_page_and_nothing_else_is(
    programs: Programs, http: httpx.AsyncClient, known_labels: dict[str, set[str]]
) -> None:
    webhook, port = await programs.webhook(), free_port()
    worker = await programs.start("worker", WORKER_STATUS_HOST="127.0.0.1", WORKER_STATUS_PORT=str(port))
    worker.url = f"http://127.0.0.1:{port}"
    await worker.until_answering("/livez")
    scraped = Scrape({**(await scrape(http, webhook)).families, **(await scrape(http, worker)).families})
    families = {
        name + ("_total" if family.type == "counter" else ""): family
        for name, family in scraped.families.items()
        if name.startswith("wabase_")
    }
    assert families.keys() == TOLD.keys()
    for name, family in families.items():
        seen = [set(sample.labels) - {"le"} for sample in family.samples]
        labels = known_labels[name] if name in known_labels else seen[0]
        assert TOLD[name] == labels, name
        assert family.documentation.endswith("."), name
        assert all(each == labels for each in seen), name
    named = {token for expression in expressions() for token in tokens(expression) if token.startswith("wabase_")}
    assert named <= sample_names(scraped)
    # A metric that no panel and no alert shows is one that nobody looks at.
    shown = {name for name in families if named & {name, *(name + end for end in SUFFIXES["histogram"])}}
    assert families.keys() - shown == set()
    assert scraped.families.keys() >= PROCESS


@pytest.mark.parametrize("expression", expressions())
def test_an_expression_is_made_of_words_that_there_are(expression: str) -> None:
    found = tokens(expression)
    for opening, closing in ("()", "{}"):
        assert found.count(opening) == found.count(closing)
    names = [token for token in found if token.startswith("wabase_")]
    labels = {label for name in names for label in TOLD[re.sub("_(bucket|count|sum)$", "", name)]} | OTHERS
    assert labels_of(expression) <= labels
    words = {token for token in found if re.match("[a-zA-Z_]", token)} - set(names) - labels - PROCESS
    assert words <= FUNCTIONS | WORDS
    # Counters are looked at by how they grow, and never as they are.
    for counter in [name for name in names if name.endswith(("_total", "_bucket", "_count", "_sum"))]:
        assert re.search(rf"(rate|increase)\({counter}(\{{[^}}]*\}})?\[", expression), counter


# Values that the code gives and no row of the page lists: names of functions, HTTP statuses.
OPEN = {"function": {name for name, _ in inspect.getmembers(Rpc, inspect.isfunction)}, "status": None}


@pytest.mark.parametrize("expression", expressions())
def test_a_value_that_is_looked_for_is_one_that_there_is(expression: str) -> None:
    """A misspelt value makes an alert that never fires, and says nothing."""
    for metric, matchers in re.findall(r"(wabase_\w+)\{([^}]*)\}", expression):
        row = re.search(rf"^\| `{re.sub('_(bucket|count|sum)$', '', metric)}` .*$", PAGE, re.MULTILINE)
        assert row, metric
        for label, operator, value in re.findall(r"(\w+)\s*(=~|!~|!=|=)\s*\"([^\"]*)\"", matchers):
            known = OPEN.get(label, set(re.findall("`(\\w+)`", row[0])) | {"webhook", "worker"})
            if known is not None and not value.startswith("$"):
                assert set(value.split("|") if "~" in operator else [value]) <= known, (metric, label, value)


def test_no_file_of_a_place_names_a_metric_that_is_not_on_the_page() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file()]
    named = {name for path in files for name in re.findall(r"\bwabase_[a-z_]+", path.read_text())}
    assert "wabase_outbox_oldest_seconds" in named
    assert {name for name in named if re.sub("_(bucket|count|sum)$", "", name) not in TOLD} == set()


def test_every_alert_says_what_is_wrong_and_where_to_read_on() -> None:
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning"), rule["alert"]
        assert re.fullmatch(r"\d+m", rule["for"]), rule["alert"]
        assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
        assert rule["annotations"]["runbook_url"] == f"docs/metrics.md#{rule['alert'].lower()}"
        for text in rule["annotations"].values():
            labels = set(re.findall(r"\$labels\.(\w+)", text))
            assert labels <= labels_of(rule["expr"]), rule["alert"]


def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    sections = re.findall(r"^### (\w+)$", PAGE.partition("\n## Alerts\n")[2], re.MULTILINE)
    assert sections == [rule["alert"] for rule in ALERTS]


def test_every_command_on_the_page_is_one() -> None:
    named = re.findall(r"`wabase ([a-z]+) ([a-z]+)", PAGE)
    assert named
    for group, command in named:
        found = main.commands[group]
        assert isinstance(found, click.Group)
        assert command in found.commands, (group, command)


def test_the_dashboards_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert {"Inbound", "Outbound", "Media", "Database and processes", "Numbers"} <= {p["title"] for p in panels}
