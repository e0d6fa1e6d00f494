"""Headers, paths and methods that try to get in: refused with the documented answer, nothing kept."""

from __future__ import annotations

import gzip

import pytest

from tests.attack.wire import Answer, ask, bearer, good_body, good_request, head, path_of, request
from tests.conftest import Connect
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, digits, token_of


async def refused(webhook: Program, tenant: Tenant, raw: bytes, *statuses: int) -> Answer:
    """The answer, which is one of these; nothing of the request is in the journal."""
    answer = await ask(webhook, raw)
    assert answer.status in statuses, answer
    assert await tenant.events() == []
    return answer


AUTHORIZATIONS = {
    "upper case": ("Authorization: Bearer {upper}",),
    "token twice": ("Authorization: Bearer {token}{token}",),
    "token in two words": ("Authorization: Bearer {half} {rest}",),
    "token cut short": ("Authorization: Bearer {half}",),
    "without its scheme": ("Authorization: {token}",),
    "scheme glued on": ("Authorization: Bearer{token}",),
    "scheme with a colon": ("Authorization: Bearer: {token}",),
    "as a password": ("Authorization: Basic {token}",),
    "of another number": ("Authorization: Bearer {of_another}",),
    "of another secret": ("Authorization: Bearer {of_another_secret}",),
    "of an empty secret": ("Authorization: Bearer {of_empty_secret}",),
    "the secret's place is the number": ("Authorization: Bearer {number}",),
    "a wrong one before the right one": ("Authorization: Bearer wrong", "Authorization: Bearer {token}"),
    "two in one line": ("Authorization: Bearer wrong, Bearer {token}",),
    "folded": ("Authorization: Bearer", " {token}0"),
    "in another header": ("Proxy-Authorization: Bearer {token}", "X-Authorization: Bearer {token}"),
    "as a cookie": ("Cookie: Authorization=Bearer {token}",),
    "bytes that are no text": ("Authorization: Bearer \xff\xfe{token}",),
    "a no-break space": ("Authorization: Bearer\xa0{token}",),
    "very long": ("Authorization: Bearer " + "0" * 50_000,),
}


@pytest.mark.parametrize("name", AUTHORIZATIONS)
async def test_no_variant_of_the_header_opens_without_the_very_token(
    webhook: Program, tenant: Tenant, name: str
) -> None:
    token = token_of(tenant.phone_number_id)
    shown = {
        "token": token,
        "upper": token.upper(),
        "half": token[:32],
        "rest": token[32:],
        "number": tenant.phone_number_id,
        "of_another": token_of(digits()),
        "of_another_secret": token_of(tenant.phone_number_id, "another secret"),
        "of_empty_secret": token_of(tenant.phone_number_id, "\0"),
    }
    lines = (line.format(**shown) for line in AUTHORIZATIONS[name])
    # 400: the server itself does not take it for HTTP.
    await refused(webhook, tenant, request(path_of(tenant), *lines, body=good_body(tenant)), 401, 400)


@pytest.mark.parametrize("scheme", ["bearer", "BEARER"])
async def test_the_schemes_name_has_no_case(webhook: Program, tenant: Tenant, scheme: str) -> None:
    line = f"Authorization: {scheme} {token_of(tenant.phone_number_id)}"
    assert (await ask(webhook, request(path_of(tenant), line, body=good_body(tenant)))).status == 200


async def test_the_previous_secret_opens_every_endpoint_and_a_third_none(programs: Programs, tenant: Tenant) -> None:
    webhook = await programs.webhook(WHATSAPP_WEBHOOK_SECRET="new", WHATSAPP_WEBHOOK_SECRET_PREVIOUS="old")
    of_waba = f"/webhooks/360dialog/waba/{tenant.waba_id}"
    for path, subject in ((path_of(tenant), tenant.phone_number_id), (of_waba, tenant.waba_id)):
        for secret, status in (("new", 200), ("old", 200), ("older", 401), ("newold", 401)):
            line = f"Authorization: Bearer {token_of(subject, secret)}"
            answer = await ask(webhook, request(path, line, body=good_body(tenant)))
            assert answer.status == status, (path, secret)
    assert len(await tenant.until_events(*["processed"] * 4)) == 4


async def test_a_wabas_token_does_not_open_its_number_nor_a_numbers_token_its_waba(
    webhook: Program, tenant: Tenant
) -> None:
    number, waba = tenant.phone_number_id, tenant.waba_id
    for subject, path in ((waba, number), (number, f"waba/{waba}"), (number, f"waba/{waba}?phone_number_id={number}")):
        raw = request(f"/webhooks/360dialog/{path}", bearer(subject), body=good_body(tenant))
        await refused(webhook, tenant, raw, 401)


async def test_a_number_posing_as_a_waba_speaks_for_nobody(webhook: Program, tenant: Tenant) -> None:
    number = tenant.phone_number_id
    for path in (f"waba/{number}", f"waba%2f{number}"):
        raw = request(f"/webhooks/360dialog/{path}", bearer(number), body=good_body(tenant))
        await refused(webhook, tenant, raw, 401, 403)


@pytest.mark.parametrize(
    "path",
    [
        "/webhooks/360dialog/",
        "/webhooks/360dialog/{number}/",
        "/webhooks/360dialog/{number}/..",
        "/webhooks/360dialog/{number}%2f",
        "/webhooks/360dialog/x%2f..%2f{number}",
        "/webhooks/360dialog/x/../{number}",
        "/webhooks/360dialog/./{number}",
        "/webhooks/360dialog//{number}",
        "//webhooks/360dialog/{number}",
        "/webhooks//360dialog/{number}",
        "/WEBHOOKS/360dialog/{number}",
        "/webhooks/360dialog/{number}%00",
        "/webhooks/360dialog/{number}%20",
        "/webhooks/360dialog/%20{number}",
        "/webhooks/360dialog/{number};x=1",
        "/webhooks/360dialog/{number}%3fx",
        "/webhooks/360dialog/waba",
        "/webhooks/360dialog/waba/",
        "/webhooks/360dialog/waba/../{number}",
        "/webhooks/meta/",
        "/webhooks/meta/{number}",
        "/webhooks/",
        "/",
        "*",
        "{number}",
    ],
)
async def test_only_the_very_path_of_a_number_is_its_webhook(webhook: Program, tenant: Tenant, path: str) -> None:
    number = tenant.phone_number_id
    raw = request(path.format(number=number), bearer(number), body=good_body(tenant))
    answer = await refused(webhook, tenant, raw, 401, 404, 400)
    # The Host header is the caller's: nobody is sent to where it points.
    assert "location" not in answer.headers


@pytest.mark.parametrize("subject", ["١٢٣٤٥", "１２３４５", "²", "12345é", "-1", "1.0", "1_000", " 1", "null\x00"])
async def test_an_id_that_is_none_gets_nowhere_even_with_its_own_token(
    webhook: Program, tenant: Tenant, subject: str
) -> None:
    quoted = "".join(f"%{byte:02x}" for byte in subject.encode())
    for prefix in ("", "waba/"):
        target = f"/webhooks/360dialog/{prefix}{quoted}"
        await refused(webhook, tenant, request(target, bearer(subject), body=good_body(tenant)), 401, 404)


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"])
async def test_a_webhook_takes_posts_only(webhook: Program, tenant: Tenant, method: str) -> None:
    for lines in ((), ("X-HTTP-Method-Override: POST", "X-Method-Override: POST")):
        raw = head(path_of(tenant), bearer(tenant.phone_number_id), "Content-Length: 0", *lines, method=method)
        answer = await refused(webhook, tenant, raw, 405)
        assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("method", ["post", "POST\t", "P\xd6ST", "POSTPOSTPOST", ""])
async def test_what_is_no_method_is_no_request(webhook: Program, tenant: Tenant, method: str) -> None:
    body = good_body(tenant)
    raw = request(path_of(tenant), bearer(tenant.phone_number_id), body=body, method=method)
    await refused(webhook, tenant, raw, 400, 405)


@pytest.mark.parametrize("name", ["websocket", "h2c", "TLS/1.0"])
async def test_nobody_is_upgraded_and_nobody_is_left_without_an_answer(
    webhook: Program, tenant: Tenant, name: str
) -> None:
    offer = ("Connection: Upgrade", f"Upgrade: {name}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {'A' * 22}==")
    for method in ("GET", "POST"):
        await refused(webhook, tenant, request(path_of(tenant), *offer, method=method), 400, 401, 403, 405, 426)


async def test_a_compressed_body_is_not_unpacked(webhook: Program, tenant: Tenant) -> None:
    for body in (gzip.compress(good_body(tenant)), gzip.compress(b"{" + b" " * 50_000_000 + b"}")):
        for line in ("Content-Encoding: gzip", "Transfer-Encoding-: gzip"):
            await refused(webhook, tenant, good_request(tenant, line, body=body), 400, 415)


@pytest.mark.parametrize(
    "line",
    [
        "Content-Type: application/json; charset=latin-1",
        "Content-Type: text/plain",
        "Content-Type: multipart/form-data; boundary=x",
        "Content-Type: \xff\xfe",
        "Content-Encoding: identity",
        "X-Forwarded-Host: evil",
        "X-Original-URL: /livez",
        "X-Hub-Signature-256: sha256=00",
        "Range: bytes=0-1",
        "If-Match: *",
    ],
)
async def test_headers_that_say_nothing_about_the_sender_change_nothing(
    webhook: Program, tenant: Tenant, line: str
) -> None:
    body = good_body(tenant)
    assert (await ask(webhook, good_request(tenant, line, body=body))).status == 200
    assert [event["raw"].encode() for event in await tenant.events()] == [body]


@pytest.mark.parametrize("last", ["victim", "tenant"])
async def test_a_number_named_twice_in_one_object_is_not_somebody_elses(
    webhook: Program, tenant: Tenant, database: Connect, last: str
) -> None:
    victim = await Tenant.new(database)
    numbers = [victim.phone_number_id, tenant.phone_number_id]
    names = ", ".join(f'"phone_number_id": "{number}"' for number in (numbers if last == "tenant" else numbers[::-1]))
    body = good_body(tenant).replace(f'"phone_number_id": "{tenant.phone_number_id}"'.encode(), names.encode())
    assert (await ask(webhook, good_request(tenant, body=body))).status == (200 if last == "tenant" else 403)
    if last == "tenant":
        assert len(await tenant.until_messages(bool)) == 1
    assert await victim.messages() == []
