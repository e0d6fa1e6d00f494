"""A run's outcomes for people and for programs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.outcome import Figure, Outcome, Target
from bench.receivers import ROOT

WIDTH = 52


def show(name: str, outcome: Outcome) -> str:
    """A part's figures, a line each."""
    lines = [f"\n{name}", *(f"  {label:<{WIDTH}} {written(value)}" for label, value in outcome.figures.items())]
    lines += [f"  {'✓' if target.met else '✗'} {_told(target)}" for target in outcome.targets]
    return "\n".join([*lines, *(f"  ✗ BROKEN: {problem}" for problem in outcome.problems)])


def written(value: Figure) -> str:
    if isinstance(value, dict):
        return "  ".join(f"{name} {written(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return "  ".join(written(inner) for inner in value)
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) else value


def _told(target: Target) -> str:
    relation = "at least" if target.at_least else "at most"
    return f"{target.name}: {written(target.value)} ({relation} {written(target.limit)})"


def inbound_ratios(outcomes: Mapping[str, Outcome]) -> Outcome:
    """What only several parts together tell. Only ratios compare across machines."""
    together = Outcome()
    outcomes = {name: outcome for name, outcome in outcomes.items() if outcome.figures}
    if "ours" not in outcomes:
        return together
    ours = _number(outcomes["ours"], "acknowledged/s")
    if "empty" in outcomes:
        ceiling = _number(outcomes["empty"], "requests/s")
        read = _number(outcomes["empty"], "requests/s, body read")
        together.targets.append(Target("ours over empty handler", ours / ceiling, 0.25, at_least=True))
        together.figures["ours over empty handler that reads the body"] = ours / read
    if "naive" in outcomes:
        naive = _number(outcomes["naive"], "acknowledged/s")
        rows = _number(outcomes["ours"], "rows/s")
        together.targets.append(Target("ours over naive", ours / naive, 20, at_least=True))
        together.figures["rows of ours over naive, whose rows are its answers"] = rows / naive
        at_best = _number(outcomes["naive"], "acknowledged/s, 8 connections")
        together.figures["ours over naive at its best, 8 connections"] = ours / max(naive, at_best)
    return together


def outbound_ratios(outcomes: Mapping[str, Outcome]) -> Outcome:
    """This worker against the others, and two of it against one."""
    together = Outcome()
    outcomes = {name: outcome for name, outcome in outcomes.items() if outcome.figures}
    if "ours" not in outcomes:
        return together
    ours = _number(outcomes["ours"], "messages/s")
    if "queues" in outcomes:
        rates = {
            name: _number(outcomes["queues"], name) for name in outcomes["queues"].figures if name.endswith("jobs/s")
        }
        sent = [rate for name, rate in rates.items() if "only waits" not in name]
        if sent:
            together.targets.append(Target("ours over the better outside queue", ours / max(sent), 2, at_least=True))
            together.figures["ours over the better one whose jobs only wait"] = ours / max(rates.values())
        if in_order := [rate for name, rate in rates.items() if "in order" in name]:
            ratio = ours / max(in_order)
            together.targets.append(Target("ours over the better outside queue in order", ratio, 2, at_least=True))
    if "two" in outcomes:
        one, two = (_number(outcomes[name], "messages/s, middle 80 %") for name in ("ours", "two"))
        together.targets.append(Target("two workers over one, middle 80 %", two / one, 1.6, at_least=True))
    if "naive" in outcomes:
        for way in ("one by one", "gather of 50"):
            together.figures[f"ours over naive, {way}"] = ours / _number(outcomes["naive"], f"{way}: messages/s")
    return together


def media_ratios(outcomes: Mapping[str, Outcome]) -> Outcome:
    """Files a second of ours over the naive ways."""
    together = Outcome()
    if "images" in outcomes and outcomes["images"].figures and "naive" in outcomes and outcomes["naive"].figures:
        ours = _number(outcomes["images"], "files/s")
        for way in ("one by one", "gather of 4"):
            together.figures[f"ours over naive, {way}"] = ours / _number(outcomes["naive"], f"{way}: files/s")
    return together


def no_ratios(_outcomes: Mapping[str, Outcome]) -> Outcome:
    """Where each part compares within itself."""
    return Outcome()


def _number(outcome: Outcome, name: str) -> float:
    value = outcome.figures[name]
    assert isinstance(value, int | float)
    return float(value) or float("nan")


def machine() -> dict[str, Any]:
    """Where and on what the figures were taken."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _git("rev-parse", "--short", "HEAD") + ("+changes" if _git("status", "--porcelain", "-uno") else ""),
        "cores": os.cpu_count(),
        "processor": _processor(),
        "python": platform.python_version(),
        "load average before": round(os.getloadavg()[0], 2),
    }


def _git(*arguments: str) -> str:
    try:
        answer = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return answer.stdout.strip()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def write(file: Path, about: Mapping[str, Any], outcomes: Mapping[str, Outcome]) -> None:
    """Everything as JSON."""
    parts = {
        name: {
            "figures": outcome.figures,
            "targets": [{**asdict(target), "met": target.met} for target in outcome.targets],
            "problems": outcome.problems,
        }
        for name, outcome in outcomes.items()
    }
    file.write_text(json.dumps({"machine": about, "parts": parts}, indent=2, ensure_ascii=False) + "\n")
