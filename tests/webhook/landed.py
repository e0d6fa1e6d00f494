"""Payloads as they come to a tenant, and what they have left in the rows of its number."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

from psycopg.rows import DictRow

from tests.flows.tenant import Tenant, digits
from tests.flows.waiting import until
from tests.whatsapp.payload import FOLDER, NUMBER, STRANGER, WABA

JOURNAL = (
    "select *, body::text as raw from webhook_events where id > %(since)s"
    " and (position(%(number)s in body::text) > 0 or position(%(waba)s in body::text) > 0) order by id"
)
# Every column that a webhook fills; what is the database's own (ids, statistics) has tests of its own.
ROWS = {
    "messages": """
        select wamid, wa_id, bsuid, profile_name, direction, status, imported, type, content, reply_to_wamid,
          occurred_at, sent_at, delivered_at, read_at, played_at, failed_at, error, edited_at, revoked_at,
          original_content, media_id, media_mime_type, media_sha256, media_filename,
          media_status, media_error ->> 'code' as media_error,
          (select count(*) from media_downloads where message_id = message.id) as downloads,
          (select coalesce(thread.group_id, thread.phone, thread.bsuid) from conversations as thread
            where thread.id = message.conversation_id) as thread
        from messages as message where workspace_id = %(workspace)s order by seq""",
    "statuses": """
        select wamid, status, participant, occurred_at, callback_data, errors, error, details
        from message_statuses where workspace_id = %(workspace)s order by wamid, status, participant""",
    "threads": """
        select thread.phone, thread.bsuid, thread.group_id,
          contact.phone as contact_phone, contact.bsuid as contact_bsuid,
          (select array_agg(known.identifier order by known.identifier collate "C")
            from private.conversation_identifiers as known where known.conversation_id = thread.id) as known_as
        from conversations as thread left join contacts as contact on contact.id = thread.contact_id
        where thread.workspace_id = %(workspace)s order by thread.phone nulls last, thread.group_id nulls first""",
    "contacts": """
        select phone, bsuid, profile_name, name, synced_name_at, marketing_opted_out_at, marketing_preference_at
        from contacts where workspace_id = %(workspace)s order by phone""",
    "identities": """
        select identifier, wa_id, bsuid, occurred_at from private.identity_changes
        where connection_id = %(connection)s order by identifier""",
    "templates": """
        select provider_template_id, name, language, status, reason, category, quality, components, as_of
        from message_templates where workspace_id = %(workspace)s order by name""",
    "connections": "select provider_notices, last_error from whatsapp_connections where workspace_id = %(workspace)s",
}


class Addressed:
    """A payload as it comes to a tenant, and what is seen there told of the payload's own number."""

    def __init__(self, name: str, tenant: Tenant, ids: dict[str, str] | None = None) -> None:
        self._own = {NUMBER: tenant.phone_number_id, WABA: tenant.waba_id, STRANGER: digits(), **(ids or {})}
        self.raw = _told((FOLDER / f"{name}.json").read_text(), self._own).encode()

    def back(self, seen: Any) -> Any:
        return json.loads(_told(json.dumps(seen), {own: known for known, own in self._own.items()}))


def _told(text: str, ids: dict[str, str]) -> str:
    for known, told in ids.items():
        text = text.replace(known, told)
    return text


async def last_event(tenant: Tenant) -> int:
    """Where the journal ends now: what comes is behind it."""
    (row,) = await tenant.rows("select coalesce(max(id), 0) as id from webhook_events")
    return int(row["id"])


async def closed_event(tenant: Tenant, since: int) -> DictRow:
    """The one event of this number's or its WABA's behind `since`, once it is no longer `received`."""
    rows = await until(
        lambda: tenant.rows(JOURNAL, since=since, waba=tenant.waba_id),
        lambda rows: [row for row in rows if row["state"] != "received"],
    )
    (row,) = rows
    return row


async def landed(tenant: Tenant, event: DictRow) -> dict[str, list[dict[str, Any]]]:
    """All rows of the workspace. Times are text in UTC, and `received` where the journal's clock stands in."""
    own = {"workspace": tenant.workspace_id, "connection": tenant.connection_id}
    found: dict[str, list[dict[str, Any]]] = {}
    async with tenant.database() as connection:
        for table, query in ROWS.items():
            rows = await (await connection.execute(query.encode(), own)).fetchall()
            found[table] = [_plain(row, event["received_at"]) for row in rows]
    return found


def _plain(value: Any, received_at: datetime) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item, received_at) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item, received_at) for item in value]
    if isinstance(value, datetime):
        return "received" if value == received_at else value.astimezone(UTC).isoformat()
    if isinstance(value, str):
        # In JSON a time is text.
        with contextlib.suppress(ValueError):
            return "received" if datetime.fromisoformat(value) == received_at else value
    return value
