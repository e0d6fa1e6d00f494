"""The way events take to a channel, and how it can be made as bad as the real one at its worst."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import Any

from devstack.realtime.channel import Channel
from devstack.realtime.phoenix import Frame


@dataclass
class Faults:
    """What is wrong at the moment. Replies and heartbeats are never touched: a client cannot notice."""

    silent: bool = False
    delay_ms: int = 0
    loss: float = 0.0
    refuse_connections: bool = False


class Delivery:
    """Sends events (changes, broadcasts, presence) unless told to be unkind, and counts."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.delivered = 0
        self.lost = 0

    def deliver(self, channel: Channel, event: str, payload: Any) -> None:
        """Put an event on the channel's socket, late or not at all if so ordered."""
        if self.faults.silent or random.random() < self.faults.loss:
            self.lost += 1
            return
        self.delivered += 1
        frame: Frame = channel.event(event, payload)
        if self.faults.delay_ms:
            asyncio.get_running_loop().call_later(self.faults.delay_ms / 1000, channel.push, frame)
        else:
            channel.push(frame)
