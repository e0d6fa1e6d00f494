"""Clients nobody here wrote, one per identity: supabase-py in this process, supabase-js in a Node process."""

from __future__ import annotations

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from supabase_auth.types import Session

from supabase import AsyncClient, AsyncClientOptions, acreate_client
from tests.conftest import Project

PASSWORD = "correct horse battery"
SCRIPTS = Path(__file__).parent / "js"


@dataclass(frozen=True)
class Person:
    """Somebody signed up and signed in, with a client of their own."""

    id: str
    email: str
    client: AsyncClient
    session: Session


@asynccontextmanager
async def supabase(url: str, key: str) -> AsyncIterator[AsyncClient]:
    """A client that keeps nothing and refreshes nothing by itself."""
    async with httpx.AsyncClient(timeout=30, follow_redirects=True) as transport:
        options = AsyncClientOptions(httpx_client=transport, auto_refresh_token=False, persist_session=False)
        yield await acreate_client(url, key, options)


@asynccontextmanager
async def signed_up(project: Project, **data: Any) -> AsyncIterator[Person]:
    """A new person. Nobody else uses this address."""
    email = new_email()
    async with supabase(project.url, project.anon_key) as client:
        answer = await client.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": data}})
        assert answer.user and answer.session
        yield Person(answer.user.id, email, client, answer.session)


def new_email() -> str:
    return f"{uuid.uuid4()}@example.com"


async def run_node(script: str, **variables: str) -> dict[str, Any]:
    """What a script in js/ printed: one JSON line per behaviour, as `{"name": …, "value": …}`."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(SCRIPTS / script)),
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await asyncio.wait_for(process.communicate(), timeout=60)
    assert process.returncode == 0, errors.decode()
    lines = [json.loads(line) for line in output.decode().splitlines() if line.startswith("{")]
    return {line["name"]: line["value"] for line in lines}
