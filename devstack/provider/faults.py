"""Faults on demand: rules that pick calls, and what befalls the calls they pick."""

from __future__ import annotations

from random import Random
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveInt,
    PrivateAttr,
    model_validator,
)

Operation = Literal[
    "*",
    "messages",
    "mark_read",
    "media",
    "media_lookup",
    "media_delete",
    "download",
    "templates",
    "webhook_config",
    "health",
    "phone_number",
    "subscribed_apps",
    "phone_numbers",
    "register",
]


class Stall(BaseModel):
    """A body that stops in the middle and goes on after some seconds."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    after_bytes: NonNegativeInt = 0
    seconds: NonNegativeFloat = 60


class Action(BaseModel):
    """What befalls a call. Several may be given at once.

    hang       nothing is processed for so many seconds; a caller who has left by then is not served
    cut        the connection is cut "before" anything is processed, or "after": the message is sent, the answer lost
    error      refused with this code (`status` and `details` replace the usual ones)
    http       a bare HTTP status with `body`: text, or an object for JSON
    failed     accepted, then reported as failed with this code (messages only)
    delay_ms   processed at once, answered late
    redirect   to this location, by 302 or the status in `http`; nothing is processed
    truncate   the body ends after so many bytes although Content-Length promised more
    stall      the body stops in the middle for a while
    drip       the body comes at so many bytes a second, a tenth of a second's worth at a time
    append     so many bytes more than there are, by chunked encoding: the answer itself names no length
    encoding   "gzip": the body goes compressed, whatever the caller accepts
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    hang: NonNegativeFloat = 0
    cut: Literal["before", "after"] | None = None
    error: int | None = None
    status: int | None = None
    details: str | None = None
    http: int | None = None
    body: Any = ""
    retry_after: int | None = None
    failed: int | None = None
    delay_ms: NonNegativeInt = 0
    truncate: NonNegativeInt | None = None
    stall: Stall | None = None
    redirect: str | None = None
    drip: PositiveInt | None = None
    append: PositiveInt | None = None
    encoding: Literal["gzip"] | None = None

    @model_validator(mode="after")
    def _does_something(self) -> Action:
        if not self.model_fields_set - {"status", "details", "body", "retry_after"}:
            raise ValueError("an action must say what happens")
        return self

    @property
    def disturbs_body(self) -> bool:
        """Whether an answer has to go as a stream for it."""
        return self.truncate is not None or bool(self.stall or self.drip or self.append or self.encoding)

    @property
    def name(self) -> str:
        """For the record of the call."""
        return "+".join(sorted(self.model_fields_set))


# Befalls a call that no rule picks.
NOTHING = Action(delay_ms=0)


class Rule(BaseModel):
    """Picks calls: the first rule that matches and still has `times` left wins."""

    model_config = ConfigDict(extra="forbid")

    on: Operation
    phone_number_id: str | None = None
    to: str | None = None
    times: PositiveInt | None = None
    probability: float = 1.0
    seed: int | None = None
    action: Action
    hits: int = 0
    _random: Random | None = PrivateAttr(default=None)

    def picks(self, operation: str, phone_number_id: str | None, to: str | None) -> bool:
        wanted = (
            self.on in ("*", operation)
            and self.phone_number_id in (None, phone_number_id)
            and self.to in (None, to)
            and (self.times is None or self.hits < self.times)
        )
        return wanted and self._falls()

    def _falls(self) -> bool:
        if self.probability >= 1:
            return True
        self._random = self._random or Random(self.seed)
        return self._random.random() < self.probability


class Faults:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def choose(self, operation: str, phone_number_id: str | None, to: str | None) -> Action | None:
        for rule in self.rules:
            if rule.picks(operation, phone_number_id, to):
                rule.hits += 1
                return rule.action
        return None

    def forget(self, phone_number_id: str | None) -> None:
        """All rules, or those of one number."""
        self.rules = [] if phone_number_id is None else [r for r in self.rules if r.phone_number_id != phone_number_id]
