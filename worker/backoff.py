"""How long to wait before the next try."""

from __future__ import annotations

import random


def backoff(tries: int, first: float, longest: float) -> float:
    """Seconds after so many tries: `first`, doubled with each further one, at most `longest`.

    With jitter, so that what failed together does not come back together.
    """
    # After a long outage it has been tried often enough for the power to overflow.
    return min(first * 2.0 ** min(tries - 1, 20), longest) * random.uniform(0.75, 1.0)  # noqa: S311 - jitter
