"""What the database must say once everything that was acknowledged has become rows."""

from __future__ import annotations

from collections import Counter

from tests.attack.traffic import RANKS, Traffic
from tests.flows.tenant import Tenant

JOURNAL = (
    "select encode(sha256(convert_to(body::text, 'UTF8')), 'hex') as digest, count(*) as times"
    " from webhook_events where phone_number_id = %(number)s group by 1"
)
DRIFTED = """
    select thread.id, thread.unread_count, truth.unread_count as counted
    from conversations as thread
    join private.stats_of(array(select id from conversations where connection_id = %(connection)s)) as truth
      on truth.conversation_id = thread.id
    where (private.places_of(thread), thread.unread_count, thread.last_customer_message_at, thread.window_expires_at,
        thread.last_message_at, thread.last_message_seq, thread.last_message_preview, thread.last_message_direction)
      is distinct from (1, truth.unread_count, truth.last_customer_message_at, truth.window_expires_at,
        truth.last_message_at, truth.last_message_seq, truth.last_message_preview, truth.last_message_direction)"""

MISCOUNTED = """
    select quarter, sum(windows) as too_many from (
      select quarter, windows from private.window_counts where workspace_id = %(workspace)s
      union all select private.quarter_of(window_expires_at), -1 from conversations
      where workspace_id = %(workspace)s and status = 'open' and window_expires_at > now()) as both_sides
    where quarter > private.quarter_of(now()) group by quarter having sum(windows) <> 0"""


async def journal_of(tenant: Tenant) -> Counter[str]:
    """How often each body is in the journal, by its digest."""
    return Counter({row["digest"]: row["times"] for row in await tenant.rows(JOURNAL)})


async def unfinished(tenant: Tenant) -> int:
    rows = await tenant.rows(
        "select count(*) as events from webhook_events where phone_number_id = %(number)s and state = 'received'"
    )
    return int(rows[0]["events"])


async def swept(tenant: Tenant) -> str:
    """How many bodies were left to a sweep, and how often the unluckiest was."""
    rows = await tenant.rows(
        "select count(*) filter (where attempts > 0) as events, max(attempts) as most"
        " from webhook_events where phone_number_id = %(number)s"
    )
    return f"{rows[0]['events']} bodies swept, at most {rows[0]['most']} times"


async def every_body_is_processed(tenant: Tenant) -> None:
    states = await tenant.rows(
        "select state, error, count(*) as events from webhook_events where phone_number_id = %(number)s group by 1, 2"
    )
    assert [(row["state"], row["error"]) for row in states] == [("processed", None)], states


async def everything_is_in_the_rows_once(tenant: Tenant, traffic: Traffic) -> None:
    messages = await tenant.rows(
        "select wamid from messages where connection_id = %(connection)s and wamid like '%%.in.%%'"
    )
    assert Counter(row["wamid"] for row in messages) == Counter(traffic.messages)
    statuses = await tenant.rows("select wamid, status from message_statuses where connection_id = %(connection)s")
    assert Counter((row["wamid"], row["status"]) for row in statuses) == Counter(traffic.statuses)


async def each_customer_has_one_thread_and_one_contact(tenant: Tenant, traffic: Traffic) -> None:
    threads = await tenant.rows("select phone from conversations where connection_id = %(connection)s")
    wrote_first = {phone for phone, _ in traffic.known}
    assert Counter(row["phone"] for row in threads) == Counter(traffic.customers | wrote_first)
    contacts = await tenant.rows("select phone from contacts where workspace_id = %(workspace)s")
    assert Counter(row["phone"] for row in contacts if row["phone"][1:] in traffic.customers) == Counter(
        f"+{phone}" for phone in traffic.customers
    )


async def statistics_equal_the_messages(tenant: Tenant) -> None:
    assert await tenant.rows(DRIFTED) == []
    assert await tenant.rows(MISCOUNTED) == []


async def our_messages_are_where_their_reports_put_them(tenant: Tenant, traffic: Traffic) -> None:
    known = {wamid for _, wamid in traffic.known}
    reached = dict.fromkeys(known, "sent")
    for wamid, status in traffic.statuses:
        if wamid in known and RANKS[status] > RANKS[reached[wamid]]:
            reached[wamid] = status
    rows = await tenant.rows(
        "select wamid, status from messages where connection_id = %(connection)s and direction = 'outbound'"
    )
    assert {row["wamid"]: row["status"] for row in rows} == reached
