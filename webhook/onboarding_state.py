"""The state that goes to 360dialog and comes back: which workspace, by whose hand, until when. Signed, not kept."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from webhook.onboarding_errors import Problem

# A new client of 360dialog's enters a business and waits for a code on a phone meanwhile.
SECONDS = 3600
_FACTS = struct.Struct("!16s16sQ")


@dataclass(frozen=True, slots=True)
class Begun:
    """What a state says."""

    workspace_id: UUID
    user_id: UUID


class States:
    """Makes and reads states under the receiver's master secrets, the current one first."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # A key of its own: what is signed here must mean nothing as a webhook's token, nor the other way round.
        self._keys = [hmac.digest(secret.encode(), b"onboarding state", hashlib.sha256) for secret in secrets]

    def made(self, begun: Begun, now: float | None = None) -> str:
        expires = int(time.time() if now is None else now) + SECONDS
        facts = _FACTS.pack(begun.workspace_id.bytes, begun.user_id.bytes, expires)
        return base64.urlsafe_b64encode(facts + self._mac(self._keys[0], facts)).decode().rstrip("=")

    def read(self, state: str) -> Begun:
        """Raises Problem(state_invalid) for one that is not ours, altered, or too old."""
        try:
            raw = base64.b64decode(state + "=" * (-len(state) % 4), altchars=b"-_", validate=True)
        except (ValueError, binascii.Error):
            raise Problem("state_invalid") from None
        facts, mac = raw[: _FACTS.size], raw[_FACTS.size :]
        # Every key, so that the time taken does not tell which one it was.
        matches = [hmac.compare_digest(mac, self._mac(key, facts)) for key in self._keys]
        if len(facts) != _FACTS.size or not any(matches):
            raise Problem("state_invalid")
        workspace, user, expires = _FACTS.unpack(facts)
        if expires < time.time():
            raise Problem("state_invalid")
        return Begun(UUID(bytes=workspace), UUID(bytes=user))

    @staticmethod
    def _mac(key: bytes, facts: bytes) -> bytes:
        return hmac.digest(key, facts, hashlib.sha256)
