"""A project's first thousands of people come within minutes, before autovacuum has looked at any table."""

from __future__ import annotations

from psycopg import AsyncConnection
from psycopg.rows import dict_row

from tests.ops.doctor.own_project import OwnProject, own_project
from tests.store.tenant import Session, Tenant, call, rows

KNOWN, NEWCOMERS = 2_000, 16
# A newcomer is looked up a few dozen times; by the first column of an index only, each time among all who are known.
READ = 100 * NEWCOMERS
COUNTED = """
    select sum(idx_tup_fetch)::bigint as read from pg_stat_xact_all_tables
    where schemaname in ('public', 'private')
"""
LARGE = 100_001
ANALYSED = "select sum(analyze_count)::integer from pg_stat_all_tables where schemaname in ('public', 'private')"


async def test_the_sweep_has_statistics_taken_so_that_newcomers_do_not_read_everybody() -> None:
    async with own_project() as project:
        await project.sql_as_admin("alter system set autovacuum = off")
        await project.sql_as_admin("select pg_reload_conf()")
        tenant = await _crowded(project)
        await _sweep(project)
        assert await _read(project, tenant) < READ
        # Once is enough, until there are ten times as many.
        ((before,),) = await project.sql(ANALYSED)
        await _sweep(project)
        assert before > 0
        assert await project.sql(ANALYSED) == [(before,)]
        # A large one is autovacuum's: it would hold up the sweep.
        await project.sql(
            "insert into public.webhook_events (provider, body, state)"
            " select '360dialog', '{}', 'processed' from generate_series(1, %s)",
            LARGE,
        )
        await _sweep(project)
        assert await project.sql(ANALYSED) == [(before,)]


async def _crowded(project: OwnProject) -> Tenant:
    async with await _session(project) as session:
        tenant = await Tenant.create(session)
        await session.execute(
            "insert into public.contacts (workspace_id, phone)"
            " select %s, '+' || (972500000000 + n)::text from generate_series(1, %s) as n",
            [tenant.workspace_id, KNOWN],
        )
        await session.execute(
            "insert into public.conversations (workspace_id, connection_id, phone, contact_id)"
            " select workspace_id, %s, ltrim(phone, '+'), id from public.contacts where workspace_id = %s",
            [tenant.connection_id, tenant.workspace_id],
        )
    # With its session it is in the counters, too.
    return tenant


async def _sweep(project: OwnProject) -> None:
    async with await _session(project) as session:
        await session.execute("set role service_role")
        assert await call(session, "sweep_inbound", 5) == 0


async def _read(project: OwnProject, tenant: Tenant) -> int:
    """How many rows a set of newcomers reads by indexes, in a session that plans everything anew."""
    newcomers = [tenant.message(f"wamid.{number}", f"97254000{number:04}") for number in range(NEWCOMERS)]
    async with await _session(project) as session, session.transaction():
        await session.execute("set local role service_role")
        assert await call(session, "record_inbound", [], newcomers, []) == NEWCOMERS
        (counted,) = await rows(session, COUNTED)
        return int(counted["read"])


async def _session(project: OwnProject) -> Session:
    return await AsyncConnection.connect(project.environment["SUPABASE_DB_URL"], autocommit=True, row_factory=dict_row)
