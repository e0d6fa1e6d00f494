"""Broadcast: messages to everyone on a topic, from clients, the REST endpoint, and `realtime.send`."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from devstack.database import Database
from devstack.realtime.channel import Channel
from devstack.realtime.delivery import Delivery
from devstack.realtime.feed import Feed
from devstack.realtime.pgoutput import Change, Row
from devstack.realtime.phoenix import UserBroadcast
from devstack.realtime.stream import open_stream
from devstack.realtime.tokens import Refused
from devstack.realtime.topics import Key, Topics

PUBLICATION = "supabase_realtime_messages_publication"
MAX_REPLAYED = 25

Message = dict[str, Any] | UserBroadcast


class Broadcasts:
    """Fans messages out; reads those that SQL wrote into realtime.messages through a stream of its own."""

    def __init__(self, database: Database, topics: Topics, delivery: Delivery) -> None:
        self._database = database
        self._topics = topics
        self._delivery = delivery
        self.feed = Feed(PUBLICATION, partial(open_stream, database.url, PUBLICATION), self._deliver)

    def send(self, key: Key, message: Message, sender: Channel | None = None) -> None:
        """To all on the topic who may read broadcasts, but not back to `sender`."""
        for channel in self._topics.on(key):
            denied = channel.settings.private and not channel.policies.read_broadcast
            if channel is not sender and not denied:
                self._delivery.deliver(channel, "broadcast", message)

    async def recent(self, channel: Channel) -> list[Message]:
        """What `config.broadcast.replay` asks for: private messages of the last hours, oldest first."""
        replay = channel.settings.replay
        if replay is None:
            return []
        if not channel.settings.private:
            raise Refused("UnableToReplayMessages", "Replay is not allowed for public channels")
        if not isinstance(replay, dict) or not isinstance(replay.get("since", 0), int):
            raise Refused("UnableToReplayMessages", "Replay params are not valid")
        async with self._database.as_admin() as connection:
            cursor = await connection.execute(
                """select id::text, event, payload::text, null as binary_payload from realtime.messages
                   where topic = %s and private and extension = 'broadcast' and payload is not null
                     and inserted_at >= to_timestamp(%s / 1000.0) at time zone current_setting('TimeZone')
                   order by inserted_at desc limit %s""",
                [
                    channel.name,
                    replay.get("since", 0),
                    min(int(replay.get("limit", MAX_REPLAYED)), MAX_REPLAYED),
                ],
            )
            rows = await cursor.fetchall()
        return [stored(row, {"replayed": True, "id": row["id"]}) for row in reversed(rows)]

    async def _deliver(self, changes: list[Change]) -> None:
        for change in changes:
            row = change.new
            has_payload = row.get("payload") is not None or row.get("binary_payload") is not None
            if change.action == "INSERT" and row["extension"] == "broadcast" and row["event"] and has_payload:
                key = str(row["topic"]), row["private"] == "t"
                self.send(key, stored(row, {"id": row["id"]}))


def stored(row: Row, meta: dict[str, Any]) -> Message:
    """A row of realtime.messages as a broadcast."""
    event, payload, binary = str(row["event"]), row["payload"], row["binary_payload"]
    if payload is None and binary is not None:
        return UserBroadcast(event, bytes.fromhex(binary.removeprefix("\\x")), is_json=False, metadata=meta)
    return {"type": "broadcast", "event": event, "payload": json.loads(payload or "null"), "meta": meta}
