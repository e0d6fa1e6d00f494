"""The command as an operator runs it, beside a receiver that works."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.programs import ROOT, Program, programs_in
from tests.flows.stored_files import StoredFiles
from tests.flows.tenant import Tenant, new_workspace


@dataclass(frozen=True)
class Answer:
    """What the command said and how it ended."""

    status: int
    said: str
    complained: str

    @property
    def json(self) -> Any:
        return json.loads(self.said)


async def begin(*arguments: str, typed: str = "", **environment: str) -> asyncio.subprocess.Process:
    """Starts `wabase`. What is `typed` is all that its standard input has."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(typed.encode())
    process.stdin.close()
    return process


async def wabase(*arguments: str, typed: str = "", **environment: str) -> Answer:
    """Runs `wabase` to its end."""
    process = await begin(*arguments, typed=typed, **environment)
    said, complained = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Answer(process.returncode, said.decode(), complained.decode())


async def differences(tenant: Tenant) -> list[dict[str, Any]]:
    """What `wabase verify` finds wrong with this tenant's number."""
    answer = await wabase("verify", "--number", tenant.phone_number_id, "--json")
    found: list[dict[str, Any]] = answer.json["differences"]
    assert answer.status == bool(found), answer.complained
    return found


@pytest.fixture(scope="module")
async def webhook(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Program]:
    folder: Path = tmp_path_factory.mktemp("webhook")
    async with programs_in(folder) as programs:
        yield await programs.webhook()


@pytest.fixture
async def tenant(database: Connect) -> Tenant:
    return await Tenant.new(database)


@pytest.fixture
def files(project: Project, http: httpx.AsyncClient, tenant: Tenant) -> StoredFiles:
    return StoredFiles(project, http, tenant)


@pytest.fixture
async def simulator(project: Project) -> AsyncIterator[Simulator]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Simulator(project.provider_url, session)


@pytest.fixture
async def business(simulator: Simulator) -> Business:
    return await simulator.business()


@pytest.fixture
async def workspace(database: Connect) -> str:
    return await new_workspace(database)
