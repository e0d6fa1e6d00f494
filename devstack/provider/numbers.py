"""The business side: numbers with their credentials, the WABAs they belong to, and who receives their webhooks."""

from __future__ import annotations

from dataclasses import dataclass, field

from pydantic import BaseModel, ConfigDict, PositiveInt

from devstack.provider.records import Recent
from devstack.provider.targets import HeaderWebhook, MetaApp, Target


class Registration(BaseModel):
    """What a test registers a number with; fields that are not given stay as they are."""

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    waba_id: str | None = None
    display_phone_number: str | None = None
    api_key: str | None = None
    access_token: str | None = None
    messages_per_second: PositiveInt | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """A message that either side sent, as far as reactions and read marks need it."""

    inbound: bool
    type: str
    at: float


@dataclass
class Number:
    """A business phone number. `windows` says when each user (wa_id or BSUID) last wrote."""

    phone_number_id: str
    waba_id: str = "0"
    display_phone_number: str = "15550000000"
    api_key: str | None = None
    access_token: str | None = None
    messages_per_second: int = 80
    name: str = "Simulated business"
    pin: str | None = None
    webhook: HeaderWebhook | None = None
    windows: Recent[str, float] = field(default_factory=Recent)
    messages: Recent[str, Known] = field(default_factory=Recent)
    user_ids: Recent[str, str] = field(default_factory=Recent)
    attempts: Recent[str, int] = field(default_factory=Recent)

    def forget(self) -> None:
        """Nobody has written to or been written by this number yet."""
        for memory in (self.windows, self.messages, self.user_ids, self.attempts):
            memory.clear()

    @property
    def digits(self) -> str:
        """The number as webhooks and comparisons use it."""
        return "".join(filter(str.isdigit, self.display_phone_number))


@dataclass
class Waba:
    """A WhatsApp Business Account. Numbers with an access token have the Meta app subscribed to it."""

    webhook: HeaderWebhook | None = None
    subscribed: bool = False


class Numbers:
    """Finds numbers by id and by credential, and their webhook's target."""

    def __init__(self) -> None:
        self._numbers: dict[str, Number] = {}
        self._by_key: dict[str, Number] = {}
        self._wabas: dict[str, Waba] = {}
        self.apps: dict[str | None, MetaApp] = {}

    def register(self, registration: Registration) -> Number:
        """Adds or updates. A new 360dialog key wipes the number's webhook, as it does at 360dialog."""
        given = registration.model_dump(exclude_none=True)
        number = self._numbers.setdefault(registration.phone_number_id, Number(registration.phone_number_id))
        if number.api_key and given.get("api_key", number.api_key) != number.api_key:
            number.webhook = None
        for name, value in given.items():
            setattr(number, name, value)
        self._by_key = {n.api_key: n for n in self._numbers.values() if n.api_key}
        if "access_token" in given:
            self.waba(number.waba_id).subscribed = True
        return number

    def get(self, phone_number_id: str) -> Number | None:
        return self._numbers.get(phone_number_id)

    def all(self) -> list[Number]:
        return list(self._numbers.values())

    def by_api_key(self, api_key: str) -> Number | None:
        return self._by_key.get(api_key)

    def by_access_token(self, token: str) -> list[Number]:
        """A system user's token may reach several numbers."""
        return [number for number in self._numbers.values() if number.access_token == token]

    def in_waba(self, waba_id: str) -> list[Number]:
        return [number for number in self._numbers.values() if number.waba_id == waba_id]

    def waba(self, waba_id: str) -> Waba:
        return self._wabas.setdefault(waba_id, Waba())

    def target_of(self, number: Number) -> Target | None:
        """The number's webhook wins over its WABA's, and both over the Meta app of the WABA, or of all WABAs."""
        waba = self.waba(number.waba_id)
        app = self.apps.get(number.waba_id) or self.apps.get(None)
        return number.webhook or waba.webhook or (app if waba.subscribed else None)

    def forget(self) -> None:
        for known in (self._numbers, self._by_key, self._wabas, self.apps):
            known.clear()
