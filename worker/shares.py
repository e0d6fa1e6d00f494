"""How many of a worker's slots one number may have, and how many jobs are claimed at a time.

A number whose provider hangs keeps every slot it gets until a timeout. So what it may have follows what is free (a
dynamic threshold: Choudhury and Hahne, 1998): one alone has most of the slots, several come to share them, and some
stay free for the next one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
# By number, how many jobs a claim may bring; of a number that is not named, as many as are asked for.
Shares = dict[str, int]

# A number may have so many times the slots that are left free beside it.
TIMES_FREE = 3
# A claim costs by the row, and claims take turns: more is asked for in several, and the first are sent meanwhile.
CLAIM_LIMIT = 64


def asked(free: int) -> int:
    """How many jobs to claim: what a number that has none may have of the free slots, one at least if there is any."""
    return min(TIMES_FREE * free // (TIMES_FREE + 1), CLAIM_LIMIT) or min(free, 1)


def shares_of(jobs: Iterable[Row], free: int) -> Shares:
    """The numbers that may not have as many more as are asked for. Who has none may: the last slot is somebody's."""
    held = Counter(job["connection_id"] for job in jobs if job.get("connection_id"))
    more = {number: max(0, (TIMES_FREE * free - count) // (TIMES_FREE + 1)) for number, count in held.items()}
    most = asked(free)
    return {number: share for number, share in more.items() if share < most}
