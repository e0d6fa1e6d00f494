"""The hot queries touch what they give out and little more, with 50,000 rows waiting. Rows count, not milliseconds.

The query is taken out of the function's own definition; what is queued for it is rolled back.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from psycopg.sql import SQL, Identifier

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, rows

WAITING = 50_000
SLOTS = 20
NO_SHARES = "'{}'::jsonb"
# What a claim of SLOTS rows may read of a queue, heads and their neighbours. A scan would read WAITING.
ALLOWED = 40 * SLOTS
TABLES = ("messages", "conversations", "outbox", "media_downloads", "webhook_events", "whatsapp_connections")

Node = dict[str, Any]


@asynccontextmanager
async def _rolled_back(database: Connect) -> AsyncIterator[Session]:
    """What a test queues is gone afterwards. Dead rows of others are cleared away first, and ours in the end.

    A table that was analysed while all its rows were dead is planned for as if it were empty, however full it gets.
    """
    async with database() as session:
        # What other tests have left would be given its turn.
        await session.execute("delete from public.media_downloads")
        await _vacuum(session)
        async with session.transaction(force_rollback=True):
            yield session
        await _vacuum(session)


async def _vacuum(session: Session) -> None:
    for table in TABLES:
        await session.execute(SQL("vacuum analyze public.{}").format(Identifier(table)))


async def _query(session: Session, function: str, **arguments: object) -> str:
    """The function's claiming statement with its parameters filled in, as a custom plan sees it."""
    (found,) = await rows(session, "select prosrc from pg_proc where proname = %s", function)
    source = re.sub(r"--[^\n]*", "", found["prosrc"]).strip()
    statement = source.partition("return query")[2].rpartition("end")[0] or source
    for name, value in arguments.items():
        statement = re.sub(rf"\b{name}\b", str(value), statement)
    return statement.strip().rstrip(";")


async def _plan(session: Session, function: str, **arguments: object) -> Node:
    query = await _query(session, function, **arguments)
    # Under the function's own settings.
    for setting in (await rows(session, "select proconfig from pg_proc where proname = %s", function))[0]["proconfig"]:
        name, _, value = setting.partition("=")
        if name != "search_path":
            await session.execute("select set_config(%s, %s, true)", [name, value])
    # As bytes: the query is the function's own text and has no parameters left.
    (row,) = await (await session.execute(f"explain (analyze, timing off, format json) {query}".encode())).fetchall()
    plan: Node = row["QUERY PLAN"][0]["Plan"]
    return plan


def _nodes(plan: Node) -> Iterator[Node]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def _touched(plan: Node, table: str) -> int:
    """Rows of a table that its scans brought up, kept or thrown away."""
    thrown = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")
    return sum(
        int((node["Actual Rows"] + sum(node.get(key, 0) for key in thrown)) * node["Actual Loops"])
        for node in _nodes(plan)
        if node.get("Relation Name") == table and "Scan" in node["Node Type"]
    )


def _scanned_whole(plan: Node) -> set[str]:
    return {
        node["Relation Name"]
        for node in _nodes(plan)
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] != "whatsapp_connections"
    }


def _indexes(plan: Node) -> set[str]:
    return {node["Index Name"] for node in _nodes(plan) if "Index Name" in node}


def _told(plan: Node) -> str:
    return json.dumps(plan, indent=1)


async def _queue_outbound(session: Session, conversations: int, *, by_turns: bool) -> Tenant:
    """WAITING messages, conversation after conversation or one of each in turn."""
    tenant = await Tenant.create(session)
    await session.execute(
        "insert into public.conversations "
        "(workspace_id, connection_id, phone, last_customer_message_at, window_expires_at) "
        "select %s, %s, (972500000000 + n)::text, now(), now() + interval '1 day' from generate_series(1, %s) as n",
        [tenant.workspace_id, tenant.connection_id, conversations],
    )
    order = "turn, thread.phone" if by_turns else "thread.phone, turn"
    # A foreign key is looked up by a plan that its session keeps: made for an empty table it would read all of it each
    # time. So the tables are known to hold something before the many come.
    for part in ("limit 200", "offset 200"):
        await _analyze(session)
        await session.execute(
            "insert into public.messages (workspace_id, conversation_id, type, content) "
            "select thread.workspace_id, thread.id, 'text', '{\"body\": \"x\"}' "
            "from public.conversations as thread cross join generate_series(1, %s) as turn "
            f"where thread.workspace_id = %s order by {order} {part}".encode(),
            [WAITING // conversations, tenant.workspace_id],
        )
    await _analyze(session)
    return tenant


async def _analyze(session: Session) -> None:
    for table in TABLES:
        await session.execute(SQL("analyze public.{}").format(Identifier(table)))


async def _assert_few_rows(session: Session) -> None:
    # The clock is read once by the function; here it is past all that was queued in this transaction.
    plan = await _plan(
        session, "outbound_candidates", max_messages=SLOTS, instant="(now() + interval '1 hour')", shares=NO_SHARES
    )
    assert plan["Actual Rows"] == SLOTS, _told(plan)
    assert _scanned_whole(plan) == set(), _told(plan)
    assert "outbox_ready" in _indexes(plan), _told(plan)
    assert _touched(plan, "outbox") <= ALLOWED, _told(plan)
    assert _touched(plan, "messages") <= ALLOWED, _told(plan)
    assert _touched(plan, "conversations") <= ALLOWED, _told(plan)
    # And as the function itself plans it, without knowing how many are asked for. It counts what is on the wire, too.
    read = (
        "select pg_stat_get_xact_tuples_returned('public.outbox'::regclass) "
        "+ sum(pg_stat_get_xact_tuples_returned(indexrelid)) as read "
        "from pg_index where indrelid = 'public.outbox'::regclass"
    )
    (before,) = await rows(session, read)
    assert len(await rows(session, "select from public.claim_outbound(%s, 60)", SLOTS)) == SLOTS
    (after,) = await rows(session, read)
    assert after["read"] - before["read"] <= 2 * ALLOWED


@pytest.mark.parametrize(("conversations", "by_turns"), [(50_000, True), (5_000, False)], ids=["campaign", "bursts"])
async def test_claim_outbound_reads_few_rows_of_a_long_queue(
    conversations: int, by_turns: bool, database: Connect
) -> None:
    async with _rolled_back(database) as session:
        await _queue_outbound(session, conversations, by_turns=by_turns)
        await _assert_few_rows(session)


async def test_claim_outbound_is_not_slowed_by_what_is_scheduled_or_on_the_wire(database: Connect) -> None:
    async with _rolled_back(database) as session:
        tenant = await _queue_outbound(session, 5_000, by_turns=True)
        await session.execute("select from public.claim_outbound(500, 60)")
        await session.execute(
            "update public.outbox set line_at = now() + interval '1 day', ready_at = ready_at + interval '1 day' "
            "where workspace_id = %s "
            "and lease_token is null and seq > (select min(seq) + 10000 from public.outbox where workspace_id = %s)",
            [tenant.workspace_id, tenant.workspace_id],
        )
        await _analyze(session)
        await _assert_few_rows(session)


async def _queue_media(session: Session, tenant: Tenant, files: int, *, waits: str = "null") -> None:
    """So many files of a number; `waits` is their available_at, an SQL expression."""
    await session.execute(
        "with files as (insert into public.messages "
        "(workspace_id, connection_id, direction, status, type, content, media_id, media_status) "
        "select %s, %s, 'inbound', 'received', 'image', '{}', n, 'pending' from generate_series(1, %s) as n "
        "returning *) "
        "insert into public.media_downloads "
        "(message_id, workspace_id, connection_id, object_name, media_id, deadline, available_at) "
        "select id, workspace_id, connection_id, private.object_name(workspace_id, null, id), media_id, "
        f"now() + make_interval(hours => 1, secs => seq %% 1000), {waits} from files".encode(),
        [tenant.workspace_id, tenant.connection_id, files],
    )


async def _media_rows_read(session: Session) -> int:
    """What this transaction has read of the queue so far, in functions as well: index entries, and rows of scans."""
    (read,) = await rows(
        session,
        "select pg_stat_get_xact_tuples_returned('public.media_downloads'::regclass) "
        "+ sum(pg_stat_get_xact_tuples_returned(indexrelid)) as read "
        "from pg_index where indrelid = 'public.media_downloads'::regclass",
    )
    return int(read["read"])


async def _claim_reading_few(session: Session, expected: int) -> None:
    before = await _media_rows_read(session)
    claimed = await rows(session, "select * from public.claim_media(%s, 60)", SLOTS)
    assert len(claimed) == expected
    assert await _media_rows_read(session) - before <= ALLOWED


async def _assert_few_files_read(session: Session, expected: int) -> None:
    await _analyze(session)
    instant = "(now() + interval '1 minute')"
    plan = await _plan(session, "media_candidates", max_files=SLOTS, instant=instant, shares=NO_SHARES)
    assert plan["Actual Rows"] == expected, _told(plan)
    plans = [plan]
    for function in ("media_due", "media_numbers"):
        plans.append(await _plan(session, function, max_files=SLOTS, instant=instant, shares=NO_SHARES))
    for plan in plans:
        assert _scanned_whole(plan) == set(), _told(plan)
        assert "media_downloads_ready" in _indexes(plan), _told(plan)
        assert _touched(plan, "media_downloads") <= ALLOWED, _told(plan)
    await _claim_reading_few(session, expected)


# What a number fetches at once.
AT_ONCE = 8


async def test_claim_media_reads_few_rows_of_a_long_queue(database: Connect) -> None:
    async with _rolled_back(database) as session:
        await _queue_media(session, await Tenant.create(session), WAITING)
        await _assert_few_files_read(session, AT_ONCE)
        # A full number is passed by.
        await _claim_reading_few(session, 0)


async def test_claim_media_reads_few_rows_of_one_workspace_that_holds_nearly_all(database: Connect) -> None:
    async with _rolled_back(database) as session:
        tenants = [await Tenant.create(session) for _ in range(10)]
        for place, tenant in enumerate(tenants):
            await _queue_media(session, tenant, WAITING if place == 0 else 1)
        await _assert_few_files_read(session, AT_ONCE + 9)


async def test_claim_media_is_not_slowed_by_what_waits_after_a_failure(database: Connect) -> None:
    async with _rolled_back(database) as session:
        tenant = await Tenant.create(session)
        await _queue_media(session, tenant, WAITING, waits="now() + interval '1 hour'")
        await _queue_media(session, tenant, 3)
        await _assert_few_files_read(session, 3)


async def test_claim_media_takes_few_of_many_whose_time_has_come_again(database: Connect) -> None:
    async with _rolled_back(database) as session:
        tenant = await Tenant.create(session)
        await _queue_media(session, tenant, WAITING, waits="now() - interval '1 second'")
        await _analyze(session)
        await _claim_reading_few(session, AT_ONCE)
        await _claim_reading_few(session, 0)


async def test_sweep_media_reads_few_rows_of_a_long_queue(database: Connect) -> None:
    async with _rolled_back(database) as session:
        tenant = await Tenant.create(session)
        await _queue_media(session, tenant, WAITING)
        await session.execute(
            "update public.media_downloads set deadline = now() where message_id in "
            "(select message_id from public.media_downloads where workspace_id = %s limit 100)",
            [tenant.workspace_id],
        )
        await _analyze(session)
        before = await _media_rows_read(session)
        assert (await rows(session, "select public.sweep_media(%s) as swept", SLOTS))[0]["swept"] == SLOTS
        assert await _media_rows_read(session) - before <= ALLOWED


async def test_claim_inbound_reads_few_rows_of_a_long_journal(database: Connect) -> None:
    async with _rolled_back(database) as session:
        await session.execute(
            "insert into public.webhook_events (provider, body, state, lease_expires_at) "
            "select 'meta', '{}', case when n %% 2 = 0 then 'received' else 'processed' end, "
            "now() - make_interval(secs => n) from generate_series(1, %s) as n",
            [2 * WAITING],
        )
        await _analyze(session)
        plan = await _plan(session, "claim_inbound", max_events=SLOTS, lease_seconds=60)
        assert plan["Actual Rows"] == SLOTS, _told(plan)
        assert _scanned_whole(plan) == set(), _told(plan)
        assert "webhook_events_waiting" in _indexes(plan), _told(plan)
        assert _touched(plan, "webhook_events") <= ALLOWED, _told(plan)
