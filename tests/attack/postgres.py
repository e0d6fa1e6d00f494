"""The Postgres of the stack under test: killed on demand, and back by itself."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from datetime import datetime

import httpx
import psycopg

from tests.conftest import Project
from tests.flows.tenant import Tenant
from tests.flows.waiting import until


@dataclass(frozen=True)
class Postgres:
    """`tenant` is somebody who can ask it something."""

    tenant: Tenant
    project: Project
    http: httpx.AsyncClient

    async def kill(self) -> None:
        """SIGKILL to the postmaster; returns once there is another."""
        answer = await self.http.get(f"{self.project.url}/_devstack/postgres")
        os.kill(answer.json()["pid"], signal.SIGKILL)
        await until(self.answers, within=20)

    async def answers(self) -> bool:
        try:
            await self.now()
        except psycopg.OperationalError:
            return False
        return True

    async def now(self) -> datetime:
        now: datetime = (await self.tenant.rows("select now() as now"))[0]["now"]
        return now
