"""Everything that is turned away, and with which status; nothing of it is kept."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.conftest import Connect
from tests.flows.programs import Program
from tests.flows.tenant import Tenant, token_of
from tests.webhook.posting import post, post_raw, text_from_customer

MEBIBYTE = 1024 * 1024


def path_of(tenant: Tenant) -> str:
    return f"/webhooks/360dialog/{tenant.phone_number_id}"


def head_of(tenant: Tenant, *lines: str) -> bytes:
    authorization = f"Authorization: Bearer {token_of(tenant.phone_number_id)}"
    return "\r\n".join((f"POST {path_of(tenant)} HTTP/1.1", "Host: x", authorization, *lines, "", "")).encode()


async def status_of(webhook: Program, *pieces: bytes, within: float = 5) -> int:
    """What a receiver answers to bytes written to it piece by piece, whether it wants them or not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(webhook.url.rpartition(":")[2]))
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        async with asyncio.timeout(within):
            return int((await reader.readline()).split()[1])
    finally:
        writer.close()


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer wrong",
        "Basic {token}",
        "{token}",
        "Bearer {token}0",
        "Bearer {of_another}",
        "Bearer {of_waba}",
    ],
)
async def test_who_does_not_show_the_numbers_token_gets_401(
    webhook: Program, tenant: Tenant, database: Connect, authorization: str | None
) -> None:
    another = await Tenant.new(database)
    tokens = {
        "token": token_of(tenant.phone_number_id),
        "of_another": token_of(another.phone_number_id),
        "of_waba": token_of(tenant.waba_id),
    }
    headers = {} if authorization is None else {"Authorization": authorization.format(**tokens)}
    raw = json.dumps(text_from_customer(tenant)).encode()
    assert await post_raw(webhook, path_of(tenant), raw, headers) == 401
    assert await tenant.events() == []


async def test_a_token_is_checked_before_a_byte_of_the_body_is_read(webhook: Program, tenant: Tenant) -> None:
    head = head_of(tenant, f"Content-Length: {3 * MEBIBYTE}").replace(b"Bearer ", b"Bearer 0")
    assert await status_of(webhook, head) == 401


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not JSON",
        b"[]",
        b'"text"',
        b"null",
        b'{"entry": NaN}',
        b'{"entry": -Infinity}',
        b'{"entry": []',
        b'{"entry": []} {}',
        b'{"entry": "\x00"}',
        b'{"entry": "\xff"}',
        b'\xef\xbb\xbf{"entry": []}',
        '{"entry": []}'.encode("utf-16"),
        b'{"entry": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    ],
    ids=lambda raw: repr(raw[:20]),
)
async def test_what_is_no_json_object_gets_400(webhook: Program, tenant: Tenant, raw: bytes) -> None:
    marked = raw.replace(b'"entry"', f'"{tenant.phone_number_id}": 1, "entry"'.encode(), 1)
    assert await post(webhook, tenant, marked) == 400
    assert await tenant.events() == []


@pytest.mark.parametrize("raw", [b"{", b"\xff", b""], ids=repr)
async def test_who_shows_no_token_is_not_told_whether_a_body_can_be_read(
    webhook: Program, tenant: Tenant, raw: bytes
) -> None:
    assert await post(webhook, tenant, raw, token="wrong") == 401
    assert await post_raw(webhook, path_of(tenant), raw, {}) == 401


async def test_a_body_that_says_it_is_too_large_gets_413_before_it_is_sent(webhook: Program, tenant: Tenant) -> None:
    assert await status_of(webhook, head_of(tenant, f"Content-Length: {5 * MEBIBYTE}")) == 413


async def test_a_body_that_grows_too_large_gets_413(webhook: Program, tenant: Tenant) -> None:
    chunk = b"%x\r\n" % MEBIBYTE + b" " * MEBIBYTE + b"\r\n"
    assert await status_of(webhook, head_of(tenant, "Transfer-Encoding: chunked"), *[chunk] * 5) == 413


async def test_a_body_of_metas_greatest_size_is_taken(webhook: Program, tenant: Tenant) -> None:
    body = text_from_customer(tenant, type="long", long={"it": "x" * 3 * MEBIBYTE})
    assert await post(webhook, tenant, body) == 200


async def test_a_body_that_only_speaks_of_foreign_numbers_gets_403(
    webhook: Program, tenant: Tenant, database: Connect
) -> None:
    victim = await Tenant.new(database)
    assert await post(webhook, tenant, text_from_customer(victim)) == 403
    assert await victim.events() + await tenant.events() == []


async def test_a_foreign_waba_under_a_wabas_token_gets_403(webhook: Program, tenant: Tenant, database: Connect) -> None:
    victim = await Tenant.new(database)
    raw = json.dumps(text_from_customer(victim)).encode()
    headers = {"Authorization": f"Bearer {token_of(tenant.waba_id)}"}
    assert await post_raw(webhook, f"/webhooks/360dialog/waba/{tenant.waba_id}", raw, headers) == 403
    assert await victim.events() == []


async def test_a_foreign_number_among_others_is_set_aside_with_its_reason(
    webhook: Program, tenant: Tenant, database: Connect
) -> None:
    victim = await Tenant.new(database)
    body, foreign = text_from_customer(tenant, "mine"), text_from_customer(victim, "not mine")
    body["entry"] += foreign["entry"]
    assert await post(webhook, tenant, body) == 200
    (event,) = await tenant.until_events("failed")
    assert event["error"] == (
        f"change 1: speaks of number {victim.phone_number_id}, came with the token of {tenant.phone_number_id}"
    )
    assert [message["content"]["body"] for message in await tenant.messages()] == ["mine"]
    assert await victim.messages() == []


async def test_a_body_that_dribbles_in_is_cut_off_within_the_providers_patience(
    webhook: Program, tenant: Tenant
) -> None:
    assert await status_of(webhook, head_of(tenant, "Content-Length: 100"), b'{"entry"', within=4.9) == 408
    assert await tenant.events() == []


@pytest.mark.parametrize(("method", "path"), [("GET", "/webhooks/360dialog/1"), ("PUT", "/webhooks/meta")])
async def test_other_methods_get_405(webhook: Program, method: str, path: str) -> None:
    assert await status_of(webhook, f"{method} {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == 405


@pytest.mark.parametrize("subject", ["%00", "..%2fx", "%d9%a1", "a%20b", "-"])
async def test_an_id_that_is_none_gets_no_further(webhook: Program, subject: str) -> None:
    assert await post_raw(webhook, f"/webhooks/360dialog/{subject}", b"{}", {"Authorization": "Bearer x"}) in (401, 404)
