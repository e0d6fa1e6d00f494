"""The service as one node: its parts, and how a channel comes and goes."""

from __future__ import annotations

import asyncio
import time

from devstack.context import Context
from devstack.realtime.authorization import Authorizer
from devstack.realtime.broadcast import Broadcasts
from devstack.realtime.changes import PostgresChanges
from devstack.realtime.channel import Channel
from devstack.realtime.delivery import Delivery
from devstack.realtime.phoenix import Frame
from devstack.realtime.presence import Presence
from devstack.realtime.tokens import Refused, confirm
from devstack.realtime.topics import Topics

LONGEST_TIMER = 3600.0  # a token is looked at again at least this often


class Node:
    """Everything channels share. One per stack, so there is no cluster to talk to."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.topics = Topics()
        self.delivery = Delivery()
        self.authorizer = Authorizer(context.database)
        self.presence = Presence(self.topics, self.delivery)
        self.broadcasts = Broadcasts(context.database, self.topics, self.delivery)
        self.changes = PostgresChanges(context.database, self.delivery)

    def open(self, channel: Channel) -> None:
        """Put a joined channel on its topic; the join's reply has been sent."""
        self.topics.add(channel)
        self.broadcasts.feed.listen(channel)
        self.changes.add(channel)
        self.watch_expiry(channel)
        if channel.settings.replication_ready:
            channel.spawn(asyncio.create_task(self._tell_when_ready(channel)))
        if channel.presence_enabled:
            self.sync_presence(channel)

    def forget(self, channel: Channel) -> None:
        """The channel is gone, its socket too or about to be told."""
        channel.stop()
        self.topics.remove(channel)
        self.broadcasts.feed.unlisten(channel)
        self.changes.remove(channel)
        self.presence.untrack(channel)

    def close(self, channel: Channel) -> None:
        """End a channel regularly: `phx_close`, after which clients do not rejoin by themselves."""
        self.forget(channel)
        channel.push(Frame(channel.topic, "phx_close", {}, channel.join_ref, channel.join_ref))

    def crash(self, channel: Channel) -> None:
        """End it as a dying channel process does: `phx_error`, after which clients rejoin."""
        self.forget(channel)
        channel.push(Frame(channel.topic, "phx_error", {}, channel.join_ref, channel.join_ref))

    def shut_down(self, channel: Channel, message: str) -> None:
        """Close it for a reason that is told first."""
        channel.system("system", "error", message)
        self.close(channel)

    def sync_presence(self, channel: Channel) -> None:
        """The whole state, once; diffs follow."""
        if not channel.settings.private or channel.policies.read_presence:
            channel.send("presence_state", self.presence.state(channel.key))

    def watch_expiry(self, channel: Channel) -> None:
        """Look at the channel's token again when it runs out."""
        if channel.expiry:
            channel.expiry.cancel()
        remaining = float(channel.caller.claims["exp"]) - time.time()
        loop = asyncio.get_running_loop()
        channel.expiry = loop.call_later(max(0.0, min(remaining, LONGEST_TIMER)), self._check_token, channel)

    def _check_token(self, channel: Channel) -> None:
        try:
            confirm(self.context.keys, channel.caller.token)
        except Refused as refused:
            self.shut_down(channel, str(refused))
        else:
            self.watch_expiry(channel)

    async def _tell_when_ready(self, channel: Channel) -> None:
        await self.broadcasts.feed.live()
        channel.system("system", "ok", "Replication connection established")
