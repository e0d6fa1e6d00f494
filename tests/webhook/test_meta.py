"""Meta's endpoint: the handshake, and signatures over the raw bytes."""

from __future__ import annotations

import json
import os

import httpx
import pytest

from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant
from tests.webhook.posting import post_raw, post_signed, text_from_customer


async def shake_hands(webhook: Program, http: httpx.AsyncClient, **query: str) -> httpx.Response:
    given = {
        "mode": "subscribe",
        "challenge": "1158201444",
        "verify_token": os.environ["WHATSAPP_WEBHOOK_VERIFY_TOKEN"],
    }
    params = {f"hub.{name}": value for name, value in (given | query).items()}
    return await http.get(f"{webhook.url}/webhooks/meta", params=params)


async def test_the_challenge_comes_back_as_plain_text(webhook: Program, http: httpx.AsyncClient) -> None:
    answer = await shake_hands(webhook, http)
    assert (answer.status_code, answer.text) == (200, "1158201444")
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("query", [{"verify_token": "wrong"}, {"verify_token": ""}, {"mode": "unsubscribe"}])
async def test_a_handshake_with_anything_wrong_gets_403(
    webhook: Program, http: httpx.AsyncClient, query: dict[str, str]
) -> None:
    assert (await shake_hands(webhook, http, **query)).status_code == 403


async def test_a_signed_body_becomes_rows_of_the_number_it_speaks_of(webhook: Program, tenant: Tenant) -> None:
    assert await post_signed(webhook, json.dumps(text_from_customer(tenant)).encode()) == 200
    assert len(await tenant.until_messages(bool)) == 1
    (event,) = await tenant.until_events("processed")
    assert (event["provider"], event["phone_number_id"]) == ("meta", None)


async def test_one_flipped_byte_gets_401(webhook: Program, tenant: Tenant) -> None:
    raw = json.dumps(text_from_customer(tenant, "pay 100")).encode()
    assert await post_signed(webhook, raw.replace(b"pay 100", b"pay 900"), signed=raw) == 401
    assert await tenant.events() == []


@pytest.mark.parametrize("headers", [{}, {"X-Hub-Signature-256": "sha256="}, {"X-Hub-Signature": "sha1=00"}])
async def test_an_unsigned_body_gets_401(webhook: Program, tenant: Tenant, headers: dict[str, str]) -> None:
    raw = json.dumps(text_from_customer(tenant)).encode()
    assert await post_raw(webhook, "/webhooks/meta", raw, headers) == 401
    assert await tenant.events() == []


async def test_without_metas_settings_its_endpoint_is_closed(
    programs: Programs, tenant: Tenant, http: httpx.AsyncClient
) -> None:
    webhook = await programs.webhook(META_APP_SECRET="", WHATSAPP_WEBHOOK_VERIFY_TOKEN="")
    assert await post_signed(webhook, json.dumps(text_from_customer(tenant)).encode()) == 401
    assert (await shake_hands(webhook, http)).status_code == 403
    assert (await shake_hands(webhook, http, verify_token="")).status_code == 403
