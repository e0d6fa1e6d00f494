"""One joined channel: its settings, who joined it, and the frames the server sends on it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from devstack.keys import Caller
from devstack.realtime.phoenix import Frame

TOPIC_PREFIX = "realtime:"


@dataclass(frozen=True)
class Settings:
    """`payload.config` of a join, with the real service's defaults."""

    private: bool
    acknowledge: bool
    receive_own: bool
    replay: Any
    replication_ready: bool
    presence_enabled: bool
    presence_key: str
    postgres_changes: list[dict[str, Any]]

    @classmethod
    def of(cls, config: Any) -> Settings:
        """Parse leniently: what is missing or null is off."""
        config = config if isinstance(config, dict) else {}
        broadcast = config.get("broadcast") or {}
        presence = config.get("presence") or {}
        return cls(
            private=bool(config.get("private")),
            acknowledge=bool(broadcast.get("ack")),
            receive_own=bool(broadcast.get("self")),
            replay=broadcast.get("replay"),
            replication_ready=bool(broadcast.get("replication_ready")),
            presence_enabled=bool(presence.get("enabled")),
            presence_key=str(presence.get("key") or uuid.uuid1()),
            postgres_changes=[entry for entry in config.get("postgres_changes") or [] if isinstance(entry, dict)],
        )


@dataclass
class Policies:
    """What the policies on realtime.messages allow on a private channel. None: not asked yet."""

    read_broadcast: bool | None = None
    read_presence: bool | None = None
    write_broadcast: bool | None = None
    write_presence: bool | None = None


@dataclass(eq=False)
class Channel:
    """Lives from a join's `ok` to its close. `push` puts a frame on the socket and never waits."""

    topic: str
    join_ref: str | None
    settings: Settings
    caller: Caller
    policies: Policies
    push: Callable[[Frame], None]
    presence_enabled: bool = False
    tracked: Any = None
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    expiry: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """The topic as users and policies know it."""
        return self.topic.removeprefix(TOPIC_PREFIX)

    @property
    def key(self) -> tuple[str, bool]:
        """What broadcasts are addressed to: private and public channels of one name never meet."""
        return self.name, self.settings.private

    def event(self, event: str, payload: Any) -> Frame:
        """A frame as the server's fan-out sends it: without refs."""
        return Frame(self.topic, event, payload)

    def send(self, event: str, payload: Any) -> None:
        """A frame of the channel itself."""
        self.push(Frame(self.topic, event, payload, join_ref=self.join_ref))

    def reply(self, ref: str | None, status: str = "ok", response: Any = None) -> None:
        """The answer to one of the client's messages."""
        payload = {"status": status, "response": response if response is not None else {}}
        self.push(Frame(self.topic, "phx_reply", payload, ref, self.join_ref))

    def system(self, extension: str, status: str, message: str) -> None:
        """News about the channel, in the four keys that clients validate."""
        self.send("system", {"extension": extension, "status": status, "message": message, "channel": self.name})

    def spawn(self, task: asyncio.Task[None]) -> None:
        """Tie a task to the channel's life."""
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def stop(self) -> None:
        """Cancel what runs for the channel. Nothing is sent."""
        if self.expiry:
            self.expiry.cancel()
        for task in list(self.tasks):
            task.cancel()
