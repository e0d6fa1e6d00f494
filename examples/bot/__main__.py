"""`python -m examples.bot` answers customers. Set SUPABASE_URL, SUPABASE_SERVICE_ROLE_KEY and BOT_WORKSPACE_ID.

It keeps nothing: what is unread and nobody's is to be answered, after a restart as well, and whoever is assigned takes
over. Two bots at once, or one killed half-way, answer once: the database takes a `client_reference` only once.
It needs `pip install supabase`; `database_types.py` is generated (`make types`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator
from typing import Any, cast

import httpx
from postgrest.exceptions import APIError
from realtime import RealtimePostgresChangesListenEvent as ChangeEvent

from examples.bot.database_types import PublicConversationListItem, PublicConversationMessage
from supabase import AsyncClient, AsyncClientOptions, acreate_client

SETTINGS = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "BOT_WORKSPACE_ID")
POLL_SECONDS = 20.0  # Realtime is a bell and not a queue: what it does not ring for is found by this
THERE_ALREADY = "23505"
WINDOW_CLOSED = "WA001"


def answer_to(message: PublicConversationMessage) -> str | None:
    """Your part: the words to answer with, or None to leave it to people."""
    content = message.content
    said = str(content.get("body", "")).lower() if isinstance(content, dict) else ""
    if "human" in said:
        return None
    return "We are open from nine to five." if "open" in said else "Thank you! Ask for a human, and one will answer."


async def unanswered(client: AsyncClient, workspace: str) -> AsyncIterator[PublicConversationListItem]:
    filters: dict[str, Any] = {"unread": True, "assignee": "nobody"}
    while page := await rows(client, "get_conversations", workspace_id=workspace, filters=filters):
        for row in page:
            yield PublicConversationListItem.model_validate(row)
        filters["cursor"] = page[-1]["cursor"]


async def answer(client: AsyncClient, conversation: PublicConversationListItem) -> None:
    """Looks again after it has marked what it answered as read: more may have come meanwhile."""
    thread, answered = str(conversation.id), None
    while True:
        found = await rows(client, "get_conversation_messages", conversation_id=thread)
        messages = [PublicConversationMessage.model_validate(row) for row in found]
        newest = next((message for message in messages if message.direction == "inbound"), None)
        words = answer_to(newest) if newest and newest.id != answered else None
        if newest is None or words is None:
            return
        row = {"conversation_id": thread, "type": "text", "content": {"body": words}}
        try:
            await client.table("messages").insert(row | {"client_reference": f"bot {newest.id}"}).execute()
        except APIError as refusal:
            if refusal.code == WINDOW_CLOSED:
                return
            if refusal.code != THERE_ALREADY:
                raise
        await client.rpc("mark_as_read", {"conversation_id": thread}).execute()
        answered = newest.id


async def rows(client: AsyncClient, function: str, **arguments: Any) -> list[Any]:
    return cast(list[Any], (await client.rpc(function, arguments).execute()).data)


async def main() -> None:
    missing = [name for name in SETTINGS if not os.environ.get(name)]
    if missing:
        sys.exit(f"Not set: {', '.join(missing)}. Export them and start the bot again.")
    url, key, workspace = (os.environ[name] for name in SETTINGS)
    client = await acreate_client(url, key, AsyncClientOptions(realtime={"max_retries": 1_000_000}))
    bell = asyncio.Event()
    await (
        client.channel("bot")
        .on_postgres_changes(
            *(ChangeEvent.Insert, lambda _event: bell.set(), "messages", "public", f"workspace_id=eq.{workspace}")
        )
        .subscribe()
    )
    print("The bot listens.", flush=True)
    while True:
        bell.clear()
        try:
            async for conversation in unanswered(client, workspace):
                await answer(client, conversation)
        except (APIError, httpx.HTTPError) as trouble:
            print(f"Supabase did not answer ({type(trouble).__name__}): once more in {POLL_SECONDS:g} s.", flush=True)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(bell.wait(), POLL_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
