"""The provider's own clock: windows, media lifetimes, pair rates and timestamps follow it, and tests move it."""

from __future__ import annotations

import time

HOUR = 3600
DAY = 24 * HOUR


class Clock:
    """Wall time plus an offset: everyone's, or one number's own in place of it."""

    def __init__(self) -> None:
        self._everyone = 0.0
        self._own: dict[str, float] = {}

    def now(self, phone_number_id: str | None = None) -> float:
        return time.time() + self._own.get(phone_number_id or "", self._everyone)

    def move(self, offset_seconds: float, phone_number_id: str | None = None) -> None:
        if phone_number_id is None:
            self._everyone = offset_seconds
        else:
            self._own[phone_number_id] = offset_seconds

    def forget(self, phone_number_id: str | None = None) -> None:
        """Back to wall time; one number back to everyone's."""
        if phone_number_id is None:
            self._everyone = 0.0
            self._own.clear()
        else:
            self._own.pop(phone_number_id, None)
