"""A provider that refuses, answers late or answers nonsense: a sentence, status 4, and all stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.tenant import Tenant
from tests.ops.hooks import HERE, here, ours, row_of, webhook_of

NEW = {**HERE, "WHATSAPP_WEBHOOK_SECRET": "the new secret", "WHATSAPP_WEBHOOK_SECRET_PREVIOUS": "the old secret"}
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "refuses": ({"error": 131031}, "refuses: 131031"),
    "takes no key": ({"error": 190}, "does not take the key"),
    "is busy": ({"error": 80007}, "is too busy"),
    "fails": ({"http": 502, "body": "<html>"}, "answers too late, or what makes no sense"),
    "answers nonsense": ({"http": 200, "body": "<html>welcome</html>"}, "answers too late, or what makes no sense"),
    "answers something": ({"http": 200, "body": {"welcome": 1}}, ""),
    "hangs up": ({"cut": "before"}, "answers too late, or what makes no sense"),
    "is late": ({"delay_ms": 3000}, "answers too late, or what makes no sense"),
}


@pytest.fixture
async def tenant(database: Connect, business: Business) -> Tenant:
    """A number that is connected, with its webhook under the former secret."""
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    url, header = ours(business.id, "the old secret")
    await business.call("POST", "/v1/configs/webhook", json={"url": url, "headers": {"Authorization": header}})
    return tenant


@pytest.fixture
def impatient(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No half minute for an answer that is late. For one that comes it is left: a busy machine is late, too."""
    if fault == "is late":
        monkeypatch.setattr("whatsapp.account.SECONDS", 1.0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_move_that_the_new_place_does_not_answer_for_is_not_begun(
    database: Connect, tenant: Tenant, simulator: Simulator, business: Business, fault: str
) -> None:
    before, there = await row_of(database, business.id), await simulator.business()
    action, said = FAULTS[fault]
    await there.fault("health", action)
    moving = ("migrate", business.id, "--to-provider", "360dialog", "--phone-number-id", there.id, "--yes")
    answer = await here(*moving, typed=there.api_key, **HERE)
    assert (answer.status, answer.said, said in answer.complained) == (4, "", True), answer.complained
    assert await row_of(database, business.id) == before
    assert await webhook_of(there) == (None, None)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_key_that_its_provider_does_not_answer_for_is_not_stored(
    database: Connect, tenant: Tenant, business: Business, fault: str
) -> None:
    await tenant.set_credential("the key before")
    before = await row_of(database, business.id)
    action, said = FAULTS[fault]
    await business.fault("health", action)
    answer = await here("rotate-key", business.id, typed=business.api_key, **HERE)
    assert (answer.status, answer.said, said in answer.complained) == (4, "", True), answer.complained
    assert await row_of(database, business.id) == before


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "answers something"])
async def test_webhooks_whose_provider_does_not_answer_stay_as_they_are(
    tenant: Tenant, business: Business, fault: str
) -> None:
    action, said = FAULTS[fault]
    await business.fault("webhook_config", action)
    for option in ("--check", None):
        options = (option,) if option else ()
        answer = await here("rotate-webhook-secret", "--number", business.id, "--json", *options, **NEW)
        assert (answer.status, answer.json[0]["now"]) == (4, None), answer
        assert said in answer.json[0]["problem"]
    await business.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": business.id})
    assert await webhook_of(business) == ours(business.id, "the old secret")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_number_whose_webhooks_cannot_be_turned_away_stays_connected(
    database: Connect, tenant: Tenant, business: Business, fault: str
) -> None:
    before = await row_of(database, business.id)
    action, said = FAULTS[fault]
    await business.fault("webhook_config", action)
    leaving = ("disconnect", business.id, "--yes", "--webhook-url", "https://next.example.com/hook")
    answer = await here(*leaving, **HERE)
    assert (answer.status, answer.said, said in answer.complained) == (4, "", True), answer.complained
    assert await row_of(database, business.id) == before
