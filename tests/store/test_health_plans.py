"""What /metrics asks of the database reads few rows of long queues: rows count, not milliseconds; rolled back."""

from __future__ import annotations

from tests.conftest import Connect
from tests.store.tenant import Session, Tenant, rows

WAITING = 5_000
MAX_ROWS = 200
NUMBERS = 60
# Each count may read so many rows and their index entries; there are nine, and a few look-ups for each number.
ALLOWED = 2 * 9 * MAX_ROWS + 20 * NUMBERS
TABLES = ("outbox", "media_downloads", "webhook_events", "whatsapp_connections")

READ = """
    select sum(pg_stat_get_xact_tuples_returned(part))::bigint as rows,
      sum(pg_stat_get_xact_numscans(part)) filter (where kind = 'table')::bigint as scans
    from (
      select oid as part, 'table' as kind from pg_class where oid = any (%s::regclass[])
      union all select indexrelid, 'index' from pg_index where indrelid = any (%s::regclass[])) as parts
"""


async def _fill(session: Session) -> None:
    """One large number and many small ones, each with a message; files and events as many as messages."""
    # What is looked at is how rows are found, not how they came.
    for table in ("messages", "conversations"):
        await session.execute(f"alter table public.{table} disable trigger user".encode())
    tenants = [await Tenant.create(session) for _ in range(NUMBERS)]
    large = tenants[0].connection_id
    # Analysed after each: a foreign key is looked up by a plan that its session keeps, made for what was known.
    for statement in (
        "insert into public.conversations (workspace_id, connection_id, phone_number_id, phone) "
        "select workspace_id, id, phone_number_id, (972500000000 + n)::text from public.whatsapp_connections, "
        "generate_series(1, case when id = %(large)s then %(waiting)s else 1 end) as n where id = any (%(all)s)",
        "insert into public.messages (workspace_id, connection_id, conversation_id, type, content, direction, status) "
        "select workspace_id, connection_id, id, 'text', '{}', 'outbound', 'queued' from public.conversations "
        "where connection_id = any (%(all)s)",
        "insert into public.media_downloads "
        "(message_id, workspace_id, connection_id, object_name, media_id, deadline) "
        "select id, workspace_id, connection_id, 'x', 'x', now() + interval '1 day' from public.messages "
        "where connection_id = any (%(all)s)",
        "insert into public.outbox (message_id, workspace_id, connection_id, conversation_id, ready_at) "
        "select id, workspace_id, connection_id, conversation_id, now() from public.messages "
        "where connection_id = any (%(all)s)",
    ):
        told = {"large": large, "waiting": WAITING, "all": [tenant.connection_id for tenant in tenants]}
        await session.execute(statement.encode(), told)
        await _analyze(session)
    await session.execute(
        "insert into public.webhook_events (provider, body, state, lease_expires_at) "
        "select 'meta', '{}', (array['received', 'processed', 'failed', 'unrouted'])[n %% 4 + 1], now() "
        "from generate_series(1, %s) as n",
        [4 * WAITING],
    )
    await _analyze(session)


async def _analyze(session: Session) -> None:
    for table in ("messages", "conversations", *TABLES):
        await session.execute(f"analyze public.{table}".encode())


async def _read(session: Session) -> tuple[int, int]:
    names = [f"public.{table}" for table in TABLES]
    (read,) = await rows(session, READ, names, names)
    return read["rows"], read["scans"]


async def test_health_reads_few_rows_of_long_queues_and_scans_no_table(database: Connect) -> None:
    async with database() as session:
        # What tests before this one have rolled back is not among the rows that it reads.
        await session.execute("vacuum public.outbox, public.media_downloads, public.webhook_events")
        async with session.transaction(force_rollback=True):
            await _fill(session)
            await session.execute("set local role service_role")
            read, scans = await _read(session)
            (told,) = await rows(session, "select public.get_queue_health(%s, 50) as answer", MAX_ROWS)
            after, scanned = await _read(session)
            assert told["answer"]["journal"]["received"] == MAX_ROWS
            # The fifty largest and the rest; all are seen, however few rows are read.
            assert len(told["answer"]["outbox"]) == 51
            assert after - read <= ALLOWED
            assert scanned == scans
