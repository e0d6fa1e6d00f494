"""Checking the token a channel is used with, in the error codes of the real service."""

from __future__ import annotations

import time

import jwt

from devstack.keys import BadToken, Caller, Keys


class Refused(Exception):
    """The token does not, or no longer, open a channel. `code` prefixes the text in join errors."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def confirm(keys: Keys, token: str) -> Caller:
    """The caller of a valid JWT with `role` and `exp`. Raises Refused."""
    try:
        caller = keys.verify(token)
    except BadToken as error:
        raise refusal(token, error.__cause__) from error
    if not isinstance(caller.claims.get("role"), str) or not isinstance(caller.claims.get("exp"), int):
        raise Refused("InvalidJWTToken", "Fields `role` and `exp` are required in JWT")
    return caller


def refusal(token: str, cause: BaseException | None) -> Refused:
    if isinstance(cause, jwt.ExpiredSignatureError):
        expired = jwt.decode(token, options={"verify_signature": False})["exp"]
        return Refused("InvalidJWTToken", f"Token has expired {int(time.time() - expired)} seconds ago")
    if isinstance(cause, jwt.InvalidSignatureError):
        return Refused("JwtSignatureError", "Failed to validate JWT signature")
    return Refused("MalformedJWT", "The token provided is not a valid JWT")
