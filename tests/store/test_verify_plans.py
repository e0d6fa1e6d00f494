"""`wabase media verify` reads a page and what hangs on it, however much there is. Postgres's own counters tell."""

from __future__ import annotations

from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, rows

FILES, PAGE = 20_000, 500
# Of each table one row for each of the page's, and a few. Texts are as many as files: reading them as well is too much.
ALLOWED = PAGE + 10
TABLES = {"public": ("messages", "media_downloads"), "storage": ("objects",)}
READ = """
    select relname, seq_scan, seq_tup_read + coalesce(idx_tup_fetch, 0) as read from pg_stat_xact_all_tables
    where schemaname || '.' || relname in ('public.messages', 'public.media_downloads', 'storage.objects')
"""


async def _fill(session: Session) -> Tenant:
    """Stored files, each with its object; every tenth of them has also a row in the queue, and texts lie between."""
    tenant = await Tenant.create(session)
    await session.execute(
        "insert into public.messages (workspace_id, connection_id, direction, status, type, content, media_id, "
        "media_status, media_size) "
        "select %s, %s, 'inbound', 'received', 'image', '{}', nullif(n %% 2, 0), 'stored', 1 "
        "from generate_series(1, %s) as n",
        [tenant.workspace_id, tenant.connection_id, 2 * FILES],
    )
    await session.execute(
        "update public.messages set media_path = private.object_name(workspace_id, null, id) || '.png' "
        "where workspace_id = %s and media_id is not null",
        [tenant.workspace_id],
    )
    await session.execute(
        "insert into storage.objects (bucket_id, name, metadata, created_at, updated_at) "
        "select 'whatsapp-media', media_path, '{\"size\": 1}', now() - interval '1 day', now() - interval '1 day' "
        "from public.messages where workspace_id = %s and media_path is not null",
        [tenant.workspace_id],
    )
    await session.execute(
        "insert into public.media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline) "
        "select id, workspace_id, connection_id, media_path, media_id, now() from public.messages "
        "where workspace_id = %s and media_path is not null and seq %% 20 = 1",
        [tenant.workspace_id],
    )
    for schema, tables in TABLES.items():
        for table in tables:
            await session.execute(SQL("analyze {}.{}").format(Identifier(schema), Identifier(table)))
    return tenant


async def _page(session: Session, function: str, after: str | None, workspace: object) -> dict[str, Any]:
    query = f"select public.{function}(%s, %s, %s) as page".encode()
    (found,) = await (await session.execute(query, [after, PAGE, workspace])).fetchall()
    page: dict[str, Any] = found["page"]
    return page


@pytest.mark.parametrize("of_one", [True, False], ids=["one workspace", "all"])
@pytest.mark.parametrize("function", ["verify_media", "verify_media_objects"])
async def test_a_page_reads_few_rows_of_many(function: str, of_one: bool, database: Connect) -> None:
    async with database() as session, session.transaction(force_rollback=True):
        tenant = await _fill(session)
        workspace, first = tenant.workspace_id if of_one else None, f"{tenant.workspace_id}/"
        after = first + ("00000000-0000-0000-0000-000000000000" if function == "verify_media" else "")
        # Plans of the first calls are made for their own values, later ones may be made for all.
        for _ in range(8):
            before = {row["relname"]: row for row in await rows(session, READ)}
            page = await _page(session, function, after, workspace)
            assert page["checked"] == PAGE
            after = page["after"]
            for row in await rows(session, READ):
                scans, read = (row[name] - before[row["relname"]][name] for name in ("seq_scan", "read"))
                assert scans == 0, row["relname"]
                assert read <= ALLOWED, (row["relname"], read)
