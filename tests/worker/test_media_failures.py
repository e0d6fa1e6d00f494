"""What becomes of a file by kind of failure: how often, how long apart, how it ends, and what is told."""

from __future__ import annotations

from typing import Any

import pytest

from store.errors import Denied, Rejected, Unavailable
from whatsapp.errors import NotSent, OutcomeUnknown, Refused
from whatsapp.provider import ForeignHost
from worker import media_failures
from worker.clients import NoCredential
from worker.media_failures import LONGEST_HELD_SECONDS, REMEMBERED, Failures, Stale, title_of
from worker.proof import Announced, Corrupt, TooLarge, digest_of

FOR_EVER = 3000


def job(message_id: str = "m", attempts: int = 1) -> dict[str, Any]:
    return {"message_id": message_id, "connection_id": "c", "attempts": attempts}


def refused(status: int, code: int | None = None) -> Refused:
    return Refused(status, {"code": code, "message": "no"})


@pytest.mark.parametrize(
    ("error", "tries", "outcome", "code"),
    [
        (Corrupt("x"), 2, "corrupt", "corrupt"),
        (refused(404, 131009), 2, "expired", "gone"),
        (refused(404), 12, "expired", "gone"),
        (refused(400, 100), 2, "expired", "gone"),
        (Stale("x"), 12, "expired", "gone"),
        (refused(422, 131009), 3, "failed", "131009"),
        (refused(400), 3, "failed", "400"),
        (refused(302), 1, "failed", "redirected"),
        (TooLarge("x"), 1, "failed", "too_large"),
        (ForeignHost("x"), 1, "failed", "foreign_host"),
        (Rejected("too_large", "x"), 1, "failed", "too_large"),
        (Rejected("wrong_type", "x"), 1, "failed", "wrong_type"),
        (Rejected("WA001", "x"), None, "retry", "unavailable"),
        (Unavailable("503", "x"), None, "retry", "unavailable"),
        (Denied("403", "x"), None, "retry", "unavailable"),
        (NotSent("x"), None, "retry", "unavailable"),
        (OutcomeUnknown("x"), None, "retry", "unavailable"),
        (refused(500, 131016), None, "retry", "131016"),
        (refused(429), None, "retry", "429"),
        (refused(401), None, "retry", "401"),
        (refused(400, 190), None, "retry", "190"),
        (refused(400, 131031), None, "retry", "131031"),
        (NoCredential("c"), None, "retry", "no_credential"),
        (OSError(28, "No space left on device"), None, "retry", "unavailable"),
        (ZeroDivisionError("x"), None, "retry", "unexpected"),
    ],
)
def test_each_kind_has_its_tries_its_end_and_its_code(
    error: Exception, tries: int | None, outcome: str, code: str
) -> None:
    failures = Failures()
    results = [failures.result(job(attempts=attempts), error) for attempts in range(1, (tries or FOR_EVER) + 1)]
    assert [result["outcome"] for result in results[:-1]] == ["retry"] * (len(results) - 1)
    assert (results[-1]["outcome"], results[-1]["error"]["code"]) == (outcome, code)
    assert all(0 < result["retry_after"] <= 600 for result in results if result["outcome"] == "retry")


def test_waits_grow_from_seconds_to_ten_minutes() -> None:
    failures = Failures()
    waits = [failures.result(job(attempts=attempts), NotSent("x"))["retry_after"] for attempts in range(1, 15)]
    assert (waits[0] <= 2, all(wait >= 450 for wait in waits[10:])) == (True, True)
    # A worker that is new to a file does not begin at two seconds after hours of outage.
    assert Failures().result(job(attempts=50), NotSent("x"))["retry_after"] >= 450


@pytest.mark.parametrize("error", [refused(401), NoCredential("c")])
def test_a_key_that_is_not_accepted_is_not_tried_again_for_minutes(error: Exception) -> None:
    assert 200 < Failures().result(job(), error)["retry_after"] <= 300


def test_what_whatsapp_says_is_waited_for_within_reason() -> None:
    waits = [Failures().result(job(), Refused(429, {}, said))["retry_after"] for said in (50, 10**9)]
    assert waits == [50, 3600]


def test_what_whatsapp_is_too_busy_for_is_asked_of_it_for_no_other_file_of_the_number_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1000.0
    monkeypatch.setattr(media_failures.time, "monotonic", lambda: now)
    failures = Failures()
    failures.check(job())
    failures.result(job(), Refused(429, {}, 50))
    failures.check(job() | {"connection_id": "another"})
    for second in (0, 49):
        now = 1000.0 + second
        with pytest.raises(Refused) as refused:
            failures.check(job("other"))
        # Whoever is told so waits as well, and does not make it longer for all.
        assert failures.result(job("other"), refused.value)["retry_after"] >= 50
    now = 1050.0
    failures.check(job("other"))
    failures.result(job(), Refused(429, {}, 3000))
    now += LONGEST_HELD_SECONDS
    failures.check(job("other"))


def test_hours_without_storage_cost_none_of_the_tries_of_another_kind() -> None:
    failures = Failures()
    for attempts in range(1, 40):
        failures.result(job(attempts=attempts), Unavailable("503", "x"))
    first, second = (failures.result(job(attempts=attempts), Corrupt("x")) for attempts in (40, 41))
    assert (first["outcome"], first["retry_after"] <= 2, second["outcome"]) == ("retry", True, "corrupt")


def test_what_has_ended_is_forgotten_and_what_was_counted_long_ago_too() -> None:
    failures = Failures()
    for _ in range(2):
        assert failures.result(job(), Corrupt("x"))["outcome"] == "retry"
        assert failures.result(job(), Corrupt("x"))["outcome"] == "corrupt"
    failures.result(job(), Corrupt("x"))
    for number in range(REMEMBERED):
        failures.result(job(str(number)), Corrupt("x"))
    assert failures.result(job(), Corrupt("x"))["outcome"] == "retry"


def test_what_is_told_has_no_address_and_no_number() -> None:
    told = OutcomeUnknown("GET https://lookaside.fbsbx.com/?mid=1&hash=secret from +972501234567 broke")
    assert title_of(told) == "GET … from … broke"
    assert title_of(NotSent("")) == "NotSent"
    assert len(title_of(NotSent("x" * 1000))) == 200


DIGEST = bytes(range(32))


@pytest.mark.parametrize(
    ("announced", "digest"),
    [
        (DIGEST.hex(), DIGEST),
        (DIGEST.hex().upper(), DIGEST),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", DIGEST),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", DIGEST),
        (f" {DIGEST.hex()}\n", DIGEST),
        ("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", DIGEST),
        ("-_8CAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", b"\xfb\xff" + DIGEST[2:]),
        ("+/8CAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", b"\xfb\xff" + DIGEST[2:]),
        (DIGEST.hex(" ")[:64], None),
        ("AAEC AwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", None),
        ("z" * 64, None),
        ("AAEC", None),
        ("no hash at all", None),
        ("é" * 44, None),
        ("=" * 44, None),
    ],
)
def test_a_hash_is_read_in_hex_and_in_base64(announced: str, digest: bytes | None) -> None:
    assert digest_of(announced) == digest


@pytest.mark.parametrize(
    ("announced", "size", "right"),
    [
        (Announced(3, frozenset({DIGEST})), 3, True),
        (Announced(None, frozenset({DIGEST})), 3, True),
        (Announced(None, frozenset()), 3, True),
        (Announced(4, frozenset({DIGEST})), 3, False),
        (Announced(3, frozenset({bytes(32)})), 3, False),
        (Announced(3, frozenset({DIGEST, bytes(32)})), 3, False),
        (Announced(0, frozenset()), 0, True),
        (Announced(None, frozenset({DIGEST})), 0, True),
        (Announced(None, frozenset()), 0, False),
    ],
)
def test_a_file_is_right_when_all_that_was_said_of_it_is_true(announced: Announced, size: int, right: bool) -> None:
    try:
        announced.check(size, DIGEST)
    except Corrupt:
        assert not right
    else:
        assert right
