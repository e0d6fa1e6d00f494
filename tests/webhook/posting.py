"""Webhooks as the two providers post them."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
import os
from typing import Any

import aiohttp
from yarl import URL

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, digits, token_of
from tests.whatsapp.payload import payload


def text_from_customer(tenant: Tenant, words: str = "hello", **fields: Any) -> dict[str, Any]:
    """A body with one text message to the tenant's number."""
    body = payload("text")
    entry = body["entry"][0]
    entry["id"] = tenant.waba_id
    value = entry["changes"][0]["value"]
    value["metadata"]["phone_number_id"] = tenant.phone_number_id
    value["messages"][0] |= {"id": f"wamid.{digits()}", "text": {"body": words}, **fields}
    return body


def reports(tenant: Tenant, *told: dict[str, Any]) -> dict[str, Any]:
    """A body of delivery reports on what the tenant's number sent."""
    value = {"metadata": {"phone_number_id": tenant.phone_number_id}, "statuses": list(told)}
    return {"entry": [{"id": tenant.waba_id, "changes": [{"field": "messages", "value": value}]}]}


async def post(webhook: Program, tenant: Tenant, body: Any, token: str | None = None) -> int:
    """What the receiver answers 360dialog; a body that is no bytes goes as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Authorization": f"Bearer {token or token_of(tenant.phone_number_id)}"}
    return await post_raw(webhook, f"/webhooks/360dialog/{tenant.phone_number_id}", raw, headers)


async def post_signed(webhook: Program, raw: bytes, signed: bytes | None = None) -> int:
    """What the receiver answers Meta, with the signature of `signed` if that is something else."""
    secret = os.environ["META_APP_SECRET"].encode()
    signature = hmac.new(secret, raw if signed is None else signed, hashlib.sha256).hexdigest()
    return await post_raw(webhook, "/webhooks/meta", raw, {"X-Hub-Signature-256": f"sha256={signature}"})


async def post_raw(webhook: Program, path: str, raw: bytes, headers: dict[str, str]) -> int:
    timeout = aiohttp.ClientTimeout(total=8)
    async with aiohttp.request(
        "POST", URL(webhook.url + path, encoded=True), data=io.BytesIO(raw), headers=headers, timeout=timeout
    ) as answer:
        return answer.status
