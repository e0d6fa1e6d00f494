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
SIGNATURE = "sha256=" + hmac.new(b"app secret", RAW, hashlib.sha256).hexdigest()


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
    assert signature_matches(SIGNATURE, RAW, "app secret")
    # The same JSON, written differently.
    assert not signature_matches(SIGNATURE, RAW.replace(b":", b": "), "app secret")


def test_one_flipped_bit_of_the_body_is_noticed() -> None:
    for place in range(len(RAW)):
        flipped = bytearray(RAW)
        flipped[place] ^= 1
        assert not signature_matches(SIGNATURE, bytes(flipped), "app secret")


@pytest.mark.parametrize(
    "header",
    [None, "", "sha256=", SIGNATURE.removeprefix("sha256="), SIGNATURE[:-1], SIGNATURE.replace("256", "1"), "é"],
)
def test_a_near_miss_of_the_signature_is_refused(header: str | None) -> None:
    assert not signature_matches(header, RAW, "app secret")


def test_a_signature_by_another_app_is_refused() -> None:
    assert not signature_matches(SIGNATURE, RAW, "another app's secret")


def test_the_verify_token_must_be_the_configured_one() -> None:
    assert verify_token_matches("told to Meta", "told to Meta")
    assert not verify_token_matches("told to Meta ", "told to Meta")
    assert not verify_token_matches(None, "told to Meta")
