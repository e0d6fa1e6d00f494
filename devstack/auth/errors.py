"""Auth's errors: a status, a code that clients match on, and a text.

Copied behaviour (GoTrue's `HandleResponseError`): a client that sends `X-Supabase-Api-Version: 2024-01-01`
or later gets `{code, message}` with the code as text, anyone else `{code, error_code, msg}` with the HTTP
status as `code`. The code is also in `x-sb-error-code`.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

API_VERSION_HEADER = "X-Supabase-Api-Version"
API_VERSION = "2024-01-01"


class AuthError(Exception):
    """A refusal in GoTrue's words."""

    def __init__(self, status: int, code: str, message: str, **details: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.details = details


def invalid(message: str) -> AuthError:
    """The request's own fault: a missing or malformed field."""
    return AuthError(400, "validation_failed", message)


def weak_password(message: str, *reasons: str) -> AuthError:
    return AuthError(422, "weak_password", message, weak_password={"reasons": list(reasons)})


@web.middleware
async def answer_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn an AuthError into the body the client's API version expects."""
    try:
        return await handler(request)
    except AuthError as error:
        headers = {"x-sb-error-code": error.code}
        if request.headers.get(API_VERSION_HEADER, "") >= API_VERSION:
            headers[API_VERSION_HEADER] = API_VERSION
            body = {"code": error.code, "message": error.message, **error.details}
        else:
            body = {"code": error.status, "error_code": error.code, "msg": error.message, **error.details}
        return web.json_response(body, status=error.status, headers=headers)
