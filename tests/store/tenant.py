"""A workspace of a test's own, and the SQL functions as the backend calls them, on sessions of its own."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.conftest import Connect

Row = dict[str, Any]
Session = psycopg.AsyncConnection[DictRow]

# The statistics of conversations that are not what a recomputation from their messages gives.
UNTRUE = """
    select thread.id, thread.unread_count, truth.unread_count as true_unread_count
    from public.conversations as thread, private.stats_of(array[thread.id]) as truth
    where thread.workspace_id = %s
      and (private.places_of(thread), thread.unread_count, thread.last_customer_message_at, thread.window_expires_at,
        thread.last_message_at, thread.last_message_seq, thread.last_message_preview, thread.last_message_direction)
      is distinct from (1, truth.unread_count, truth.last_customer_message_at, truth.window_expires_at,
        truth.last_message_at, truth.last_message_seq, truth.last_message_preview, truth.last_message_direction)
"""


@asynccontextmanager
async def backend_sessions(database: Connect, count: int) -> AsyncIterator[list[Session]]:
    """Sessions of role service_role, each statement its own transaction, as PostgREST runs them."""
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(database()) for _ in range(count)]
        for session in sessions:
            await session.execute("set role service_role")
        yield sessions


async def call(session: Session, function: str, *arguments: Any) -> Any:
    """What a function of one value answers. Lists go as jsonb, as they do through PostgREST."""
    values = [Jsonb(value) if isinstance(value, list) else value for value in arguments]
    places = ", ".join(["%s"] * len(values))
    cursor = await session.execute(f"select public.{function}({places}) as answer", values)
    row = await cursor.fetchone()
    return row and row["answer"]


async def rows(session: Session, query: str, *parameters: Any) -> list[DictRow]:
    """Every row of a query."""
    return await (await session.execute(query, parameters)).fetchall()


async def put_object(session: Session, name: str, mime_type: str = "image/jpeg", size: int = 4) -> None:
    """An object as far as the database knows."""
    await session.execute(
        "insert into storage.objects (bucket_id, name, metadata) values ('whatsapp-media', %s, %s)",
        [name, Jsonb({"mimetype": mime_type, "size": size})],
    )


@dataclass(frozen=True)
class Tenant:
    """One workspace with one number."""

    workspace_id: uuid.UUID
    connection_id: uuid.UUID
    phone_number_id: str

    @classmethod
    async def create(cls, session: Session) -> Tenant:
        tenant = cls(uuid.uuid4(), uuid.uuid4(), uuid.uuid4().hex)
        await session.execute(
            "insert into public.workspaces (id, name) values (%s, 'of one test')", [tenant.workspace_id]
        )
        await session.execute(
            "insert into public.whatsapp_connections (id, workspace_id, phone_number_id, messages_per_second) "
            "values (%s, %s, %s, 1000)",
            [tenant.connection_id, tenant.workspace_id, tenant.phone_number_id],
        )
        return tenant

    async def rest(self, session: Session) -> None:
        """Nothing of it is claimed any more: what other tests see in the queues is their own."""
        await session.execute(
            "update public.whatsapp_connections set status = 'paused' where id = %s", [self.connection_id]
        )

    def message(self, wamid: str, phone: str | None, **fields: Any) -> Row:
        """An item of record_inbound."""
        return {
            "phone_number_id": self.phone_number_id,
            "wamid": wamid,
            "wa_id": phone,
            "type": "text",
            "content": {"body": wamid},
            "occurred_at": "2026-11-01T12:00:00Z",
            **fields,
        }

    def status(self, wamid: str, status: str, **fields: Any) -> Row:
        """A report of record_inbound."""
        return {
            "phone_number_id": self.phone_number_id,
            "wamid": wamid,
            "status": status,
            "participant": "",
            "occurred_at": "2026-11-01T12:00:00Z",
            **fields,
        }

    async def thread(self, session: Session, phone: str) -> uuid.UUID:
        """A conversation whose window is open."""
        now = datetime.now(UTC).isoformat()
        await call(session, "record_inbound", [], [self.message(uuid.uuid4().hex, phone, occurred_at=now)], [])
        (found,) = await rows(
            session,
            "select id from public.conversations where workspace_id = %s and phone = %s",
            self.workspace_id,
            phone,
        )
        thread: uuid.UUID = found["id"]
        return thread

    async def queue(self, session: Session, thread: uuid.UUID, body: str = "hello") -> uuid.UUID:
        """A message in the outbox."""
        (made,) = await rows(
            session,
            "insert into public.messages (workspace_id, conversation_id, type, content) "
            "values (%s, %s, 'text', %s) returning id",
            self.workspace_id,
            thread,
            Jsonb({"body": body}),
        )
        message_id: uuid.UUID = made["id"]
        return message_id

    async def claim(self, session: Session, slots: int = 1000) -> list[DictRow]:
        """What a worker would send next, of this workspace; anything else goes straight back."""
        claimed = await rows(session, "select * from public.claim_outbound(%s, 60)", slots)
        foreign = [row for row in claimed if row["workspace_id"] != self.workspace_id]
        if foreign:
            await call(session, "release_outbound", leases(foreign))
        return [row for row in claimed if row["workspace_id"] == self.workspace_id]


def leases(claimed: Sequence[DictRow], **result: Any) -> list[Row]:
    """Claimed rows as record_outbound and release_outbound take them."""
    return [{key: str(row[key]) for key in ("message_id", "lease_token")} | result for row in claimed]


async def until_waiting(observer: Session, session: Session, within: float = 20) -> None:
    """Until what the session has begun waits for somebody's lock."""
    async with asyncio.timeout(within):
        blocked = "select cardinality(pg_blocking_pids(%s)) as by"
        while not (await rows(observer, blocked, session.info.backend_pid))[0]["by"]:  # noqa: ASYNC110 - another's lock
            await asyncio.sleep(0.01)
