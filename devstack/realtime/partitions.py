"""The daily partitions of realtime.messages, which the service keeps: three days back to three days ahead."""

from __future__ import annotations

import asyncio
import logging

import psycopg

from devstack.database import Database

log = logging.getLogger(__name__)

INTERVAL = 3600.0

MISSING = """
select format(
  'create table realtime.%I partition of realtime.messages for values from (%L) to (%L)',
  name, day, day + 1
) as create, format('alter table realtime.%I owner to supabase_realtime_admin', name) as own
from (
  select day::date, 'messages_' || to_char(day, 'YYYY_MM_DD') as name
  from generate_series(current_date - 3, current_date + 3, interval '1 day') day
) days
where to_regclass('realtime.' || name) is null
"""

OUTDATED = """
select format('drop table realtime.%I', c.relname) as drop
from pg_inherits i join pg_class c on c.oid = i.inhrelid
where i.inhparent = 'realtime.messages'::regclass
  and c.relname < 'messages_' || to_char(current_date - 3, 'YYYY_MM_DD')
"""


async def keep_partitions(database: Database) -> None:
    """Every hour, until cancelled."""
    while True:
        await asyncio.sleep(INTERVAL)
        try:
            await renew_partitions(database)
        except psycopg.Error as error:
            log.warning("partitions of realtime.messages: %s", error)


async def renew_partitions(database: Database) -> None:
    """Create what is missing, drop what is older than 72 hours."""
    async with database.as_admin() as connection:
        for row in await (await connection.execute(MISSING)).fetchall():
            await connection.execute(row["create"])
            await connection.execute(row["own"])
        for row in await (await connection.execute(OUTDATED)).fetchall():
            await connection.execute(row["drop"])
