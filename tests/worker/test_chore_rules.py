"""What an answer to a chore says of the key, and how long one may take."""

from __future__ import annotations

import pytest

from whatsapp.errors import Refused
from worker import chores
from worker.chores import refuses_key


@pytest.mark.parametrize(
    ("status", "code", "is_the_key"),
    [
        (401, None, True),
        (401, 190, True),
        (401, 0, True),
        (403, None, False),
        (403, 10, False),
        (400, 200, False),
        (404, None, False),
    ],
)
def test_a_key_that_may_not_list_templates_may_still_send(status: int, code: int | None, is_the_key: bool) -> None:
    assert refuses_key(Refused(status, {"code": code})) is is_the_key


def test_a_chore_is_given_up_before_its_lease_runs_out() -> None:
    assert chores.DEADLINE_SECONDS < chores.LEASE_SECONDS
