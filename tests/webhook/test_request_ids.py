"""A request's id: what a proxy has called it is in its line and its answer; what nobody has called is named here."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant, token_of
from tests.flows.waiting import until
from tests.webhook.posting import text_from_customer
from tests.webhook.signups import Office


async def posted(
    http: httpx.AsyncClient, webhook: Program, tenant: Tenant, named: str | None, token: str | None = None
) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token or token_of(tenant.phone_number_id)}"}
    headers |= {"X-Request-Id": named} if named is not None else {}
    url = f"{webhook.url}/webhooks/360dialog/{tenant.phone_number_id}"
    return await http.post(url, json=text_from_customer(tenant), headers=headers)


def told(program: Program, event: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in program.said.splitlines())
    return [line for line in lines if line["event"] == event]


async def test_it_leads_from_a_proxys_log_to_the_line_and_to_the_event(
    programs: Programs, tenant: Tenant, http: httpx.AsyncClient
) -> None:
    webhook = await programs.webhook(LOG_LEVEL="debug")
    taken = await posted(http, webhook, tenant, "proxy-1")
    assert (taken.status_code, taken.headers["x-request-id"]) == (200, "proxy-1")
    (event,) = await tenant.events()

    async def received() -> list[dict[str, Any]]:
        return told(webhook, "webhook.received")

    (line,) = await until(received)
    assert (line["request_id"], line["event_id"]) == ("proxy-1", event["id"])
    refused = await posted(http, webhook, tenant, "proxy-2", token="0" * 64)
    assert (refused.status_code, refused.headers["x-request-id"]) == (401, "proxy-2")
    assert [line["request_id"] for line in told(webhook, "webhook.refused")] == ["proxy-2"]


@pytest.mark.parametrize("named", [None, "", "two words", '"},{"event":"forged"', "x" * 101])
async def test_what_is_none_gets_one_of_its_own(
    webhook: Program, tenant: Tenant, http: httpx.AsyncClient, named: str | None
) -> None:
    answers = [await posted(http, webhook, tenant, named), await posted(http, webhook, tenant, named)]
    ids = {answer.headers["x-request-id"] for answer in answers}
    assert len(ids) == 2
    assert named not in ids
    assert all(one.isascii() and 10 < len(one) <= 100 for one in ids)


async def test_a_signup_has_one_too(office: Office) -> None:
    url = f"{office.webhook.url}/onboarding/meta"
    named = {"X-Request-Id": "proxy-3", "Origin": "https://app.example.com"}
    answer = await office.http.post(url, json={}, headers=office.owner.headers | named)
    assert (answer.status_code, answer.headers["x-request-id"]) == (400, "proxy-3")
    assert answer.headers["access-control-expose-headers"] == "x-request-id"
    lines = told(office.webhook, "onboarding.refused")
    assert "proxy-3" in [line["request_id"] for line in lines]
