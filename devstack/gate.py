"""What the platform's gateway does with keys: who may pass, and with which token a service gets the request.

Copied behaviour: the key travels in the `apikey` header or query parameter. `Authorization` that is absent or begins
with `Bearer sb_` is replaced by the JWT of that key; a user's JWT there is passed on untouched. A secret key sent by a
browser is refused. Texts of refusals are the hosted gateway's.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from devstack.keys import BadToken, Caller, Keys

MISSING = {
    "message": "No API key found in request",
    "hint": "No `apikey` request header or url param was found.",
}
INVALID = {
    "message": "Invalid API key",
    "hint": "Double check your Supabase `anon` or `service_role` API key.",
}
IN_BROWSER = {
    "message": "Forbidden use of secret API key in browser",
    "hint": "Secret API keys can only be used in a protected environment and should never be used in a browser. "
    "Delete this secret API key immediately.",
}

# What needs no key: signed or public objects carry their own right, the rest is opened by links in mails.
OPEN = re.compile(
    r"/storage/v1/(object|render/image)/(public|sign|upload/sign)/|/storage/v1/upload/resumable/sign"
    r"|/auth/v1/(verify|callback|authorize|\.well-known/)"
)
# Auth's other endpoints take no user token and look at none.
NEEDS_USER = re.compile(r"/auth/v1/(user|logout|admin|factors|reauthenticate)\b")


@dataclass
class Refused(Exception):
    """The gateway, or the service it asks, says no."""

    status: int
    body: dict[str, Any]


def bearer(authorization: str) -> str:
    """The token of an Authorization header; empty if it is of another kind."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


class Gate:
    """The key check of one project."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._verified = lru_cache(maxsize=1024)(keys.verify)

    def authorization(self, path: str, headers: Mapping[str, str], query: Mapping[str, str]) -> str:
        """The Authorization header that the service gets. Raises Refused."""
        given = headers.get("Authorization", "")
        key = headers.get("apikey") or query.get("apikey") or self._key_in(given)
        if not key:
            if OPEN.match(path):
                return given or f"Bearer {self._keys.anon_key}"
            raise Refused(401, MISSING)
        if key == self._keys.secret_key and "Mozilla" in headers.get("User-Agent", ""):
            raise Refused(401, IN_BROWSER)
        token = self._keys.token_for(key)
        if token is None or not self._is_key(token):
            raise Refused(401, INVALID)
        return f"Bearer {token}" if not given or bearer(given).startswith("sb_") else given

    def caller(self, path: str, authorization: str) -> Caller:
        """Whom the header speaks for. Raises Refused in the words of the service that would have to trust it."""
        try:
            return self._verify(bearer(authorization))
        except BadToken as error:
            if path.startswith("/auth/v1/") and not NEEDS_USER.match(path):
                return self._verify(self._keys.anon_key)
            raise _refusal(path, str(error)) from error

    def _verify(self, token: str) -> Caller:
        """Once verified is verified until it expires."""
        caller = self._verified(token)
        return caller if "exp" not in caller.claims or not _is_past(caller) else self._keys.verify(token)

    def _key_in(self, authorization: str) -> str:
        """Older clients send the key as a bearer token only. A user's token is no key."""
        token = bearer(authorization)
        return token if token.startswith("sb_") or (token and self._is_key(token)) else ""

    def _is_key(self, token: str) -> bool:
        if token in (self._keys.anon_key, self._keys.service_role_key):
            return True
        try:
            caller = self._verify(token)
        except BadToken:
            return False
        return caller.user_id is None and caller.role in ("anon", "service_role")


def _is_past(caller: Caller) -> bool:
    return float(caller.claims["exp"]) <= time.time()


def _refusal(path: str, reason: str) -> Refused:
    if path.startswith("/auth/v1/"):
        message = f"invalid JWT: unable to parse or verify signature, {reason}"
        return Refused(403, {"code": 403, "error_code": "bad_jwt", "msg": message})
    if path.startswith("/storage/v1/"):
        return Refused(400, {"statusCode": "403", "error": "Unauthorized", "message": reason})
    return Refused(401, {"message": reason})
