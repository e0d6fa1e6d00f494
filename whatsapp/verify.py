"""Whether a webhook comes from the provider: decided on headers and raw bytes, in constant time, before any parsing."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache


def webhook_token(secret: str, subject: str) -> str:
    """The bearer token registered with a 360dialog webhook: hex HMAC-SHA256 of the number's or WABA's id.

    Derived, so that it is checked without a query and one tenant's token says nothing about another's.
    """
    return hmac.new(secret.encode(), subject.encode(), hashlib.sha256).hexdigest()


class Tokens:
    """Tells the bearer tokens of any subject under a few master secrets. Those seen lately are remembered."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = tuple(secrets)
        self._of = lru_cache(maxsize=4096)(self._derive)

    def match(self, authorization: str | None, subject: str) -> bool:
        """Whether an `Authorization` header carries the token of `subject` under any of the secrets."""
        scheme, _, given = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            return False
        return _any_equal(given.strip().encode(), self._of(subject))

    def _derive(self, subject: str) -> tuple[bytes, ...]:
        return tuple(webhook_token(secret, subject).encode() for secret in self._secrets)


def signature_matches(header: str | None, raw: bytes, app_secrets: Iterable[str]) -> bool:
    """Whether `X-Hub-Signature-256` (`sha256=<hex>`) is over exactly these bytes, by any of the app's secrets."""
    hexes = (hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest() for secret in app_secrets)
    return _any_equal((header or "").encode(), (f"sha256={signature}".encode() for signature in hexes))


def verify_token_matches(given: str | None, expected: str) -> bool:
    """Whether Meta's `hub.verify_token` is the one this receiver was configured with."""
    return hmac.compare_digest((given or "").encode(), expected.encode())


def _any_equal(given: bytes, candidates: Iterable[bytes]) -> bool:
    # No early exit: the time taken must not tell which secret matched.
    results = [hmac.compare_digest(given, candidate) for candidate in candidates]
    return any(results)
