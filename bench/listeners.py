"""Browsers that listen: so many members of one workspace, each with a socket and a token of their own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jwt
from realtime import AsyncRealtimeClient
from realtime.types import RealtimePostgresChangesListenEvent

from bench.project import Project
from bench.receivers import ReceiverFailure

LIVE_LIMIT = 60.0
SILENCE_LIMIT = 30.0
# More at once wait for each other's subscriptions to be checked.
AT_ONCE = 10


@dataclass
class Listeners:
    """How many messages each of them has heard of."""

    heard: list[int] = field(default_factory=list)
    live: list[asyncio.Event] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def ready(self, number: int) -> None:
        self.live[number].set()

    def hear(self, number: int) -> None:
        self.heard[number] += 1
        self._news.set()

    async def all_have_heard(self, messages: int) -> None:
        """Until then, or until nothing is heard any more: at most once is what Realtime promises."""
        with contextlib.suppress(TimeoutError):
            while min(self.heard, default=messages) < messages:
                self._news.clear()
                await asyncio.wait_for(self._news.wait(), SILENCE_LIMIT)


@asynccontextmanager
async def listening(
    project: Project, workspace_id: str, users: list[str], *, by_broadcast: bool
) -> AsyncIterator[Listeners]:
    """Every one subscribed, by the publication to new messages or to the workspace's private topic."""
    listeners = Listeners([0] * len(users), [asyncio.Event() for _ in users])
    clients: list[AsyncRealtimeClient] = []
    turns = asyncio.Semaphore(AT_ONCE)

    async def sit_down(number: int) -> None:
        async with turns:
            client = AsyncRealtimeClient(f"{project.url}/realtime/v1", project.anon_key, auto_reconnect=False)
            clients.append(client)
            await client.connect()
            await client.set_auth(_token(project, users[number]))
            join = _broadcast if by_broadcast else _publication
            await join(client, workspace_id, number, listeners)
            await asyncio.wait_for(listeners.live[number].wait(), LIVE_LIMIT)

    try:
        try:
            await asyncio.gather(*(sit_down(number) for number in range(len(users))))
        except TimeoutError as error:
            raise ReceiverFailure(f"not all of {len(users)} listeners could subscribe") from error
        yield listeners
    finally:
        for client in clients:
            await client.close()


def _token(project: Project, user: str) -> str:
    claims = {"sub": user, "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, project.jwt_secret)


async def _publication(client: AsyncRealtimeClient, workspace_id: str, number: int, listeners: Listeners) -> None:
    channel = client.channel(f"inbox-{number}")

    def told(payload: Any) -> None:
        if getattr(payload, "extension", None) == "postgres_changes" and getattr(payload, "status", None) == "ok":
            listeners.ready(number)

    channel.on_system(told)
    channel.on_postgres_changes(
        RealtimePostgresChangesListenEvent.Insert,
        lambda _change: listeners.hear(number),
        table="messages",
        schema="public",
        filter=f"workspace_id=eq.{workspace_id}",
    )
    await channel.subscribe()


async def _broadcast(client: AsyncRealtimeClient, workspace_id: str, number: int, listeners: Listeners) -> None:
    config: Any = {"config": {"private": True, "broadcast": {"self": False, "ack": False}}}
    channel = client.channel(f"workspace:{workspace_id}", config)

    def joined(state: Any, _error: Any) -> None:
        if str(getattr(state, "value", state)) == "SUBSCRIBED":
            listeners.ready(number)

    channel.on_broadcast("message", lambda _payload: listeners.hear(number))
    channel.on_broadcast("conversation", lambda _payload: None)
    await channel.subscribe(joined)
