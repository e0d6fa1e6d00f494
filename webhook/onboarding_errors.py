"""How an onboarding can end other than well: `{code, message, remedy}`, listed in docs/onboarding.md."""

from __future__ import annotations

from dataclasses import dataclass

from store.errors import StoreError
from whatsapp.errors import ErrorClass, Refused, WhatsAppError


@dataclass(frozen=True, slots=True)
class Ending:
    """What is answered with a code."""

    status: int
    message: str
    remedy: str


ENDINGS = {
    "bad_request": Ending(400, "The request is not as it should be.", "Correct the field that is named."),
    "state_invalid": Ending(
        400, "This signup was not begun by you, or too long ago.", "Begin again with the button in the product."
    ),
    "not_signed_in": Ending(401, "Nobody is signed in.", "Sign in and send the access token as a bearer token."),
    "not_allowed": Ending(
        403, "You may not connect a number to this workspace.", "Ask its owner or an admin to do it."
    ),
    "too_slow": Ending(408, "The request did not come to an end.", "Send it again."),
    "limit_reached": Ending(
        409,
        "The workspace has as many WhatsApp numbers as it may connect.",
        "Remove a connection, or ask the operator to raise the limit.",
    ),
    "too_large": Ending(413, "The request is too large.", "Send only the fields that are asked for."),
    "code_refused": Ending(
        422, "Meta does not take the code: it has been used or is too old.", "Go through Meta's window once more."
    ),
    "number_unavailable": Ending(
        422,
        "The number cannot be connected here.",
        "Check that it is yours, that you shared it in the provider's window, and that it is connected nowhere else.",
    ),
    "permission_missing": Ending(
        422,
        "360dialog gives no key for the number.",
        "Give the partner permission for it in 360dialog's window, and wait until the number is running.",
    ),
    "step_refused": Ending(
        422,
        "The provider refuses a step of the signup.",
        "Look up provider_code in Meta's error reference; a wrong pin is 133005. Then sign up once more.",
    ),
    "busy": Ending(429, "Too many signups at this moment.", "Try again in a few seconds."),
    "partner_refused": Ending(
        502,
        "The provider does not accept this installation's own credentials.",
        "The operator has to check META_APP_ID and META_APP_SECRET, or D360_PARTNER_ID and D360_PARTNER_KEY.",
    ),
    "provider_unavailable": Ending(
        502, "The provider does not answer as it should.", "Try again; what has been done is kept or done anew."
    ),
    "unavailable": Ending(503, "The database does not answer as it should.", "Try again in a moment."),
}

# What the database says about a user, a workspace and a number.
_SAID = {
    "WA002": "limit_reached",
    "WA004": "not_allowed",
    "WA032": "number_unavailable",
    "WA034": "not_allowed",
    "WA035": "number_unavailable",
}
_PASSING = (ErrorClass.RETRY, ErrorClass.THROTTLE)


class Problem(Exception):
    """An onboarding that ends with one of the codes. `field` is a request's own, `provider_code` WhatsApp's number."""

    def __init__(self, code: str, *, field: str | None = None, provider_code: int | None = None) -> None:
        self.code = code
        self.ending = ENDINGS[code]
        self._beside = {"field": field, "provider_code": provider_code}
        super().__init__(code)

    def as_json(self) -> dict[str, object]:
        """What is answered: nothing of the provider's or the database's own words."""
        shown = {"code": self.code, "message": self.ending.message, "remedy": self.ending.remedy}
        return shown | {name: value for name, value in self._beside.items() if value is not None}


def of_store(error: StoreError) -> Problem:
    return Problem(_SAID.get(error.code, "unavailable"))


def of_provider(error: WhatsAppError, refused: str) -> Problem:
    """`refused` is what it means when the provider says no, and not only «later»."""
    if not isinstance(error, Refused) or error.error_class in _PASSING:
        return Problem("provider_unavailable")
    return Problem(refused, provider_code=error.code if refused == "step_refused" else None)
