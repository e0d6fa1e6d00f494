"""WhatsApp says «too fast»: how long a number or a pair waits, the more often the longer, and how it comes back."""

from __future__ import annotations

import uuid

from tests.store.tenant import Session, Tenant, call, leases, rows

RATE = 80


async def throttled(session: Session, tenant: Tenant, scope: str, **told: float) -> float:
    """Everything that may go is refused; for how long that holds its number or pair, in seconds.

    In one transaction: from the record to the look at it now() stands still, however slow this machine is.
    """
    async with session.transaction():
        held = leases(await tenant.claim(session), outcome="throttle", scope=scope, error={"code": 1}, **told)
        assert await call(session, "record_outbound", held) == len(held) > 0
        table, column, key = (
            ("outbound_numbers", "connection_id", tenant.connection_id)
            if scope == "number"
            else ("outbound_pairs", "conversation_id", await thread_of(session, held[0]["message_id"]))
        )
        (row,) = await rows(
            session,
            f"update private.{table} set held_until = now() where {column} = %s"
            " returning (select extract(epoch from old.held_until - now())::float8 from private." + table + " as old"
            f" where old.{column} = {table}.{column}) as wait",
            key,
        )
        await session.execute(
            "select private.set_heads(array(select conversation_id from public.outbox where workspace_id = %s))",
            [tenant.workspace_id],
        )
    return float(row["wait"])


async def thread_of(session: Session, message_id: str) -> uuid.UUID:
    (row,) = await rows(session, "select conversation_id from public.messages where id = %s", message_id)
    thread: uuid.UUID = row["conversation_id"]
    return thread


async def rate_of(session: Session, tenant: Tenant) -> int:
    (row,) = await rows(
        session,
        "select private.number_rate(connection, pace) as rate from public.whatsapp_connections as connection"
        " join private.outbound_numbers as pace on pace.connection_id = connection.id where connection.id = %s",
        tenant.connection_id,
    )
    return int(row["rate"])


async def pass_time(session: Session, tenant: Tenant, seconds: float) -> None:
    """So many seconds since the number was narrowed, whatever it has been by the clock."""
    await session.execute(
        "update private.outbound_numbers set narrowed_at = now() - make_interval(secs => %s),"
        " done = '{}', done_at = '{}' where connection_id = %s",
        [seconds, tenant.connection_id],
    )


async def test_a_number_waits_twice_as_long_each_time_and_is_halved_once_for_all_on_the_wire(
    sessions: list[Session], tenant: Tenant
) -> None:
    session = sessions[0]
    await session.execute(
        "update public.whatsapp_connections set messages_per_second = %s where id = %s", [RATE, tenant.connection_id]
    )
    for n in range(5):
        await tenant.queue(session, await tenant.thread(session, f"97250123456{n}"))
    waits, rates = [], []
    for _ in range(8):
        async with session.transaction():
            await pass_time(session, tenant, 1.5)
            waits.append(await throttled(session, tenant, "number"))
            rates.append(await rate_of(session, tenant))
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert rates[:4] == [40, 20, 10, 5]
    assert min(rates) >= 1
    await pass_time(session, tenant, 1.5)
    assert await throttled(session, tenant, "number", retry_after=500) == 500
    await pass_time(session, tenant, 31)
    before = await rate_of(session, tenant)
    assert before >= 2
    await pass_time(session, tenant, 3600)
    assert await rate_of(session, tenant) == RATE, "it recovers by itself"
    done = [lease | {"wamid": lease["message_id"]} for lease in leases(await tenant.claim(session), outcome="done")]
    assert await call(session, "record_outbound", done) == 5
    await tenant.queue(session, await tenant.thread(session, "972501234569"))
    await pass_time(session, tenant, 3600)
    assert await throttled(session, tenant, "number") == 1, "what passed has made good for what was refused"


async def test_a_pair_waits_four_times_as_long_each_time_and_no_other_with_it(
    sessions: list[Session], tenant: Tenant
) -> None:
    session = sessions[0]
    thread = await tenant.thread(session, "972501234567")
    message_id = await tenant.queue(session, thread)
    assert [await throttled(session, tenant, "pair") for _ in range(7)] == [4, 16, 64, 256, 1024, 3600, 3600]
    assert await throttled(session, tenant, "pair", retry_after=6) == 3600
    (item,) = await rows(session, "select attempts from public.outbox where message_id = %s", message_id)
    assert item["attempts"] == 0
    (pace,) = await rows(
        session,
        "select narrowed_to, held_until from private.outbound_numbers where connection_id = %s",
        tenant.connection_id,
    )
    assert (pace["narrowed_to"], pace["held_until"]) == (None, None), "its number goes on"
    (held,) = leases(await tenant.claim(session), outcome="done")
    assert await call(session, "record_outbound", [held | {"wamid": held["message_id"]}]) == 1
    await tenant.queue(session, thread)
    assert await throttled(session, tenant, "pair") == 4
