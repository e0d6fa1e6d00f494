"""The image: what goes into it, and that its three commands work with nothing but what is in it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import yaml

from tests.deploy.conftest import Image
from tests.deploy.files import DEPLOY, KNOWN, ROOT, dockerfile, variables
from tests.flows.programs import Program
from tests.ports import free_port

SECRET = {"WHATSAPP_WEBHOOK_SECRET": "a-secret-of-this-test"}


def copies(stage: int) -> list[str]:
    """What a stage takes out of the checkout."""
    lines = [one.rest.split() for one in dockerfile()[stage] if one.word == "COPY"]
    return [source for line in lines if not line[0].startswith("--from") for source in line[:-1]]


def test_the_linter_of_dockerfiles_finds_nothing() -> None:
    linter = Path(sys.executable).with_name("hadolint")
    if not linter.exists():
        pytest.skip("hadolint is not installed: make setup")
    done = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_the_python_that_the_tests_run_with() -> None:
    (step,) = re.findall(r"python-version: \"([\d.]+)\"", (ROOT / ".github/workflows/ci.yml").read_text())
    assert {stage[0].rest.partition(" ")[0] for stage in dockerfile()} == {f"python:{step}-slim-trixie"}


def test_it_is_nobody_by_number_and_ends_by_the_signal_that_drains() -> None:
    last = {one.word: one.rest for one in dockerfile()[-1]}
    user = re.fullmatch(r"(\d+):(\d+)", last["USER"])
    assert user and int(user[1]) >= 10000
    assert f"--owner={user[1]} --group={user[2]}" in last["RUN"]
    assert last["STOPSIGNAL"] == "SIGTERM"
    assert json.loads(last["CMD"]) == ["webhook"]
    assert "ENTRYPOINT" not in last


def test_its_settings_are_settings() -> None:
    assert variables(dockerfile()[-1]).keys() <= KNOWN


def test_its_commands_are_in_it_and_executable() -> None:
    commands = sorted((DEPLOY / "docker/bin").iterdir())
    assert [path.name for path in commands] == ["healthcheck", "webhook", "worker"]
    assert all(os.access(path, os.X_OK) for path in commands)
    assert 'CMD ["healthcheck"]' in (ROOT / "Dockerfile").read_text()


def test_the_build_gets_what_it_copies_and_nothing_else() -> None:
    first, *rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] not in ("", "#")]
    assert first == "*"
    let_through = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert let_through == {source.rstrip("/") for source in copies(0) + copies(-1)}
    assert not any(fnmatch(".env", rule) for rule in let_through)


def test_every_room_that_runs_is_in_it() -> None:
    packages = re.search(r'^packages = \[("ops".*)\]$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert packages
    assert {f"{room}/" for room in re.findall(r'"(\w+)"', packages[1])} <= set(copies(0))


def _pinned(name: str) -> dict[str, frozenset[str]]:
    """Package and version to hashes."""
    entries = re.findall(r"^([\w.-]+==[^\s;]+)[^\n]*\n((?:    --hash\S+[^\n]*\n?)+)", (ROOT / name).read_text(), re.M)
    return {package: frozenset(re.findall(r"sha256:\w{64}", hashes)) for package, hashes in entries}


@pytest.mark.parametrize("name", ["requirements-runtime.lock", "requirements-build.lock"])
def test_it_has_no_other_versions_than_the_tests_have(name: str) -> None:
    tested, shipped = _pinned("requirements.lock"), _pinned(name)
    assert shipped
    assert {package for package in shipped if package not in tested} == set()
    assert not {"pytest", "ruff", "mypy"} & {package.partition("==")[0] for package in shipped}


def test_no_lock_names_an_address() -> None:
    assert [path.name for path in ROOT.glob("requirements*.lock") if "://" in path.read_text()] == []


def test_wabase_works_where_there_is_no_checkout(image: Image) -> None:
    helped = image.run("wabase", "--help")
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "inbound" in helped.stdout
    listed = image.run("wabase", "inbound", "list", "--limit", "1", "--json")
    assert (listed.returncode, listed.stderr) == (0, "")
    refused = image.run("wabase", "inbound", "list", SUPABASE_URL="")
    assert (refused.returncode, refused.stderr) == (
        2,
        "SUPABASE_URL: is missing\ndocs/settings.md says what each setting is.\n",
    )


@pytest.mark.parametrize("process", ["webhook", "worker"])
def test_a_process_checks_itself_where_there_is_no_checkout(image: Image, process: str) -> None:
    checked = image.run(process, "--check", **SECRET)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout.endswith("Supabase answers.\n")
    assert image.run(process, "--check", SUPABASE_URL="").returncode == 2


def test_nothing_of_the_workshop_is_in_it(image: Image) -> None:
    found = image.run(
        "python", "-c", "import importlib.util as u; print([u.find_spec(n) for n in ('devstack', 'pip')])"
    )
    assert found.stdout == "[None, None]\n"
    (info,) = image.venv.glob("lib/python*/site-packages/wabase-*.dist-info")
    names = [line.partition(",")[0] for line in (info / "RECORD").read_text().splitlines()]
    assert {"py.typed"} <= {Path(name).name for name in names}
    assert {Path(name).parts[0] for name in names if name.endswith(".py")} == {
        "ops",
        "store",
        "webhook",
        "whatsapp",
        "worker",
    }


def test_its_metadata_says_what_it_is(image: Image) -> None:
    (info,) = image.venv.glob("lib/python*/site-packages/wabase-*.dist-info")
    metadata = (info / "METADATA").read_text()
    for line in ("Name: wabase", "License-Expression: MIT", "License-File: LICENSE", "Author: Wabase contributors"):
        assert f"\n{line}\n" in metadata
    assert (info / "licenses/LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_everything_is_installed_by_its_hash() -> None:
    installs = [
        part for one in dockerfile()[0] if one.word == "RUN" for part in one.rest.split("&&") if "install" in part
    ]
    assert installs
    for part in installs:
        assert "--require-hashes" in part or "--no-index" in part, part


@pytest.mark.parametrize("process", ["webhook", "worker"])
async def test_a_container_is_healthy_while_its_process_lives_which_ends_by_the_signal(
    image: Image, process: str, tmp_path: Path
) -> None:
    """As in the image, both ports are the same: of two processes only one runs in a container."""
    port = str(free_port())
    hosts = {"WEBHOOK_HOST": "127.0.0.1", "WORKER_STATUS_HOST": "127.0.0.1"}
    settings = {"WEBHOOK_PORT": port, "WORKER_STATUS_PORT": port} | hosts | SECRET
    command = shutil.which(process, path=image.environment()["PATH"])
    assert command
    log = tmp_path / "log"
    with log.open("wb") as output:
        running = await asyncio.create_subprocess_exec(
            command, cwd=image.empty, env=image.environment(**settings), stdout=output, stderr=output
        )
    program = Program(running, log, f"http://127.0.0.1:{port}")
    try:
        await program.until_answering("/livez")
        assert image.run("healthcheck", **settings).returncode == 0
        program.signal(signal.SIGTERM)
        assert await program.ended() == 0
    finally:
        await program.kill()
    dead = image.run("healthcheck", **settings)
    assert dead.returncode == 1
    assert f"Port {port}: " in dead.stderr
    assert "Traceback" not in dead.stderr


def test_a_build_of_compose_is_this_one() -> None:
    assert yaml.safe_load((ROOT / "compose.yaml").read_text())["x-process"]["build"] == "."
