"""Postgres Changes: channels subscribe to tables of the publication and are told what is committed there."""

from __future__ import annotations

import asyncio
import logging
import random
from functools import partial

import psycopg

from devstack.database import Database
from devstack.realtime.bindings import PUBLICATION, BadBinding, check_binding, parse_binding
from devstack.realtime.channel import Channel
from devstack.realtime.delivery import Delivery
from devstack.realtime.feed import Feed
from devstack.realtime.pgoutput import Change
from devstack.realtime.slot import open_slot
from devstack.realtime.visibility import Subscription, events_of

log = logging.getLogger(__name__)

RESUBSCRIBE_DELAY = (1.0, 3.0)  # seconds, random between: after a lost slot and after a new token


class PostgresChanges:
    """At most once: nothing is buffered, nothing is repeated."""

    def __init__(self, database: Database, delivery: Delivery) -> None:
        self._database = database
        self._delivery = delivery
        self._channels: set[Channel] = set()
        self._subscriptions: dict[Channel, list[Subscription]] = {}
        self.feed = Feed(PUBLICATION, partial(open_slot, database.url, PUBLICATION), self._deliver, self._lost)

    def add(self, channel: Channel) -> None:
        """Subscribe in the background: the join's reply does not wait for Postgres."""
        if channel.settings.postgres_changes:
            self._channels.add(channel)
            self.feed.listen(channel)
            channel.spawn(asyncio.create_task(self._subscribe(channel)))

    def renew(self, channel: Channel) -> None:
        """Subscribe again a little later, as whoever the channel's caller is by then."""
        if channel in self._channels:
            channel.spawn(asyncio.create_task(self._subscribe_later(channel)))

    def remove(self, channel: Channel) -> None:
        """Doing it twice is fine."""
        self._channels.discard(channel)
        self._subscriptions.pop(channel, None)
        self.feed.unlisten(channel)

    async def _subscribe_later(self, channel: Channel) -> None:
        await asyncio.sleep(random.uniform(*RESUBSCRIBE_DELAY))
        await self._subscribe(channel)

    async def _subscribe(self, channel: Channel) -> None:
        try:
            subscriptions = await self._checked(channel)
        except BadBinding as error:
            self.remove(channel)
            channel.system("postgres_changes", "error", str(error))
        except psycopg.Error as error:
            log.warning("subscribing %s: %s", channel.name, error)
            self.renew(channel)
        else:
            self._subscriptions[channel] = subscriptions
            channel.system("postgres_changes", "ok", "Subscribed to PostgreSQL")

    async def _checked(self, channel: Channel) -> list[Subscription]:
        caller = channel.caller
        bindings = [parse_binding(parameters) for parameters in channel.settings.postgres_changes]
        await self.feed.live()
        async with self._database.as_admin() as connection:
            for binding in bindings:
                await check_binding(connection, binding, caller)
        return [Subscription(channel, binding, caller) for binding in bindings]

    def _lost(self) -> None:
        """Copied: subscriptions go with the slot; every channel subscribes anew a little later."""
        subscribed = list(self._subscriptions)
        self._subscriptions.clear()
        for channel in subscribed:
            self.renew(channel)

    async def _deliver(self, changes: list[Change]) -> None:
        subscriptions = [subscription for of_channel in self._subscriptions.values() for subscription in of_channel]
        if not subscriptions:
            return
        async with self._database.as_admin() as connection:
            events = await events_of(connection, changes, subscriptions)
        for event in events:
            self._delivery.deliver(event.channel, "postgres_changes", {"ids": event.ids, "data": event.data})
