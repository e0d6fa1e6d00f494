"""A signed-in person of a workspace: everything a frontend does with Wabase, which is Supabase and nothing else."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import httpx
from postgrest import AsyncSelectRequestBuilder
from postgrest.exceptions import APIError
from realtime import RealtimePostgresChangesListenEvent as ChangeEvent
from storage3.exceptions import StorageApiError

from examples.demo.settings import Settings
from examples.demo.waiting import Doorbell, NotSeen
from supabase import AsyncClient, AsyncClientOptions, acreate_client

Row = dict[str, Any]

BUCKET = "whatsapp-media"
SUBSCRIBE_SECONDS = 5.0


class Query(Protocol):
    """A request of postgrest-py, ready to go."""

    async def execute(self) -> Any: ...


async def rows_of(query: Query) -> list[Row]:
    """What a query answers. Raises APIError, whose `code` is the SQLSTATE."""
    return cast(list[Row], (await query.execute()).data)


async def refusal_of(attempt: Awaitable[object]) -> str | None:
    """The code an attempt is refused with, in tables or in Storage; None when it was let through."""
    try:
        await attempt
    except (APIError, StorageApiError) as refusal:
        return str(refusal.code)
    return None


@asynccontextmanager
async def supabase(url: str, key: str) -> AsyncIterator[AsyncClient]:
    """A client over one pool of connections. Its Realtime tries for ever; by default it gives up after 15 seconds."""
    async with httpx.AsyncClient(timeout=30, follow_redirects=True) as transport:
        options = AsyncClientOptions(httpx_client=transport, persist_session=False, realtime={"max_retries": 1_000_000})
        client = await acreate_client(url, key, options)
        try:
            yield client
        finally:
            await client.realtime.close()


@asynccontextmanager
async def signed_up(settings: Settings, name: str) -> AsyncIterator[Agent]:
    """A new user of the project, signed in. They belong to no workspace yet."""
    async with supabase(settings.supabase_url, settings.supabase_anon_key) as client:
        address, password = f"{name.lower()}-{secrets.token_hex(4)}@example.com", secrets.token_urlsafe(16)
        answer = await client.auth.sign_up({"email": address, "password": password})
        if answer.user is None or answer.session is None:
            raise NotSeen("the project wants e-mail addresses confirmed before a session, which a demo cannot do")
        yield Agent(client, answer.user.id, address, password)


class Agent:
    """Reads and writes as the user; row level security decides what is there."""

    def __init__(self, client: AsyncClient, user_id: str, address: str, password: str) -> None:
        self._client = client
        self.user_id = user_id
        self.address = address
        self.password = password

    async def listen(self, doorbell: Doorbell) -> None:
        """Rings for every change of a message or conversation that the user may see. Deaf is fine: we poll too."""
        channel = self._client.channel("inbox")
        for table in ("messages", "conversations"):
            channel.on_postgres_changes(ChangeEvent.All, doorbell.ring, table=table, schema="public")
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(channel.subscribe(), SUBSCRIBE_SECONDS)

    async def set_credential(self, connection_id: str, api_key: str) -> None:
        """Owners and admins only. It goes into Vault and never comes back."""
        arguments = {"connection_id": connection_id, "credential": api_key}
        await self._client.rpc("set_connection_credential", arguments).execute()

    async def conversations(self) -> list[Row]:
        """The inbox, newest first."""
        return await rows_of(self._select("conversations").order("last_message_at", desc=True))

    async def conversation_with(self, phone: str) -> Row | None:
        return _first(await rows_of(self._select("conversations").eq("phone", phone)))

    async def mark_as_read(self, conversation_id: str) -> None:
        await self._client.rpc("mark_as_read", {"conversation_id": conversation_id}).execute()

    async def messages(self) -> list[Row]:
        """The newest of all conversations."""
        return await rows_of(self._select("messages").order("seq", desc=True).limit(50))

    async def message(self, column: str, value: str) -> Row | None:
        """By `id`, or by `wamid`, the name that WhatsApp gives it."""
        return _first(await rows_of(self._select("messages").eq(column, value)))

    async def send(self, conversation_id: str, kind: str, content: Row) -> Row:
        """The whole of sending: one insert. What becomes of it is seen in the row's status."""
        message = {"conversation_id": conversation_id, "type": kind, "content": content}
        return (await rows_of(self._client.table("messages").insert(message)))[0]

    async def download(self, path: str) -> bytes:
        return await self._client.storage.from_(BUCKET).download(path)

    def _select(self, table: str) -> AsyncSelectRequestBuilder:
        return self._client.table(table).select("*")


def _first(rows: list[Row]) -> Row | None:
    return rows[0] if rows else None
