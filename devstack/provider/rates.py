"""Meta's two throttles on sending: messages per second of a number, and messages to one user (the pair rate)."""

from __future__ import annotations

import time
from collections import defaultdict, deque

from devstack.provider.errors import ApiError
from devstack.provider.records import Recent

PAIR_BURST = 45
PAIR_SECONDS = 6.0


class Rates:
    """Admits a message or refuses it; a refused one counts for nothing."""

    def __init__(self) -> None:
        self._accepted: dict[str, deque[float]] = {}
        # When the pair will have paid for every message so far (a token bucket kept as one number).
        self._paid_at: dict[str, Recent[str, float]] = defaultdict(Recent)

    def admit(self, phone_number_id: str, recipient: str, per_second: int, now: float) -> None:
        """`now` is the provider's clock, for the pair rate; the throughput window is real time. Raises ApiError."""
        window = self._window(phone_number_id, per_second)
        instant = time.monotonic()
        if len(window) == per_second and instant - window[0] < 1.0:
            raise ApiError(130429, "Message failed to send because there were too many messages sent from this number")
        pairs = self._paid_at[phone_number_id]
        paid_at = max(pairs.get(recipient) or 0.0, now)
        if paid_at - now > (PAIR_BURST - 1) * PAIR_SECONDS:
            raise ApiError(
                131056,
                "Too many messages sent from this phone number to the same phone number in a short time",
            )
        pairs.remember(recipient, paid_at + PAIR_SECONDS)
        window.append(instant)

    def _window(self, phone_number_id: str, per_second: int) -> deque[float]:
        window = self._accepted.get(phone_number_id)
        if window is None or window.maxlen != per_second:
            window = self._accepted[phone_number_id] = deque(window or (), maxlen=per_second)
        return window

    def forget(self, phone_number_id: str) -> None:
        """A number starts anew."""
        self._accepted.pop(phone_number_id, None)
        self._paid_at.pop(phone_number_id, None)
