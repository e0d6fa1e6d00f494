"""New keys and new webhook secrets: what has to be registered anew is, and what is whose is looked at first."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.tenant import Tenant, digits, token_of
from tests.ops.hooks import HERE, PUBLIC, here, ours, row_of, webhook_of

NEW = {**HERE, "WHATSAPP_WEBHOOK_SECRET": "the new secret", "WHATSAPP_WEBHOOK_SECRET_PREVIOUS": "the old secret"}


@pytest.fixture
async def tenant(database: Connect, business: Business) -> Tenant:
    """A number that is connected, with its webhook under the former secret."""
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    await register(business, "the old secret")
    return tenant


async def register(business: Business, secret: str, url: str | None = None) -> None:
    own, header = ours(business.id, secret)
    body = {"url": url or own, "headers": {"Authorization": header}}
    await business.call("POST", "/v1/configs/webhook", json=body)


async def lines(business: Business, *options: str, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    """How the command ends for one number, and what it says of it."""
    answer = await here("rotate-webhook-secret", "--number", business.id, "--json", *options, **(NEW | environment))
    return answer.status, answer.json


def row(business: Business, was: str, now: str, webhook: str = "number") -> dict[str, Any]:
    return {"number": business.id, "webhook": webhook, "was": was, "now": now, "problem": None}


async def test_a_new_key_brings_its_webhook_back_and_the_number_goes_on(tenant: Tenant, business: Business) -> None:
    await tenant.rows(
        "update whatsapp_connections set status = 'paused', status_reason = 'credential' where id = %(connection)s"
    )
    await business.control("numbers", api_key=f"{business.api_key}-new")
    void = await here("rotate-key", business.id, typed=business.api_key, **HERE)
    assert (void.status, "does not take the key" in void.complained) == (4, True)
    answer = await here("rotate-key", business.id, "--json", typed=f"{business.api_key}-new", **HERE)
    assert answer.status == 0, answer.complained
    webhook, header = ours(business.id)
    assert answer.json == {
        "number": business.id,
        "provider": "360dialog",
        "status": "active",
        "status_reason": None,
        "webhook": webhook,
    }
    found = await row_of(tenant.database, business.id)
    assert found is not None
    assert found["credential"] == f"{business.api_key}-new"
    renewed = Business(business.simulator, business.id, business.waba_id, f"{business.api_key}-new", "")
    assert await webhook_of(renewed) == (webhook, header)


async def test_another_numbers_key_is_refused_and_nothing_changed(
    tenant: Tenant, business: Business, simulator: Simulator
) -> None:
    other = await simulator.business()
    answer = await here("rotate-key", business.id, typed=other.api_key, **HERE)
    assert (answer.status, f"for the number {other.id}, not for {business.id}" in answer.complained) == (1, True)
    found = await row_of(tenant.database, business.id)
    assert found is not None
    assert found["credential"] == business.api_key
    assert await webhook_of(other) == (None, None)


async def test_a_key_is_stored_though_the_webhook_fails_and_the_next_run_registers_it(
    tenant: Tenant, business: Business
) -> None:
    await business.fault("webhook_config", {"http": 503}, times=1)
    failed = await here("rotate-key", business.id, typed=business.api_key, **HERE)
    assert (failed.status, "Run it again" in failed.complained) == (4, True)
    assert (await here("rotate-key", business.id, typed=business.api_key, **HERE)).status == 0
    assert await webhook_of(business) == ours(business.id)


async def test_a_new_token_of_metas_subscribes_its_app(database: Connect, business: Business) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id, "meta")
    await business.call_graph("DELETE", f"/{business.waba_id}/subscribed_apps")
    answer = await here("rotate-key", business.id, typed=business.access_token, **HERE)
    assert answer.status == 0, answer.complained
    assert (await business.call_graph("GET", f"/{business.waba_id}/subscribed_apps")).body["data"]
    (stored,) = await tenant.rows("select get_connection_credential(%(connection)s) as credential")
    assert stored["credential"] == business.access_token


async def test_a_webhook_secret_is_rotated_number_by_number(tenant: Tenant, business: Business) -> None:
    status, seen = await lines(business, "--check")
    assert (status, seen) == (1, [row(business, "previous", "previous")])
    assert await webhook_of(business) == ours(business.id, "the old secret")
    assert await lines(business) == (0, [row(business, "previous", "current")])
    assert await webhook_of(business) == ours(business.id, "the new secret")
    assert await lines(business) == (0, [row(business, "current", "current")])
    await register(business, "a third")
    assert await lines(business) == (0, [row(business, "unknown token", "current")])


async def test_a_webhook_that_points_elsewhere_is_left_alone(tenant: Tenant, business: Business) -> None:
    await register(business, "the old secret", "https://other.example/hook")
    assert await lines(business) == (1, [row(business, "elsewhere", "elsewhere")])
    assert (await webhook_of(business))[0] == "https://other.example/hook"


async def test_an_accounts_webhook_is_rotated_with_its_numbers(
    tenant: Tenant, business: Business, simulator: Simulator, database: Connect
) -> None:
    second = await simulator.business(waba_id=business.waba_id)
    other = await Tenant.new(database, second.id, business.waba_id)
    await other.set_credential(second.api_key)
    header = f"Bearer {token_of(business.waba_id, 'the old secret')}"
    url = f"{PUBLIC}/webhooks/360dialog/waba/{business.waba_id}"
    await business.call("POST", "/waba_webhook", json={"url": url, "headers": {"Authorization": header}})
    of_first = [row(business, "previous", "current"), row(business, "previous", "current", "account")]
    assert await lines(business) == (0, of_first)
    assert await lines(second) == (0, [row(second, "current", "current", "account")])
    shared = (await business.call("GET", "/waba_webhook")).body
    assert shared["headers"]["Authorization"] == f"Bearer {token_of(business.waba_id, 'the new secret')}"
    # The second has none of its own and needs none.
    assert await webhook_of(second) == (None, None)


async def test_a_number_whose_provider_fails_is_named_and_the_others_go_on(tenant: Tenant, business: Business) -> None:
    await business.control("numbers", api_key=f"{business.api_key}-{digits(4)}")
    status, seen = await lines(business)
    assert status == 4
    assert (seen[0]["was"], seen[0]["now"], "does not take the key" in seen[0]["problem"]) == (None, None, True)
    await tenant.rows("delete from private.connection_credentials where connection_id = %(connection)s")
    _, seen = await lines(business)
    assert seen[0]["now"] == "no key"
