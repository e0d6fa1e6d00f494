"""What the image's build makes, made here: there is no container engine where tests run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.files import ROOT, dockerfile, variables


@dataclass(frozen=True)
class Image:
    """The folders of the image that its commands live in, and an empty one to start them from."""

    venv: Path
    commands: Path
    empty: Path

    def environment(self, **settings: str) -> dict[str, str]:
        """The image's, with its paths where they are here, and no checkout in reach."""
        path = os.pathsep.join((str(self.venv / "bin"), str(self.commands), os.environ["PATH"]))
        # What others have left to be done in this project is done in its own simulated WhatsApp, never outside.
        named = ("SUPABASE_", "LANG", "WHATSAPP_360_BASE_URL", "META_GRAPH_BASE_URL")
        kept = {name: value for name, value in os.environ.items() if name.startswith(named)}
        return kept | variables(dockerfile()[-1]) | {"PATH": path, "TMPDIR": str(self.empty)} | settings

    def run(self, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
        """Runs a command of the image to its end."""
        return subprocess.run(
            [shutil.which(command[0], path=self.environment()["PATH"]) or command[0], *command[1:]],
            cwd=self.empty,
            env=self.environment(**settings),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


def copied(sources: list[str], target: Path) -> None:
    """COPY, as the Dockerfile uses it: files into a folder, or a folder's contents into a folder."""
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        path = ROOT / source
        if path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(path, target)


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """The build stage's own instructions, run one by one with its folders moved to where a test may write."""
    folder = tmp_path_factory.mktemp("image")
    moved = {"/opt/wabase": str(folder / "opt"), "/wheels": str(folder / "wheels"), "/src": str(folder / "src")}
    tools = folder / "tools"
    subprocess.run([sys.executable, "-m", "venv", tools], check=True, capture_output=True)
    environment = dict(os.environ)
    for instruction in dockerfile()[0]:
        rest = instruction.rest
        if instruction.word == "ENV":
            environment |= variables([instruction])
        elif instruction.word == "COPY":
            *sources, target = rest.split()
            copied(sources, folder / "src" / target)
        elif instruction.word == "RUN":
            for place, here in moved.items():
                rest = rest.replace(place, here)
            # The cache is a machine's, not the image's: kept here, so that nothing is fetched twice.
            here = {**environment, "PATH": f"{tools}/bin:{environment['PATH']}", "PIP_NO_CACHE_DIR": "0"}
            done = subprocess.run(
                ["sh", "-ec", rest], cwd=folder / "src", env=here, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-3000:]
    empty = folder / "empty"
    empty.mkdir()
    yield Image(folder / "opt", ROOT / "deploy/docker/bin", empty)
    shutil.rmtree(folder)
