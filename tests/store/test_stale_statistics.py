"""What takes a second takes no minute where statistics were taken while nothing was there."""

from __future__ import annotations

from tests.conftest import Connect
from tests.store.tenant import Tenant

PEOPLE, THREADS = 4_000, 12_000
# It takes a second or two; read whole for each message, the pairs took a minute.
LIMIT = "20s"


async def test_a_campaign_is_queued_in_seconds_though_the_pairs_were_analysed_with_all_rows_dead(
    database: Connect,
) -> None:
    async with database() as session:
        for keep in (False, True):
            async with session.transaction(force_rollback=True):
                tenant = await Tenant.create(session)
                await session.execute(
                    "insert into public.conversations "
                    "(workspace_id, connection_id, phone, last_customer_message_at, window_expires_at) "
                    "select %s, %s, (972500000000 + n)::text, now(), now() + interval '1 day' "
                    "from generate_series(1, %s) as n",
                    [tenant.workspace_id, tenant.connection_id, PEOPLE],
                )
                await session.execute("analyze public.conversations")
                await session.execute("select set_config('statement_timeout', %s, true)", [LIMIT])
                # The first hundred only, so that the foreign keys are planned for tables that hold something.
                for part in ("limit 100", "offset 100") if keep else ("",):
                    await session.execute(
                        "insert into public.messages (workspace_id, conversation_id, type, content) "
                        "select workspace_id, id, 'text', '{\"body\": \"x\"}' from public.conversations "
                        f"where workspace_id = %s order by phone {part}".encode(),
                        [tenant.workspace_id],
                    )
                    await session.execute("analyze public.messages")
            await session.execute("vacuum analyze public.messages")
            await session.execute("analyze private.outbound_pairs")


async def test_threads_move_in_the_inbox_and_leave_it_one_by_one_though_it_was_analysed_nearly_empty(
    database: Connect,
) -> None:
    async with database() as session, session.transaction(force_rollback=True):
        tenant = await Tenant.create(session)
        fill = (
            "insert into public.conversations (workspace_id, connection_id, phone) "
            "select %s, %s, (972500000000 + n)::text from generate_series(%s::integer, %s) as n"
        )
        threads = [tenant.workspace_id, tenant.connection_id]
        await session.execute(fill, [*threads, 1, THREADS])
        await session.execute(
            "delete from public.conversations where workspace_id = %s and phone > '972500000001'", threads[:1]
        )
        # As a vacuum leaves it that came by while all rows were leaving the pages that it looked at.
        await session.execute("analyze private.inbox_places")
        await session.execute(fill, [*threads, 2, THREADS])
        await session.execute("analyze public.conversations")
        # A second at most; each thread held against each place they take half a minute.
        await session.execute("select set_config('statement_timeout', '10s', true)")
        await session.execute(
            "update public.conversations set last_message_at = now() where workspace_id = %s", threads[:1]
        )
        await session.execute("delete from public.conversations where workspace_id = %s", threads[:1])
