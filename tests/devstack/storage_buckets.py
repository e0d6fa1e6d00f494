"""Buckets of one test: policies of their own, removed with everything in them afterwards."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg import sql

from supabase import AsyncClient
from tests.conftest import Connect, Project
from tests.devstack.supabase_clients import supabase

# Everyone keeps a folder named by their id; into `inbox/` everyone may put something that they cannot see again.
POLICIES = {
    "own folder": """
        for all to authenticated
        using (bucket_id = {bucket} and (storage.foldername(name))[1] = (select auth.uid())::text)
    """,
    "inbox": "for insert to authenticated with check (bucket_id = {bucket} and name ^@ 'inbox/')",
}

DEVSTACK_URL = os.environ.get("DEVSTACK_URL", "")
only_here = pytest.mark.skipif(not DEVSTACK_URL, reason="needs the embedded stack")


@asynccontextmanager
async def own_bucket(project: Project, database: Connect, **settings: Any) -> AsyncIterator[str]:
    """The id of a new bucket."""
    bucket = f"test-{uuid.uuid4()}"
    async with supabase(project.url, project.service_role_key) as admin:
        await admin.storage.create_bucket(bucket, options=settings)  # type: ignore[arg-type]
        await _create_policies(database, bucket)
        yield bucket
        await _drop_policies(database, bucket)
        await admin.storage.empty_bucket(bucket)
        await admin.storage.delete_bucket(bucket)


async def _create_policies(database: Connect, bucket: str) -> None:
    async with database() as connection:
        for name, policy in POLICIES.items():
            await connection.execute(
                sql.SQL("create policy {} on storage.objects ").format(sql.Identifier(f"{name} {bucket}"))
                + sql.SQL(policy).format(bucket=sql.Literal(bucket))
            )


async def _drop_policies(database: Connect, bucket: str) -> None:
    async with database() as connection:
        for name in POLICIES:
            await connection.execute(
                sql.SQL("drop policy {} on storage.objects").format(sql.Identifier(f"{name} {bucket}"))
            )


async def text_of(client: AsyncClient, bucket: str, path: str) -> str:
    return (await client.storage.from_(bucket).download(path)).decode()
