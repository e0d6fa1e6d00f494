"""Meta's endpoint under attack: signatures that are nearly right, and a handshake used as a mirror."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from urllib.parse import quote

import pytest

from tests.attack.wire import Answer, ask, bearer, good_body, path_of, request
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, token_of
from tests.webhook.posting import text_from_customer

PATH = "/webhooks/meta"


def signature_of(raw: bytes, secret: str | None = None, method: str = "sha256") -> str:
    key = os.environ["META_APP_SECRET"] if secret is None else secret
    return hmac.new(key.encode(), raw, method).hexdigest()


async def post(webhook: Program, raw: bytes, *lines: str) -> int:
    return (await ask(webhook, request(PATH, *lines, body=raw))).status


async def challenge(webhook: Program, query: str, method: str = "GET") -> Answer:
    return await ask(webhook, request(f"{PATH}?{query}", method=method))


def token() -> str:
    return quote(os.environ["WHATSAPP_WEBHOOK_VERIFY_TOKEN"], safe="")


SIGNATURES = {
    "no header": (),
    "empty": ("X-Hub-Signature-256:",),
    "its name alone": ("X-Hub-Signature-256: sha256=",),
    "without its name": ("X-Hub-Signature-256: {right}",),
    "upper case": ("X-Hub-Signature-256: sha256={upper}",),
    "its name in upper case": ("X-Hub-Signature-256: SHA256={right}",),
    "cut short": ("X-Hub-Signature-256: sha256={half}",),
    "too long": ("X-Hub-Signature-256: sha256={right}0",),
    "called sha1": ("X-Hub-Signature-256: sha1={right}",),
    "of sha1": ("X-Hub-Signature-256: sha1={sha1}", "X-Hub-Signature: sha1={sha1}"),
    "in the old header": ("X-Hub-Signature: sha256={right}",),
    "of another secret": ("X-Hub-Signature-256: sha256={of_another_secret}",),
    "of an empty secret": ("X-Hub-Signature-256: sha256={of_empty_secret}",),
    "of an empty body": ("X-Hub-Signature-256: sha256={of_nothing}",),
    "without a secret": ("X-Hub-Signature-256: sha256={plain}",),
    "a wrong one before the right one": ("X-Hub-Signature-256: sha256=0", "X-Hub-Signature-256: sha256={right}"),
    "two in one line": ("X-Hub-Signature-256: sha256=0, sha256={right}",),
    "bytes that are no text": ("X-Hub-Signature-256: sha256=\xff{right}",),
    "a bearer's": ("Authorization: Bearer {right}",),
    "the token of a number": ("{bearer}",),
}


@pytest.mark.parametrize("name", SIGNATURES)
async def test_a_signature_that_is_not_the_one_gets_401(webhook: Program, tenant: Tenant, name: str) -> None:
    raw = good_body(tenant)
    right = signature_of(raw)
    shown = {
        "right": right,
        "upper": right.upper(),
        "half": right[:32],
        "sha1": signature_of(raw, method="sha1"),
        "of_another_secret": signature_of(raw, os.environ["WHATSAPP_WEBHOOK_SECRET"]),
        "of_empty_secret": signature_of(raw, ""),
        "of_nothing": signature_of(b""),
        "plain": hashlib.sha256(raw).hexdigest(),
        "bearer": bearer(tenant.phone_number_id),
    }
    assert await post(webhook, raw, *(line.format(**shown) for line in SIGNATURES[name])) == 401
    assert await tenant.events() == []


async def test_a_signature_is_of_the_bytes_and_not_of_what_they_mean(webhook: Program, tenant: Tenant) -> None:
    body = text_from_customer(tenant, "שלום / <3 \U0001f642")
    as_sent = json.dumps(body, separators=(",", ":")).replace("/", "\\/").encode()
    again = [json.dumps(body), json.dumps(body, ensure_ascii=False), as_sent.decode() + "\n", " " + as_sent.decode()]
    for raw in again:
        assert await post(webhook, raw.encode(), f"X-Hub-Signature-256: sha256={signature_of(as_sent)}") == 401
    assert await tenant.events() == []
    assert await post(webhook, as_sent, f"X-Hub-Signature-256: sha256={signature_of(as_sent)}") == 200
    assert [event["raw"].encode() for event in await tenant.events()] == [as_sent]


async def test_what_is_no_object_is_refused_though_it_is_signed(webhook: Program) -> None:
    for raw in (b"", b"[]", b"null", b"{", b'{"a": NaN}', b"\xef\xbb\xbf{}"):
        assert await post(webhook, raw, f"X-Hub-Signature-256: sha256={signature_of(raw)}") == 400


@pytest.mark.parametrize("raw", [b"{", b"\xff", b""], ids=repr)
@pytest.mark.parametrize("lines", [(), ("X-Hub-Signature-256: sha256=0",)], ids=["unsigned", "signed wrongly"])
async def test_who_shows_no_signature_is_not_told_whether_a_body_can_be_read(
    webhook: Program, raw: bytes, lines: tuple[str, ...]
) -> None:
    """401 and not 400: nothing is parsed before it is known to be Meta's."""
    assert await post(webhook, raw, *lines) == 401


async def test_the_previous_app_secret_signs_too_and_a_third_does_not(programs: Programs, tenant: Tenant) -> None:
    raw = good_body(tenant)
    webhook = await programs.webhook(META_APP_SECRET="new", META_APP_SECRET_PREVIOUS="old")
    for secret, status in (("new", 200), ("old", 200), ("older", 401), ("newold", 401), ("", 401)):
        signed = f"X-Hub-Signature-256: sha256={signature_of(raw, secret)}"
        assert await post(webhook, raw, signed) == status, secret
    assert len(await tenant.until_events("processed", "processed")) == 2


async def test_a_previous_app_secret_alone_opens_nothing(programs: Programs, tenant: Tenant) -> None:
    raw = good_body(tenant)
    webhook = await programs.webhook(META_APP_SECRET="", META_APP_SECRET_PREVIOUS="old")
    assert await post(webhook, raw, f"X-Hub-Signature-256: sha256={signature_of(raw, 'old')}") == 401
    assert await tenant.events() == []


async def test_metas_signature_opens_no_other_endpoint(webhook: Program, tenant: Tenant) -> None:
    raw = good_body(tenant)
    line = f"X-Hub-Signature-256: sha256={signature_of(raw)}"
    assert (await ask(webhook, request(path_of(tenant), line, body=raw))).status == 401
    assert await tenant.events() == []


@pytest.mark.parametrize(
    "query",
    [
        "",
        "hub.mode=subscribe&hub.challenge=1",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=wrong",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token={token}x",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=%00{token}",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token=%ff%fe",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token[]={token}",
        "hub.mode=subscribe&hub.challenge=1&hub_verify_token={token}",
        "hub.mode=subscribe&hub.challenge=1&HUB.VERIFY_TOKEN={token}",
        "hub.mode=SUBSCRIBE&hub.challenge=1&hub.verify_token={token}",
        "hub.mode=unsubscribe&hub.challenge=1&hub.verify_token={token}",
        "hub.challenge=1&hub.verify_token={token}",
        "hub.mode=subscribe&hub.challenge=1&hub.verify_token={of_a_number}",
        "%ff%fe=%00&&==&%",
    ],
)
async def test_a_handshake_with_anything_wrong_reflects_nothing(webhook: Program, query: str) -> None:
    asked = query.format(token=token(), of_a_number=token_of("1")).replace("challenge=1", "challenge=mirror")
    for method in ("GET", "HEAD"):
        answer = await challenge(webhook, asked, method)
        assert answer.status == 403
        assert b"mirror" not in answer.body


@pytest.mark.parametrize(
    ("sent", "back"),
    [
        ("1158201444", b"1158201444"),
        ("%3Cscript%3Ealert(1)%3C/script%3E", b"<script>alert(1)</script>"),
        ("1%0d%0aSet-Cookie:%20a=b%0d%0a%0d%0a", b"1\r\nSet-Cookie: a=b\r\n\r\n"),
        ("%D7%A9", "ש".encode()),
    ],
)
async def test_a_challenge_comes_back_as_plain_text_and_never_as_a_header(
    webhook: Program, sent: str, back: bytes
) -> None:
    answer = await challenge(webhook, f"hub.mode=subscribe&hub.challenge={sent}&hub.verify_token={token()}")
    assert (answer.status, answer.body) == (200, back)
    assert answer.headers["content-type"].startswith("text/plain")
    assert "set-cookie" not in answer.headers
