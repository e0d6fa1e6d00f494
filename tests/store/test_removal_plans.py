"""Names under a prefix come by Storage's index, with 50,000 objects in the bucket; so do retention and shared files."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, call, rows
from tests.store.test_claim_plans import _indexes, _query, _scanned_whole, _touched

OBJECTS = 50_000


@pytest.fixture
async def crowded(database: Connect) -> AsyncIterator[tuple[Session, Tenant]]:
    """A bucket in which one workspace has 50,000 files of messages that are 40 days old. Gone afterwards."""
    async with database() as session:
        async with session.transaction(force_rollback=True):
            tenant = await Tenant.create(session)
            # What other tests have left would be claimed as well.
            await session.execute("delete from private.media_removals")
            await session.execute(
                "with files as (insert into public.messages (workspace_id, connection_id, direction, status, type,"
                " content, media_status, media_path, occurred_at) select %(workspace)s, %(connection)s, 'inbound',"
                " 'received', 'image', '{}', 'stored', %(workspace)s || '/none/' || gen_random_uuid() || '.jpg',"
                " now() - make_interval(days => 40, secs => n) from generate_series(1, %(objects)s) as n returning *) "
                "insert into storage.objects (bucket_id, name) select 'whatsapp-media', media_path from files",
                {"workspace": tenant.workspace_id, "connection": tenant.connection_id, "objects": OBJECTS},
            )
            await session.execute("analyze storage.objects, public.messages")
            yield session, tenant
        await session.execute("vacuum analyze public.messages")


async def _plan(session: Session, query: str) -> dict[str, Any]:
    # As bytes: the query is a function's own text and has no parameters left.
    (row,) = await rows(session, f"explain (analyze, timing off, format json) {query}")
    plan: dict[str, Any] = row["QUERY PLAN"][0]["Plan"]
    return plan


@pytest.mark.parametrize("kind", ["message", "workspace", "outgoing"])
async def test_names_under_a_prefix_come_by_storages_index(kind: str, crowded: tuple[Session, Tenant]) -> None:
    session, tenant = crowded
    (one,) = await rows(session, "select media_path from messages where workspace_id = %s limit 1", tenant.workspace_id)
    prefix, highest, found = {
        "message": (one["media_path"][:-4], one["media_path"][:-4] + "/", 1),
        "workspace": (f"{tenant.workspace_id}/", f"{tenant.workspace_id}0", 500),
        "outgoing": (f"{tenant.workspace_id}/outgoing/a", f"{tenant.workspace_id}/outgoing/a\x01", 0),
    }[kind]
    query = await _query(session, "objects_under", prefix=f"'{prefix}'", highest=f"'{highest}'", most=500)
    plan = await _plan(session, query)
    assert plan["Actual Rows"] == found, json.dumps(plan, indent=1)
    assert "idx_objects_bucket_id_name" in _indexes(plan), json.dumps(plan, indent=1)
    assert _scanned_whole(plan) == set()
    assert _touched(plan, "objects") <= 500


async def test_the_functions_themselves_read_few_rows(crowded: tuple[Session, Tenant]) -> None:
    """What a plan of a query out of its function cannot show: that the session plans it no worse there."""
    session, tenant = crowded
    await session.execute("update public.workspaces set media_retention_days = 30 where id = %s", [tenant.workspace_id])
    # The counters of this transaction: rows that scans of the whole table have read.
    counted = (
        "select sum(seq_tup_read)::bigint as read from pg_stat_xact_all_tables"
        " where relid in ('storage.objects'::regclass, 'public.messages'::regclass)"
    )
    (before,) = await rows(session, counted)
    for _ in range(3):
        assert await call(session, "sweep_media_retention", 100) == 100
        claimed = await rows(session, "select * from public.claim_removals(100)")
        assert len(claimed) == 100
    (after,) = await rows(session, counted)
    assert after["read"] == before["read"]


async def test_who_else_names_an_outgoing_file_is_found_by_index(crowded: tuple[Session, Tenant]) -> None:
    session, tenant = crowded
    await session.execute("set local enable_seqscan = off")
    plan = await _plan(
        session,
        "select from public.messages as message where message.workspace_id ="
        f" '{tenant.workspace_id}' and message.direction = 'outbound' and message.content ->> 'path' = 'a'",
    )
    assert "messages_outgoing_path" in _indexes(plan), json.dumps(plan, indent=1)
