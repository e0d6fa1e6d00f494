"""What can go wrong with WhatsApp, and what to do about each code.

WhatsAppError
├── NotSent          the request never left this machine: safe to send again
├── OutcomeUnknown   the request may have arrived: never to be repeated blindly
└── Refused          the provider answered with an error; `.code` and `.error_class` say which
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class ErrorClass(StrEnum):
    """What an error asks for."""

    RETRY = "RETRY"  # transient: back off and send again
    THROTTLE = "THROTTLE"  # too fast for the number or the pair
    PERMANENT = "PERMANENT"  # this message is dead
    PAUSE = "PAUSE"  # the number is stopped at the provider
    AUTH = "AUTH"  # the credential is not accepted
    WINDOW = "WINDOW"  # only a template may be sent
    SUPPRESS = "SUPPRESS"  # the recipient does not want or cannot get this
    TEMPLATE = "TEMPLATE"  # the template is missing, paused or disabled


class WhatsAppError(Exception):
    """Base of everything this package raises."""


class NotSent(WhatsAppError):
    """No connection came about; nothing was transmitted."""


class OutcomeUnknown(WhatsAppError):
    """The answer was lost or makes no sense; WhatsApp may have accepted the request."""


class Refused(WhatsAppError):
    """The provider said no."""

    def __init__(self, status: int, error: dict[str, Any], retry_after: float | None = None) -> None:
        self.status = status
        self.code: int | None = error.get("code")
        self.title = str(error.get("title") or error.get("message") or f"HTTP {status}")
        self.details: str | None = error.get("details")
        self.error_class = classify(self.code, status)
        self.retry_after = retry_after
        super().__init__(f"{self.code or status}: {self.title}")

    def as_json(self) -> dict[str, Any]:
        """The shape of `messages.error`."""
        shown = {
            "code": self.code if self.code is not None else self.status,
            "title": self.title,
            "details": self.details,
            "class": str(self.error_class),
            "remedy": REMEDIES[self.error_class],
        }
        return {key: value for key, value in shown.items() if value is not None}


# Meta's error code reference; the class is our judgement.
_CLASSES: dict[ErrorClass, tuple[int, ...]] = {
    ErrorClass.RETRY: (1, 2, 131000, 131016, 131057, 133004, 134101, 135000, 2494100),
    ErrorClass.THROTTLE: (4, 613, 80007, 130429, 131048, 131056),
    ErrorClass.AUTH: (0, 3, 10, 190, 131005, *range(200, 300)),
    ErrorClass.PAUSE: (33, 368, 131031, 131037, 131042, 131044, 131045, 131064, 133010),
    ErrorClass.WINDOW: (131047,),
    ErrorClass.SUPPRESS: (131050, 130497),
    ErrorClass.TEMPLATE: (132001, 132007, 132015, 132016, 132068, 132069),
}
_CLASS_OF = {code: error_class for error_class, codes in _CLASSES.items() for code in codes}

REMEDIES: dict[ErrorClass, str] = {
    ErrorClass.RETRY: "It is tried again by itself.",
    ErrorClass.THROTTLE: "It waits and goes out by itself.",
    ErrorClass.PERMANENT: "Correct the message and send it anew.",
    ErrorClass.PAUSE: "Look at the number in WhatsApp Manager, then resume the connection.",
    ErrorClass.AUTH: "Set a valid credential for the connection.",
    ErrorClass.WINDOW: "Send a template; the customer has not written for 24 hours.",
    ErrorClass.SUPPRESS: "Do not send this to this recipient.",
    ErrorClass.TEMPLATE: "Check the template's state and language.",
}


def classify(code: int | None, status: int) -> ErrorClass:
    """By WhatsApp's code first, by HTTP status only where there is none."""
    if code is not None:
        return _CLASS_OF.get(code, ErrorClass.PERMANENT)
    if status in (401, 403):
        return ErrorClass.AUTH
    if status == 429:
        return ErrorClass.THROTTLE
    return ErrorClass.RETRY if status >= 500 else ErrorClass.PERMANENT
