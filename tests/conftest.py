"""The environment is the fixture: `make test` starts the stack and runs pytest in it (`python -m devstack run`)."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import httpx
import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

Connect = Callable[[], AbstractAsyncContextManager[psycopg.AsyncConnection[DictRow]]]


@dataclass(frozen=True)
class Project:
    """The Supabase project under test: the embedded one, or any other that the environment names."""

    url: str
    anon_key: str
    service_role_key: str
    publishable_key: str
    secret_key: str
    jwt_secret: str
    db_url: str
    provider_url: str

    def headers(self, key: str, token: str | None = None) -> dict[str, str]:
        """How clients send a key, and a user's token with it."""
        return {"apikey": key, "Authorization": f"Bearer {token or key}"}


def pytest_sessionstart() -> None:
    if "SUPABASE_URL" not in os.environ:
        pytest.exit("No stack: run `make test`, or `python -m devstack run -- python -m pytest`.", returncode=2)


@pytest.fixture(scope="session")
def project() -> Project:
    return Project(
        url=os.environ["SUPABASE_URL"],
        anon_key=os.environ["SUPABASE_ANON_KEY"],
        service_role_key=os.environ["SUPABASE_SERVICE_ROLE_KEY"],
        publishable_key=os.environ.get("SUPABASE_PUBLISHABLE_KEY", ""),
        secret_key=os.environ.get("SUPABASE_SECRET_KEY", ""),
        jwt_secret=os.environ.get("SUPABASE_JWT_SECRET", ""),
        db_url=os.environ["SUPABASE_DB_URL"],
        provider_url=os.environ.get("PROVIDER_URL", ""),
    )


@pytest.fixture(scope="session")
def database(project: Project) -> Connect:
    """`async with database() as connection`: role postgres, rows as dicts, every statement committed at once."""

    @asynccontextmanager
    async def connect() -> AsyncIterator[psycopg.AsyncConnection[DictRow]]:
        connection = await psycopg.AsyncConnection.connect(project.db_url, autocommit=True, row_factory=dict_row)
        try:
            yield connection
        finally:
            await connection.close()

    return connect


@pytest.fixture(scope="session")
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=30) as client:
        yield client


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """pgTAP stories first: they look at whole tables, and other tests commit rows of their own."""
    items.sort(key=lambda item: item.path.name != "test_pgtap.py")
