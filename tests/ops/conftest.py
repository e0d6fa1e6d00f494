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

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.flows.programs import ROOT, Program, programs_in
from tests.flows.stored_files import StoredFiles
from tests.flows.tenant import Tenant


@dataclass(frozen=True)
class Answer:
    """What the command said and how it ended."""

    status: int
    said: str
    complained: str

    @property
    def json(self) -> Any:
        return json.loads(self.said)


async def wabase(*arguments: str, **environment: str) -> Answer:
    """Runs `wabase` to its end."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", *arguments),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
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
