"""The whole simulated WhatsApp: its parts, put together once."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from devstack.provider.behaviour import Behaviour, Scoped, WebhookFaults
from devstack.provider.clock import Clock
from devstack.provider.deliveries import Deliveries
from devstack.provider.faults import Faults
from devstack.provider.media import MediaStore
from devstack.provider.numbers import Numbers
from devstack.provider.rates import Rates
from devstack.provider.records import ApiRequest, Ring, Sent
from devstack.provider.signups import Signups
from devstack.provider.statuses import Statuses
from devstack.provider.templates import Templates


class Forgetful(Protocol):
    """A part with a memory per number; None is everyone's."""

    def forget(self, phone_number_id: str | None) -> None: ...


@dataclass
class Provider:
    """Everything there is to know and to remember. `directory` holds the media bytes."""

    directory: Path
    clock: Clock = field(default_factory=Clock)
    numbers: Numbers = field(default_factory=Numbers)
    templates: Templates = field(default_factory=Templates)
    faults: Faults = field(default_factory=Faults)
    rates: Rates = field(default_factory=Rates)
    signups: Signups = field(default_factory=Signups)
    behaviour: Scoped[Behaviour] = field(default_factory=lambda: Scoped(Behaviour))
    webhook_faults: Scoped[WebhookFaults] = field(default_factory=lambda: Scoped(WebhookFaults))
    requests: Ring[ApiRequest] = field(default_factory=Ring)
    sent: Ring[Sent] = field(default_factory=Ring)

    def __post_init__(self) -> None:
        self.order = itertools.count(1)
        self.media = MediaStore(self.directory, self.clock)
        self.deliveries = Deliveries(self.numbers, self.clock, self.behaviour, self.webhook_faults)
        self.statuses = Statuses(self.clock, self.behaviour, self.deliveries)

    def reset(self, phone_number_id: str | None) -> None:
        """One number as if just registered (its webhook stays), or everything as if just started."""
        self.statuses.call_off(phone_number_id)
        self.deliveries.call_off(phone_number_id)
        parts: tuple[Forgetful, ...] = (
            self.requests,
            self.sent,
            self.clock,
            self.faults,
            self.behaviour,
            self.webhook_faults,
            self.media,
            self.signups,
        )
        for part in parts:
            part.forget(phone_number_id)
        for number in self.numbers.all():
            if phone_number_id in (None, number.phone_number_id):
                number.forget()
                self.rates.forget(number.phone_number_id)
        if phone_number_id is None:
            self.templates.forget()
            self.numbers.forget()


PROVIDER = web.AppKey("provider", Provider)
