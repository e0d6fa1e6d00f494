"""How the provider behaves when nothing is wrong, and what it does to webhooks: for all numbers, or for one."""

from __future__ import annotations

from random import Random
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, PositiveInt, PrivateAttr


class Behaviour(BaseModel):
    """The ordinary course of things. Retries of webhooks go on for ever unless limited (Meta: 7 days)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    statuses: tuple[Literal["sent", "delivered", "read", "played"], ...] = ("sent", "delivered", "read")
    status_delay_ms: NonNegativeInt = 20
    answer_delay_ms: NonNegativeInt = 0
    enforce_window: Literal["async", "sync", "off"] = "async"
    enforce_rates: bool = True
    max_batch: PositiveInt = Field(default=1, le=1000)
    retry_start_ms: PositiveInt = 200
    retry_cap_ms: PositiveInt = 5000
    retry_limit: PositiveInt | None = None
    webhook_timeout_ms: PositiveInt = 5000


class WebhookFaults(BaseModel):
    """What happens to webhooks between the provider and the receiver. Repeatable with a seed."""

    model_config = ConfigDict(extra="forbid")

    duplicate: NonNegativeInt = 0
    reorder: bool = False
    delay_ms: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)
    drop_first: NonNegativeInt = 0
    seed: int | None = None
    _random: Random | None = PrivateAttr(default=None)

    def delay(self) -> float:
        """Seconds until the first attempt. Reordering is delay enough to be overtaken by later ones."""
        if not self.reorder and self.delay_ms == (0, 0):
            return 0.0
        self._random = self._random or Random(self.seed)
        jitter = self._random.uniform(0, 0.25) if self.reorder else 0.0
        return jitter + self._random.uniform(*self.delay_ms) / 1000

    def drops(self) -> bool:
        """Whether this attempt is lost on the way; counts down."""
        if self.drop_first == 0:
            return False
        self.drop_first -= 1
        return True


M = TypeVar("M", bound=BaseModel)


class Scoped(Generic[M]):
    """Settings for everyone, with fields of their own for single numbers on top."""

    def __init__(self, model: type[M]) -> None:
        self._model = model
        self._fields: dict[str | None, dict[str, Any]] = {}
        self._merged: dict[str | None, M] = {None: model()}

    def of(self, phone_number_id: str | None) -> M:
        return self._merged.get(phone_number_id) or self._merged[None]

    def change(self, phone_number_id: str | None, fields: dict[str, Any]) -> M:
        """Sets these fields and keeps the others. Raises pydantic.ValidationError and then changes nothing."""
        changed = {**self._fields, phone_number_id: self._fields.get(phone_number_id, {}) | fields}
        # Only the scopes that are touched are built anew: counters and seeds of the other numbers go on.
        scopes = changed if phone_number_id is None else (phone_number_id,)
        merged = {scope: self._model(**(changed.get(None, {}) | changed[scope])) for scope in scopes}
        self._fields, self._merged = changed, self._merged | merged
        return self.of(phone_number_id)

    def forget(self, phone_number_id: str | None) -> None:
        if phone_number_id is None:
            self._fields, self._merged = {}, {None: self._model()}
        else:
            self._fields.pop(phone_number_id, None)
            self._merged.pop(phone_number_id, None)
