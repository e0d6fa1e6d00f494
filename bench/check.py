"""Whether what was acknowledged is there: each message once, each status applied, the statistics right."""

from __future__ import annotations

from typing import Any, LiteralString

from bench.load import Answers
from bench.populate import Database, Tenant
from bench.webhooks import BEHIND, TURNS, Webhooks

JOURNAL = "select state, count(*)::integer from webhook_events group by state"
ROWS: LiteralString = (
    "select (select count(*) from messages where direction = 'inbound')::integer,"
    " (select count(*) from message_statuses)::integer, (select count(*) from conversations)::integer"
)
MISSING_MESSAGES: LiteralString = """
select count(*) filter (where message.id is null)::integer
from generate_series(0, %(cycles)s - 1) as cycle
left join messages as message on message.connection_id = %(connection)s
  and message.wamid = 'wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgW' || %(run)s || lpad(cycle::text, 10, '0') || 'AA=='"""
REPORTS: LiteralString = """
with report as (
  select 'wamid.HBgMOTcyNTAxMjM0NTY3FQIAERgSQjE2' || lpad((%(sent_first)s + ((cycle - behind) %% %(sent_count)s
      + %(sent_count)s) %% %(sent_count)s)::text, 10, '0') || 'AA==' as wamid, kind,
    array_position(array['sent', 'delivered', 'read'], kind) as rank
  from generate_series(0, %(cycles)s - 1) as cycle,
    unnest(%(kinds)s::text[], %(behind)s::integer[]) as told (kind, behind)
)"""
MISSING_STATUSES: LiteralString = (
    REPORTS
    + """
select count(*)::integer from (select distinct wamid, kind from report) as report
left join message_statuses as kept
  on kept.connection_id = %(connection)s and kept.wamid = report.wamid and kept.status = report.kind
where kept.wamid is null"""
)
NOT_APPLIED: LiteralString = (
    REPORTS
    + """
select count(*)::integer from (
  select wamid, (array['sent', 'delivered', 'read'])[max(rank)] as status from report group by wamid) as report
left join messages as message on message.connection_id = %(connection)s and message.wamid = report.wamid
where message.status is distinct from report.status"""
)
WRONG_STATS: LiteralString = """
select count(*)::integer from conversations as thread
left join (
  select conversation_id, count(*) filter (where direction = 'inbound') as inbound, max(occurred_at) as newest
  from messages group by conversation_id) as truth on truth.conversation_id = thread.id
where thread.unread_count <> coalesce(truth.inbound, 0) or thread.last_message_at is distinct from truth.newest"""


async def every_row(
    database: Database, tenant: Tenant, webhooks: Webhooks, answers: Answers, known_before: int
) -> list[str]:
    """After a load with a quota: what is not as it must be, in sentences. Empty tables but for `shop` before it."""
    found = await load_applied(database, tenant, webhooks, answers)
    cycles = answers.sent // len(TURNS[webhooks.turn])
    newcomers = (
        cycles // webhooks.newcomer_every if webhooks.newcomer_every and "message" in TURNS[webhooks.turn] else 0
    )
    _, _, conversations = await rows(database)
    odd = abs(conversations - known_before - newcomers)
    found.append(_beyond(odd, answers.failed, "conversations too few or too many"))
    return [problem for problem in found if problem] + await consistent(database, answers)


async def load_applied(database: Database, tenant: Tenant, webhooks: Webhooks, answers: Answers) -> list[str]:
    """The same of this load's own messages and reports, whatever else is in the tables."""
    turns = TURNS[webhooks.turn]
    cycles = answers.sent // len(turns)
    kinds = [kind for kind in turns if kind != "message"]
    values = {
        "connection": tenant.connection_id,
        "cycles": cycles,
        "run": webhooks.run,
        "sent_first": webhooks.sent_first,
        "sent_count": webhooks.sent_count,
        "kinds": kinds,
        "behind": [BEHIND[kind] for kind in kinds],
    }
    missing = await _count(database, MISSING_MESSAGES, values) if "message" in turns else 0
    unseen = await _count(database, MISSING_STATUSES, values) if kinds else 0
    unapplied = await _count(database, NOT_APPLIED, values) if kinds else 0
    found = [
        _beyond(missing, answers.failed, "messages have no row"),
        _beyond(unseen, answers.failed, "statuses are not stored"),
        _beyond(unapplied, answers.failed, "messages do not show their reports"),
    ]
    return [problem for problem in found if problem]


async def consistent(database: Database, answers: Answers) -> list[str]:
    """What holds after any load: what got its 200 is in the journal, all of it is rows, the statistics are right."""
    states = dict(await (await database.execute(JOURNAL)).fetchall())
    kept = sum(states.values())
    found = []
    if not answers.ok <= kept <= answers.sent:
        found.append(f"{answers.ok} acknowledged of {answers.sent} sent, but {kept} in the journal")
    if states.keys() - {"processed"}:
        found.append(f"the journal is {states}")
    return found + await statistics(database)


async def statistics(database: Database) -> list[str]:
    """Of every conversation against its messages."""
    wrong = await _count(database, WRONG_STATS, {})
    return [f"{wrong} conversations with wrong statistics"] if wrong else []


async def rows(database: Database) -> tuple[int, int, int]:
    """Inbound messages, statuses, conversations."""
    row = await (await database.execute(ROWS)).fetchone()
    assert row is not None
    return row[0], row[1], row[2]


def _beyond(found: int, excused: int, what: str) -> str:
    """What got no 200 may be missing, and is sent again by a provider."""
    return f"{found} {what}" + (f" ({excused} got no 200)" if excused else "") if found > excused else ""


async def _count(database: Database, query: LiteralString, values: dict[str, Any]) -> int:
    row = await (await database.execute(query, values)).fetchone()
    assert row is not None
    return int(row[0])
