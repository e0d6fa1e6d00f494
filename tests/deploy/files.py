"""What the image, its places and their pages are made of, read as those places read it."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ops.settings import Settings as OpsSettings
from webhook.settings import Settings as WebhookSettings
from worker.settings import Settings as WorkerSettings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SETTINGS = frozenset(
    name.upper() for settings in (WebhookSettings, WorkerSettings, OpsSettings) for name in settings.model_fields
)
# Read by Python, by an SDK or by the place itself, not by a Settings class.
FOREIGN = frozenset(
    {"PATH", "PORT", "TMPDIR", "PYTHONDONTWRITEBYTECODE", "PYTHONSAFEPATH", "PYTHONUNBUFFERED", "WABASE_VERSION"}
)
KNOWN = SETTINGS | FOREIGN


@dataclass(frozen=True)
class Instruction:
    """One line of a Dockerfile, continuations joined."""

    word: str
    rest: str


def dockerfile() -> list[list[Instruction]]:
    """The Dockerfile's instructions, stage by stage."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    stages: list[list[Instruction]] = []
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append(Instruction(word, re.sub(r"\s+", " ", rest).strip()))
    return stages


def variables(stage: list[Instruction]) -> dict[str, str]:
    """What its ENV instructions set."""
    return dict(pair.split("=", 1) for one in stage if one.word == "ENV" for pair in one.rest.split())


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def manifests() -> Iterator[dict[str, Any]]:
    """Every Kubernetes object of deploy/kubernetes, kustomizations left out."""
    for path in sorted((DEPLOY / "kubernetes").rglob("*.yaml")):
        if path.name != "kustomization.yaml":
            yield from documents(path)


def fly() -> dict[str, Any]:
    return tomllib.loads((DEPLOY / "fly.toml").read_text())


def compose() -> dict[str, Any]:
    """The services of compose.yaml, merge keys resolved."""
    services: dict[str, Any] = documents(ROOT / "compose.yaml")[0]["services"]
    return services


def render() -> list[dict[str, Any]]:
    services: list[dict[str, Any]] = documents(DEPLOY / "render.yaml")[0]["services"]
    return services


def railway(name: str) -> dict[str, Any]:
    deploy: dict[str, Any] = json.loads((DEPLOY / name).read_text())["deploy"]
    return deploy


def unit(name: str) -> list[tuple[str, str]]:
    """The settings of a systemd unit, in order; a key may come more than once."""
    lines = (DEPLOY / f"systemd/wabase-{name}.service").read_text().splitlines()
    return [(key, value) for line in lines if line[:1].isalpha() for key, _, value in [line.partition("=")]]
