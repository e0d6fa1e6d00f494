"""What becomes of a file that could not be fetched or stored: by kind of failure, as a table."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from store.errors import Rejected, StoreError
from whatsapp.errors import ErrorClass, NotSent, OutcomeUnknown, Refused
from whatsapp.provider import ForeignHost, Redirected
from worker.backoff import backoff
from worker.clients import NoCredential
from worker.proof import Corrupt, TooLarge

Row = dict[str, Any]

LONGEST_WAIT_SECONDS = 600.0
# However long WhatsApp says: the file may be gone by then.
LONGEST_SAID_SECONDS = 3600.0
# For how long what WhatsApp says to one file is taken as said to all of its number, at most.
LONGEST_HELD_SECONDS = 60.0
# How many files' failures are counted at one time; the oldest are forgotten.
REMEMBERED = 10_000


class Stale(Exception):
    """A 404 that says nothing of the file: its address is too old or not there yet, or a gateway has no route."""


@dataclass(frozen=True, slots=True)
class Rule:
    """`tries` of this kind end the file as `outcome`; None: until its deadline, where the sweep ends it.

    `wait_seconds` come before the second try and double with each further one, up to ten minutes.
    """

    tries: int | None = None
    outcome: str = "failed"
    wait_seconds: float = 2.0


# Judged, not promised by anybody: 360dialog asks not to repeat quickly what is answered with an error, and Meta's media
# reference says of a 404 download: ask for a new address, then look at the token.
RULES = {
    "unavailable": Rule(),
    "unexpected": Rule(),
    "auth": Rule(wait_seconds=300.0),
    "no_credential": Rule(wait_seconds=300.0),
    "paused": Rule(wait_seconds=300.0),
    "corrupt": Rule(2, "corrupt"),
    "gone": Rule(2, "expired"),
    "stale": Rule(12, "expired"),
    "refused": Rule(3, wait_seconds=120.0),
    "too_large": Rule(1),
    "wrong_type": Rule(1),
    "foreign_host": Rule(1),
    "redirected": Rule(1),
}
_KINDS: tuple[tuple[type[BaseException], str], ...] = (
    (Corrupt, "corrupt"),
    (TooLarge, "too_large"),
    (Stale, "stale"),
    (Redirected, "redirected"),
    (ForeignHost, "foreign_host"),
    (NoCredential, "no_credential"),
    (StoreError, "unavailable"),
    (NotSent, "unavailable"),
    (OutcomeUnknown, "unavailable"),
    # No room for the temporary file: everything on the wire has an error of its own.
    (OSError, "unavailable"),
)
_KIND_OF_CLASS = {
    ErrorClass.RETRY: "unavailable",
    ErrorClass.THROTTLE: "unavailable",
    ErrorClass.AUTH: "auth",
    ErrorClass.PAUSE: "paused",
}
# How WhatsApp says, beside 404, that it does not know a media id.
_UNKNOWN_ID = 100


def kind_of(error: Exception) -> str:
    """The key into RULES."""
    if isinstance(error, Refused):
        if 300 <= error.status < 400:
            return "redirected"
        if error.status == 404 and error.code is None:
            return "stale"
        if error.status == 404 or error.code == _UNKNOWN_ID:
            return "gone"
        return _KIND_OF_CLASS.get(error.error_class, "refused")
    if isinstance(error, Rejected) and error.code in RULES:
        return error.code
    return next((kind for known, kind in _KINDS if isinstance(error, known)), "unexpected")


_FREE: tuple[float, Refused | None] = (0.0, None)


class Failures:
    """Turns errors into results, and counts how often a file has failed for each reason.

    The counts are this process's own: another one that gets the file begins anew. One try too many harms nobody, while
    the attempts of the queue's row also count the hours in which Storage was away, and would give a file up too early.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[str, dict[str, int]] = OrderedDict()
        self._busy: dict[str, tuple[float, Refused | None]] = {}

    def check(self, job: Row) -> None:
        """Raises what WhatsApp has just said to another file of the number: too busy, and so it is for this one."""
        until, error = self._busy.get(job["connection_id"], _FREE)
        if error and time.monotonic() < until:
            # It is raised again and again: without this each time would stay with it.
            raise error.with_traceback(None)

    def result(self, job: Row, error: Exception) -> Row:
        """What to record: `retry`, or the end that the rule says."""
        kind = kind_of(error)
        rule, count = RULES[kind], self._count(job["message_id"], kind)
        told = {"error": {"code": _code(kind, error), "title": title_of(error)}}
        if rule.tries is not None and count >= rule.tries:
            self.forget(job)
            return {"outcome": rule.outcome, **told}
        # What is not counted out has perhaps failed at other workers as often.
        tries = count if rule.tries else max(count, job["attempts"])
        wait = backoff(tries, rule.wait_seconds, LONGEST_WAIT_SECONDS)
        if isinstance(error, Refused):
            wait = max(wait, min(error.retry_after or 0.0, LONGEST_SAID_SECONDS), error.rule.wait_seconds)
            if error.error_class is ErrorClass.THROTTLE:
                self._hold(job["connection_id"], wait, error)
        return {"outcome": "retry", "retry_after": wait, **told}

    def _hold(self, connection_id: str, wait: float, error: Refused) -> None:
        """Who was told so by `check` makes it no longer."""
        now = time.monotonic()
        if now >= self._busy.get(connection_id, _FREE)[0]:
            self._busy[connection_id] = (now + min(wait, LONGEST_HELD_SECONDS), error.with_traceback(None))

    def forget(self, job: Row) -> None:
        """The file has ended."""
        self._counts.pop(job["message_id"], None)

    def _count(self, message_id: str, kind: str) -> int:
        counts = self._counts.setdefault(message_id, {})
        counts[kind] = counts.get(kind, 0) + 1
        self._counts.move_to_end(message_id)
        while len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return counts[kind]


def _code(kind: str, error: Exception) -> str:
    if isinstance(error, Refused) and kind in ("refused", "auth", "paused", "unavailable"):
        return str(error.code or error.status)
    return "gone" if kind == "stale" else kind


def title_of(error: BaseException) -> str:
    """What may be told and logged of an error: no address with its signature, no number of anybody."""
    text = error.title if isinstance(error, Refused) else str(error)
    return re.sub(r"[a-z]+://\S+|\+?\d{7,}", "…", text, flags=re.IGNORECASE)[:200] or type(error).__name__
