"""Who is on which topic."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from devstack.realtime.channel import Channel

Key = tuple[str, bool]  # a topic's name and whether it is private


class Topics:
    """All joined channels of the server."""

    def __init__(self) -> None:
        self._channels: dict[Key, list[Channel]] = defaultdict(list)

    def add(self, channel: Channel) -> None:
        self._channels[channel.key].append(channel)

    def remove(self, channel: Channel) -> None:
        """Doing it twice is fine."""
        remaining = [other for other in self._channels[channel.key] if other is not channel]
        if remaining:
            self._channels[channel.key] = remaining
        else:
            del self._channels[channel.key]

    def on(self, key: Key) -> list[Channel]:
        """The channels of one topic, in the order they joined."""
        return list(self._channels.get(key, ()))

    def named(self, name: str) -> list[Channel]:
        """Public and private channels of a name; `*` means all."""
        return [channel for channel in self if name in ("*", channel.name)]

    def __iter__(self) -> Iterator[Channel]:
        return iter([channel for channels in self._channels.values() for channel in channels])
