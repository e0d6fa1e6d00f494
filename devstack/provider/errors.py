"""What a refused call raises, and the body it is answered with.

Refusal
├── ApiError      Graph's shape, also through 360dialog: `{"error": {message, type, code, error_data, fbtrace_id}}`
└── GatewayError  360dialog's own gateway: `{"meta": {success, http_code, developer_message, 360dialog_trace_id}}`
"""

from __future__ import annotations

import secrets
from typing import Any

# code: (HTTP status, title), from Meta's error reference.
CODES: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "Application request limit reached"),
    10: (403, "Permission Denied"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    190: (401, "Access token has expired"),
    200: (403, "API Permission"),
    368: (403, "Temporarily blocked for policies violations"),
    613: (429, "Calls to this api have exceeded the rate limit"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (500, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131037: (400, "WhatsApp provided number needs display name approval before message can be sent"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages from this business"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Business-scoped User ID (BSUID) recipients are not supported for this message"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Parameter value is not valid"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132068: (400, "Flow is in blocked state"),
    132069: (400, "Flow is in throttled state"),
    133004: (503, "Server temporarily unavailable"),
    133005: (400, "Two step verification PIN mismatch"),
    133010: (400, "Phone number not registered"),
    133016: (400, "Account register deregister rate limit exceeded"),
    134011: (400, "WhatsApp Payments terms of service has not been accepted"),
    135000: (400, "Generic user error"),
    137000: (400, "Recipient identity key hash mismatch"),
}


def status_of(code: int) -> int:
    """The HTTP status that a code comes with; 400 for one that the reference does not list."""
    return CODES.get(code, (400, ""))[0]


def title_of(code: int) -> str:
    return CODES.get(code, (400, f"Error {code}"))[1]


class Refusal(Exception):
    """A call that is answered with an error."""

    status: int

    def body(self) -> dict[str, Any]:
        raise NotImplementedError


class ApiError(Refusal):
    """An error of the Cloud API. `details` goes into error_data, `message` replaces the reference's title."""

    def __init__(
        self,
        code: int,
        details: str | None = None,
        *,
        message: str | None = None,
        status: int | None = None,
        subcode: int | None = None,
    ) -> None:
        super().__init__(details or message or title_of(code))
        self.code, self.details, self.subcode = code, details, subcode
        self.message = message or f"(#{code}) {title_of(code)}"
        self.status = status or status_of(code)

    def body(self) -> dict[str, Any]:
        kind = "GraphMethodException" if self.subcode == 33 else "OAuthException"
        error: dict[str, Any] = {"message": self.message, "type": kind, "code": self.code}
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        return {"error": error | {"fbtrace_id": "A" + secrets.token_urlsafe(16)}}


class GatewayError(Refusal):
    """A fault that 360dialog's gateway finds before Meta is asked."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message

    def body(self) -> dict[str, Any]:
        meta = {"success": False, "http_code": self.status, "developer_message": self.message}
        return {"meta": meta | {"360dialog_trace_id": secrets.token_hex(16)}}


def unknown_object(object_id: str, method: str = "get") -> ApiError:
    """Graph's answer to an id that does not exist or that the token may not see: the two look the same."""
    message = (
        f"Unsupported {method} request. Object with ID '{object_id}' does not exist, cannot be loaded due to missing "
        "permissions, or does not support this operation"
    )
    return ApiError(100, message=message, subcode=33)


def status_error(code: int, details: str | None = None) -> dict[str, Any]:
    """An error as webhooks carry it: title and message are the same there."""
    title = title_of(code)
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or title},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }
