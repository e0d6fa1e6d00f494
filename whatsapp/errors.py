"""What can go wrong with WhatsApp, and what to do about each code.

WhatsAppError
├── NotSent          the request never left this machine: safe to send again
├── OutcomeUnknown   the request may have arrived: never to be repeated blindly
├── Refused          the provider answered with an error; `.code`, `.error_class` and `.rule` say which
└── ForeignHost      a file is offered where the credential must not go (whatsapp/provider.py)
    └── Redirected   … or the answer leads elsewhere; not followed
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from whatsapp.envelope import integer


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


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do about a code.

    `max_attempts` counts every try of a message, the failed one too; None: as often as the caller has patience.
    `wait_seconds` is the least to wait before the next. `scope` of THROTTLE: what has to slow down, the whole number or
    only what goes to this recipient. `reason` of AUTH and PAUSE: what the number is stopped for.
    """

    error_class: ErrorClass
    max_attempts: int | None = None
    wait_seconds: float = 0.0
    scope: Literal["number", "pair"] | None = None
    reason: Literal["credential", "payment", "restriction", "number"] | None = None


def _throttle(wait_seconds: float, scope: Literal["number", "pair"] = "number") -> Rule:
    return Rule(ErrorClass.THROTTLE, wait_seconds=wait_seconds, scope=scope)


_RETRY = Rule(ErrorClass.RETRY)
_PERMANENT = Rule(ErrorClass.PERMANENT)
_PAYMENT = Rule(ErrorClass.PAUSE, reason="payment")
_RESTRICTED = Rule(ErrorClass.PAUSE, reason="restriction")
_NUMBER = Rule(ErrorClass.PAUSE, reason="number")
_AUTH = Rule(ErrorClass.AUTH, reason="credential")
_SUPPRESS = Rule(ErrorClass.SUPPRESS)
_TEMPLATE = Rule(ErrorClass.TEMPLATE)

# Codes and their meaning: Meta's error code reference, pywa's list where that is silent; the rule is our judgement. A
# code that is not here is PERMANENT. Those that say so stand here all the same: looked at, and not forgotten.
_RULES: tuple[tuple[int | range, Rule], ...] = (
    (0, _AUTH),  # the user cannot be authenticated
    (1, Rule(ErrorClass.RETRY, max_attempts=3)),  # bad request or server error, nobody knows
    (2, _RETRY),  # outage or overload
    (3, _AUTH),  # capability or permission
    (4, _throttle(0)),  # calls of the app
    (10, _AUTH),  # permission denied
    (33, _NUMBER),  # the number is deleted
    (100, _PERMANENT),  # invalid parameter
    (190, _AUTH),  # token expired
    (range(200, 300), _AUTH),  # permission missing
    (368, _RESTRICTED),  # blocked for a policy violation
    (613, _throttle(0)),  # calls to this endpoint
    (80007, _throttle(60)),  # calls of the WABA
    (130429, _throttle(1)),  # messages per second of the number
    (130472, _PERMANENT),  # recipient in a marketing experiment
    (130497, _SUPPRESS),  # country not allowed
    (131000, Rule(ErrorClass.RETRY, max_attempts=3)),  # something went wrong; a duplicate is possible
    (131005, _AUTH),  # access denied
    (131008, _PERMANENT),  # parameter missing
    (131009, _PERMANENT),  # parameter value; the target of a reaction
    (131016, _RETRY),  # service unavailable
    (131020, _PERMANENT),  # group too small
    (131021, _PERMANENT),  # recipient is the sender
    (131026, _PERMANENT),  # not on WhatsApp, or terms not accepted
    (131030, _PERMANENT),  # not among a test number's recipients
    (131031, _RESTRICTED),  # account locked
    (131037, _NUMBER),  # display name not approved
    (131041, _PERMANENT),  # group unknown
    (131042, _PAYMENT),  # payment
    (131044, _PAYMENT),  # payment for calls
    (131045, _NUMBER),  # registration or certificate of the number
    (131047, Rule(ErrorClass.WINDOW)),  # 24 hours are over
    (131048, _throttle(3600)),  # the number is taken for spam: hours
    (131049, _PERMANENT),  # Meta chose not to deliver; not before 24 hours, on another occasion
    (131050, _SUPPRESS),  # no marketing wanted
    (131051, _PERMANENT),  # message type
    (131052, _PERMANENT),  # incoming file could not be had
    (131053, _PERMANENT),  # outgoing file; see _BY_LINK
    (131055, _PERMANENT),  # Marketing Messages API: marketing templates only
    (131056, _throttle(6, "pair")),  # one message in six seconds to one user, once the burst is spent
    (131057, Rule(ErrorClass.RETRY, wait_seconds=60)),  # the number's throughput is being raised
    (131059, _PERMANENT),  # paging cursor expired
    (131060, _PERMANENT),  # incoming message unavailable
    (131062, _PERMANENT),  # this message needs a phone, no user id
    (131063, _PERMANENT),  # marketing templates go by another API
    (131064, _RESTRICTED),  # limited for misclassified templates
    (range(131201, 131208), _PERMANENT),  # groups
    (131208, _throttle(0)),  # groups, too fast
    (range(131209, 131216), _PERMANENT),  # groups
    (132000, _PERMANENT),  # number of template parameters
    (132001, _TEMPLATE),  # template or language missing
    (132005, _PERMANENT),  # text too long once filled in
    (132007, _TEMPLATE),  # content policy
    (132008, _PERMANENT),  # parameter value
    (132012, _PERMANENT),  # parameter format
    (132015, _TEMPLATE),  # paused
    (132016, _TEMPLATE),  # disabled for good
    (132018, _PERMANENT),  # template parameter
    (132068, _TEMPLATE),  # Flow blocked
    (132069, _TEMPLATE),  # Flow throttled
    (133000, _PERMANENT),  # deregistration incomplete
    (133004, _RETRY),  # server unavailable
    (133005, _PERMANENT),  # PIN wrong
    (133006, _PERMANENT),  # number to be verified anew
    (133008, _PERMANENT),  # PIN tried too often
    (133009, _PERMANENT),  # PIN tried too fast
    (133010, _NUMBER),  # number not registered
    (133015, _PERMANENT),  # number just deleted
    (133016, _PERMANENT),  # registered too often
    (134011, _PERMANENT),  # payment terms not accepted
    (134100, _PERMANENT),  # Marketing Messages API: marketing templates only
    (134101, Rule(ErrorClass.RETRY, wait_seconds=600)),  # the template is still being synced: ten minutes
    (134102, _PERMANENT),  # template not available there
    (135000, Rule(ErrorClass.RETRY, max_attempts=2)),  # unknown trouble with the parameters
    (137000, _PERMANENT),  # identity key mismatch
    (range(138000, 139000), _PERMANENT),  # calls
    (range(139100, 139103), _PERMANENT),  # block list
    (139103, _RETRY),  # block list, internal
    (range(147001, 147006), _PERMANENT),  # business username
    (range(2388000, 2389000), _PERMANENT),  # creating templates, moving numbers
    (2494100, Rule(ErrorClass.RETRY, wait_seconds=120)),  # number in maintenance: minutes
    (range(2593107, 2593110), _PERMANENT),  # sync of the phone's app
)
_RULE_OF = {
    code: rule for codes, rule in _RULES for code in (codes if isinstance(codes, range) else range(codes, codes + 1))
}
# The most that is kept of a title or details; WhatsApp's own are a sentence or two.
MAX_WORDS = 1000
# The customer has stopped marketing from this business; the other codes of SUPPRESS say nothing of the kind.
NO_MARKETING = 131050
# Said without a code of WhatsApp's by something before it: no such route at this moment, no request in time, too early.
_BETWEEN = (404, 408, 425)
# Meta could not fetch the file from where the link points: often passing (nyaruka/courier retries since June 2026).
_BY_LINK = {131053: Rule(ErrorClass.RETRY, max_attempts=3, wait_seconds=10)}


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


def rule_of(code: int | None, status: int, *, by_link: bool = False) -> Rule:
    """By WhatsApp's code first, by HTTP status only where there is none. `by_link`: the message had a file by link."""
    if code is not None:
        return (by_link and _BY_LINK.get(code)) or _RULE_OF.get(code, _PERMANENT)
    if status in (401, 403):
        return _AUTH
    if status == 429:
        return _throttle(0)
    return _RETRY if status >= 500 or status in _BETWEEN else _PERMANENT


def classify(code: int | None, status: int) -> ErrorClass:
    """The class of `rule_of` alone."""
    return rule_of(code, status).error_class


def _words(said: Any) -> str:
    """What is said, whatever it is: a text, and short enough to be shown in a row."""
    return str(said)[:MAX_WORDS]


class WhatsAppError(Exception):
    """Base of everything this package raises."""


class NotSent(WhatsAppError):
    """No connection came about; nothing was transmitted."""


class OutcomeUnknown(WhatsAppError):
    """The answer was lost or makes no sense; WhatsApp may have accepted the request."""


class Refused(WhatsAppError):
    """The provider said no.

    `code` is WhatsApp's number, None when only the HTTP `status` speaks; `retry_after` is in seconds, where it was
    said.
    """

    def __init__(
        self, status: int, error: dict[str, Any], retry_after: float | None = None, *, by_link: bool = False
    ) -> None:
        self.status = status
        self.code: int | None = error.get("code")
        self.title = _words(error.get("title") or error.get("message") or f"HTTP {status}")
        self.details: str | None = _words(details) if (details := error.get("details")) else None
        self.rule = rule_of(self.code, status, by_link=by_link)
        self.error_class = self.rule.error_class
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


def reported(error: dict[str, Any]) -> dict[str, Any]:
    """The shape of `messages.error` for an error out of a status webhook: late and at once read alike.

    `error` is `{code, title, message, error_data: {details}}` (Meta, statuses webhook reference).
    """
    code, data = error.get("code"), error.get("error_data")
    known = integer(code)
    title = error.get("title") or error.get("message") or "WhatsApp reports a failure"
    details = (data.get("details") if isinstance(data, dict) else data) or error.get("message")
    shown = {"title": str(title), "details": str(details) if details else None}
    return Refused(400, {"code": known, **shown}).as_json() | ({} if known is not None else {"code": code})
