"""Presence: who is tracked on a topic, in the memory of this one node."""

from __future__ import annotations

import secrets
from collections import defaultdict
from typing import Any

from devstack.realtime.channel import Channel
from devstack.realtime.delivery import Delivery
from devstack.realtime.topics import Key, Topics

Meta = dict[str, Any]


class Presence:
    """Phoenix Presence: metas under keys, told to everyone on the topic as diffs of joins and leaves."""

    def __init__(self, topics: Topics, delivery: Delivery) -> None:
        self._topics = topics
        self._delivery = delivery
        self._tracked: dict[Key, dict[Channel, Meta]] = defaultdict(dict)

    def state(self, key: Key) -> dict[str, Any]:
        """All metas on a topic, as `presence_state` has them."""
        metas: dict[str, Any] = {}
        for channel, meta in self._tracked.get(key, {}).items():
            metas.setdefault(channel.settings.presence_key, {"metas": []})["metas"].append(meta)
        return metas

    def track(self, channel: Channel, payload: dict[str, Any]) -> None:
        """First time a join, later an update: the old meta leaves, the new one names it in `phx_ref_prev`."""
        before = self._tracked[channel.key].get(channel)
        if before is not None and channel.tracked == payload:
            return  # copied: an unchanged payload is no news
        meta = {**payload, "phx_ref": secrets.token_urlsafe(12)}
        if before is not None:
            meta["phx_ref_prev"] = before["phx_ref"]
        channel.tracked = payload
        self._tracked[channel.key][channel] = meta
        self._tell(channel, joined=meta, left=before)

    def untrack(self, channel: Channel) -> None:
        """Also when a channel closes; nothing happens if it was not tracked."""
        left = self._tracked[channel.key].pop(channel, None)
        if not self._tracked[channel.key]:
            del self._tracked[channel.key]
        channel.tracked = None
        if left is not None:
            self._tell(channel, joined=None, left=left)

    def _tell(self, about: Channel, joined: Meta | None, left: Meta | None) -> None:
        def entry(meta: Meta | None) -> dict[str, Any]:
            return {} if meta is None else {about.settings.presence_key: {"metas": [meta]}}

        diff = {"joins": entry(joined), "leaves": entry(left)}
        for channel in self._topics.on(about.key):
            if not channel.settings.private or channel.policies.read_presence:
                self._delivery.deliver(channel, "presence_diff", diff)
