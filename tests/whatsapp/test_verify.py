"""Who may post webhooks: tokens, signatures, and everything that nearly is one."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from whatsapp.verify import Tokens, signature_matches, verify_token_matches, webhook_token

NUMBER = "106540352242922"
TOKEN = hmac.new(b"current", NUMBER.encode(), hashlib.sha256).hexdigest()
SECRETS = ("current", "previous")
RAW = b'{"object":"whatsapp_business_account","entry":[]}'
APP_SECRETS = ("app secret", "the one before")
SIGNATURE, FORMER = ("sha256=" + hmac.new(secret.encode(), RAW, hashlib.sha256).hexdigest() for secret in APP_SECRETS)


def test_the_token_is_the_hex_hmac_of_the_number_under_the_master_secret() -> None:
    assert webhook_token("current", NUMBER) == TOKEN
    assert Tokens(SECRETS).match(f"Bearer {TOKEN}", NUMBER)


def test_the_scheme_is_read_in_any_case() -> None:
    assert Tokens(SECRETS).match(f"bearer {TOKEN}", NUMBER)


def test_a_token_of_the_previous_secret_is_accepted_during_a_rotation() -> None:
    assert Tokens(SECRETS).match(f"Bearer {webhook_token('previous', NUMBER)}", NUMBER)


def test_a_token_of_a_secret_that_is_neither_is_refused() -> None:
    assert not Tokens(SECRETS).match(f"Bearer {webhook_token('older still', NUMBER)}", NUMBER)


def test_the_token_of_one_number_does_not_open_another() -> None:
    assert not Tokens(SECRETS).match(f"Bearer {TOKEN}", NUMBER + "1")


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        TOKEN,
        f"Basic {TOKEN}",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}0",
        f"Bearer {TOKEN.upper()}",
        f"Bearer Bearer {TOKEN}",
        f"Bearer {TOKEN}\u00e9",
    ],
)
def test_a_near_miss_of_the_token_is_refused(header: str | None) -> None:
    assert not Tokens(SECRETS).match(header, NUMBER)


def test_metas_signature_is_taken_over_the_raw_bytes() -> None:
    assert signature_matches(SIGNATURE, RAW, APP_SECRETS)
    # The same JSON, written differently.
    assert not signature_matches(SIGNATURE, RAW.replace(b":", b": "), APP_SECRETS)


def test_one_flipped_bit_of_the_body_is_noticed() -> None:
    for place in range(len(RAW)):
        flipped = bytearray(RAW)
        flipped[place] ^= 1
        assert not signature_matches(SIGNATURE, bytes(flipped), APP_SECRETS)


@pytest.mark.parametrize(
    "header",
    [None, "", "sha256=", SIGNATURE.removeprefix("sha256="), SIGNATURE[:-1], SIGNATURE.replace("256", "1"), "é"],
)
def test_a_near_miss_of_the_signature_is_refused(header: str | None) -> None:
    assert not signature_matches(header, RAW, APP_SECRETS)


def test_a_signature_by_the_previous_secret_is_accepted_during_a_rotation() -> None:
    assert signature_matches(FORMER, RAW, APP_SECRETS)
    assert not signature_matches(FORMER, RAW, APP_SECRETS[:1])
    assert not signature_matches(SIGNATURE, RAW, ())


def test_a_signature_by_another_app_is_refused() -> None:
    assert not signature_matches(SIGNATURE, RAW, ["another app's secret"])


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """What has been compared in constant time: an `==` would tell by its time how much of a guess is right."""
    pairs: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def spy(given: bytes, expected: bytes) -> bool:
        pairs.append((given, expected))
        return compare(given, expected)

    monkeypatch.setattr(hmac, "compare_digest", spy)
    return pairs


@pytest.mark.parametrize("given", [TOKEN, webhook_token("previous", NUMBER), "wrong"], ids=(*SECRETS, "neither"))
def test_a_token_is_compared_with_that_of_every_secret_in_constant_time(
    compared: list[tuple[bytes, bytes]], given: str
) -> None:
    assert Tokens(SECRETS).match(f"Bearer {given}", NUMBER) == (given != "wrong")
    assert compared == [(given.encode(), webhook_token(secret, NUMBER).encode()) for secret in SECRETS]


@pytest.mark.parametrize("given", [SIGNATURE, FORMER, "sha256=wrong"], ids=(*APP_SECRETS, "neither"))
def test_a_signature_is_compared_in_constant_time(compared: list[tuple[bytes, bytes]], given: str) -> None:
    assert signature_matches(given, RAW, APP_SECRETS) == (given != "sha256=wrong")
    assert compared == [(given.encode(), SIGNATURE.encode()), (given.encode(), FORMER.encode())]


@pytest.mark.parametrize("given", ["told to Meta", "wrong"])
def test_the_verify_token_is_compared_in_constant_time(compared: list[tuple[bytes, bytes]], given: str) -> None:
    assert verify_token_matches(given, "told to Meta") == (given == "told to Meta")
    assert compared == [(given.encode(), b"told to Meta")]


def test_the_verify_token_must_be_the_configured_one() -> None:
    assert verify_token_matches("told to Meta", "told to Meta")
    assert not verify_token_matches("told to Meta ", "told to Meta")
    assert not verify_token_matches(None, "told to Meta")
