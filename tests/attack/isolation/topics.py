"""Attacks on Realtime: changes of tables, and the topic of a workspace; who joins, who hears, who may speak."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import websockets

from tests.attack.isolation.surface import TABLES
from tests.attack.isolation.worlds import Actor, Attack, token
from tests.devstack.realtime.clients import Client, Event, PythonClient

WORKER = "wabase:worker"


@asynccontextmanager
async def listening(attack: Attack, actor: Actor) -> AsyncIterator[Client]:
    """A browser of somebody's, connected and in no channel yet."""
    client = PythonClient()
    bearer = token(attack.project, actor.user) if actor.user else None
    await client.connect(attack.project.url, attack.project.anon_key, bearer)
    try:
        yield client
    finally:
        await client.call("close")


async def joins(attack: Attack, actor: Actor, topic: str) -> bool:
    """Whether a private channel lets somebody in: the server's first answer, which libraries would ask for again."""
    server = attack.project.url.replace("http", "ws", 1)
    address = f"{server}/realtime/v1/websocket?apikey={attack.project.anon_key}&vsn=1.0.0"
    bearer = token(attack.project, actor.user) if actor.user else attack.project.anon_key
    join = {"config": {"private": True}, "access_token": bearer}
    frame = {"topic": f"realtime:{topic}", "event": "phx_join", "payload": join, "ref": "1", "join_ref": "1"}
    async with websockets.connect(address) as socket, asyncio.timeout(30):
        await socket.send(json.dumps(frame))
        async for text in socket:
            told = json.loads(text)
            if told["event"] == "phx_reply" and told["ref"] == "1":
                return bool(told["payload"]["status"] == "ok")
    return False


async def topics(attack: Attack) -> list[str]:
    """Members join their workspace's topic and nobody else does; nobody hears what rings for the worker."""
    home = f"workspace:{attack.home['workspace']}"
    others = ("workspace:", f"workspace:{attack.nowhere['workspace']}", attack.home["workspace"], WORKER)
    asked = [(actor, topic) for actor in attack.actors.values() for topic in (home, *others)]
    # All at once: a refusal takes its time.
    answers = await asyncio.gather(*(joins(attack, actor, topic) for actor, topic in asked))
    return [
        f"topic {'of home' if topic == home else topic}: {actor.name} {'joins' if joined else 'is refused'}"
        for (actor, topic), joined in zip(asked, answers, strict=True)
        if joined != (topic == home and actor.rank >= 1)
    ]


async def changes(attack: Attack) -> list[str]:
    """What tables tell their subscribers while home changes: members hear of it, others do not."""
    found = []
    published = [name for name, line in TABLES.items() if line.published]
    for actor in (actor for actor in attack.actors.values() if actor.rank < 2):
        async with listening(attack, actor) as client, listening(attack, attack.actors["owner"]) as witness:
            for name in published:
                binding: dict[str, Any] = {"event": "*", "schema": "public", "table": name}
                await client.join(name, [binding])
                await client.events.first(partial(_decided, name))
            await witness.joined("witness", {"event": "*", "schema": "public", "table": "conversations"})
            for body in ("first", "last"):
                # The second shows that the first has been delivered: changes come in the order of their commits.
                start = len(witness.events.all)
                await _change_home(attack, body)
                await witness.change("UPDATE", start, id=attack.home["conversation"], last_message_preview=body)
            heard = json.dumps([event for event in client.events.all if event["kind"] == "change"], default=str)
            shown = attack.knows(heard, attack.home)
            if bool(shown) != (actor.rank >= 1):
                found.append(f"changes: {actor.name} hears {shown} of home")
            if actor.rank >= 1 and "media_downloads" in heard:
                found.append(f"changes: {actor.name} hears a queue")
    return found


def _decided(topic: str, event: Event) -> bool:
    """Whether a channel's changes come from now on, or never: that it is joined says neither."""
    if event["topic"] != topic:
        return False
    return event["kind"] == "system" or (event["kind"] == "status" and event["data"]["status"] != "SUBSCRIBED")


async def _change_home(attack: Attack, body: str) -> None:
    await attack.session.execute(
        "insert into public.messages (workspace_id, conversation_id, direction, type, content, profile_name)"
        " values (%s, %s, 'inbound', 'text', jsonb_build_object('body', %s::text), %s)",
        [attack.home["workspace"], attack.home["conversation"], body, attack.home["marker"]],
    )
