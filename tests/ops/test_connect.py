"""`wabase connect`: a key becomes a number that works, once, whatever stops the command on the way."""

from __future__ import annotations

import asyncio
import json
from uuid import uuid4

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.programs import Program
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.ops.conftest import begin
from tests.ops.hooks import HERE, here, ours, row_of, tenant_of, webhook_of
from tests.webhook.posting import post, text_from_customer


async def test_a_360dialog_key_becomes_a_number_that_sends_and_receives(
    database: Connect, business: Business, workspace: str
) -> None:
    command = ("connect", "360dialog", "--workspace", workspace, "--json")
    answer = await here(*command, typed=f"{business.api_key}\n", **HERE)
    assert (answer.status, answer.complained.count("quality GREEN")) == (0, 1), answer.complained
    row = await row_of(database, business.id)
    assert row is not None
    assert (str(row["workspace_id"]), row["provider"], row["waba_id"]) == (workspace, "360dialog", business.waba_id)
    assert (row["status"], row["status_reason"], row["credential"]) == ("active", None, business.api_key)
    assert answer.json == {
        "number": business.id,
        "display_phone_number": row["display_phone_number"],
        "name": "Simulated business",
        "provider": "360dialog",
        "waba_id": business.waba_id,
        "workspace_id": workspace,
        "connection_id": str(row["id"]),
        "status": "active",
        "status_reason": None,
        "webhook": ours(business.id)[0],
        "problems": [],
    }
    assert await webhook_of(business) == ours(business.id)
    assert business.api_key not in answer.said + answer.complained
    again = await here(*command, typed=business.api_key, **HERE)
    assert (again.status, again.json) == (0, answer.json)


async def test_a_meta_token_becomes_a_number_whose_account_is_subscribed(
    database: Connect, business: Business, workspace: str
) -> None:
    await business.call_graph("DELETE", f"/{business.waba_id}/subscribed_apps")
    place = ("--phone-number-id", business.id, "--waba-id", business.waba_id, "--workspace", workspace)
    typed = f"{business.access_token}\n123456\n"
    answer = await here("connect", "meta", *place, "--register-pin", "--json", typed=typed, **HERE)
    assert answer.status == 0, answer.complained
    assert (answer.json["provider"], answer.json["status"]) == ("meta", "active")
    assert answer.json["webhook"] == "https://hooks.example.com/webhooks/meta"
    for word in ("The number is registered.", "https://hooks.example.com/webhooks/meta", "VERIFY_TOKEN"):
        assert word in answer.complained
    row = await row_of(database, business.id)
    assert row is not None
    assert row["credential"] == business.access_token
    subscribed = await business.call_graph("GET", f"/{business.waba_id}/subscribed_apps")
    assert len(subscribed.body["data"]) == 1
    other_pin = await here(
        "connect", "meta", *place, "--register-pin", typed=f"{business.access_token}\n654321\n", **HERE
    )
    assert (other_pin.status, "133005" in other_pin.complained) == (4, True)
    assert (await here("connect", "meta", *place, typed=business.access_token, **HERE)).status == 0


@pytest.mark.parametrize("step", ["health", "webhook_config"])
async def test_whatever_step_the_provider_fails_at_the_next_run_ends_well(
    database: Connect, business: Business, workspace: str, step: str
) -> None:
    command = ("connect", "360dialog", "--workspace", workspace)
    for action in ({"cut": "after"}, {"http": 502}, {"http": 200, "body": "<html>"}):
        # The first such call of the command; of webhook_config that is the registration, and then the reading back.
        await business.fault(step, action, times=1)
        answer = await here(*command, typed=business.api_key, **HERE)
        row = await row_of(database, business.id)
        if step == "webhook_config" and action.get("http") == 200:
            assert answer.status == 0, "what the registration answers is nothing that is read"
            continue
        assert (answer.status, answer.said) == (4, ""), answer.complained
        assert "Run" in answer.complained.splitlines()[-1]
        assert (
            row is None if step == "health" else (row and row["status"], row and row["credential"]) == ("paused", None)
        )
    answer = await here(*command, "--json", typed=business.api_key, **HERE)
    assert (answer.status, answer.json["status"]) == (0, "active"), answer.complained
    assert await webhook_of(business) == ours(business.id)


async def test_killed_between_two_steps_it_goes_on_where_it_was(
    database: Connect, business: Business, workspace: str
) -> None:
    await business.fault("webhook_config", {"hang": 30}, times=1)
    command = ("connect", "360dialog", "--workspace", workspace, "--json")
    process = await begin(*command, typed=business.api_key, **HERE)
    await until(lambda: business.seen("requests", operation="webhook_config"), within=30)
    process.kill()
    await process.wait()
    row = await row_of(database, business.id)
    assert row is not None
    assert (row["status"], row["status_reason"]) == ("paused", "credential")
    answer = await here(*command, typed=business.api_key, **HERE)
    assert (answer.status, answer.json["connection_id"], answer.json["status"]) == (0, str(row["id"]), "active")


async def test_a_webhook_that_is_read_back_as_another_is_not_taken_for_registered(
    database: Connect, business: Business, workspace: str
) -> None:
    # Both calls are answered by somebody else: a page that holds another address.
    await business.fault("webhook_config", {"http": 200, "body": {"url": "https://other.example/x", "headers": {}}})
    answer = await here("connect", "360dialog", "--workspace", workspace, typed=business.api_key, **HERE)
    assert (answer.status, "elsewhere, at other.example" in answer.complained) == (4, True), answer.complained
    row = await row_of(database, business.id)
    assert row is not None
    assert row["status"] == "paused"


async def test_a_number_of_another_workspace_is_refused_without_saying_whose(
    database: Connect, business: Business, workspace: str
) -> None:
    other = await Tenant.new(database, business.id, business.waba_id)
    for where in (("--workspace", workspace), ("--create-workspace", f"shop {uuid4()}")):
        answer = await here("connect", "360dialog", *where, typed=business.api_key, **HERE)
        assert answer.status == 1
        assert "cannot be connected here" in answer.complained
        assert other.workspace_id not in answer.complained
    assert await webhook_of(business) == (None, None)


async def test_a_workspace_is_made_once(database: Connect, business: Business) -> None:
    name = f"shop {uuid4()}"
    await business.fault("webhook_config", {"http": 502}, times=1)
    command = ("connect", "360dialog", "--create-workspace", name)
    assert (await here(*command, typed=business.api_key, **HERE)).status == 4
    assert (await here(*command, typed=business.api_key, **HERE)).status == 0
    async with database() as connection:
        cursor = await connection.execute("select count(*) as made from workspaces where name = %s", (name,))
        assert await cursor.fetchone() == {"made": 1}


async def test_a_workspace_that_is_full_or_not_there_is_said_with_what_to_do(
    simulator: Simulator, business: Business, database: Connect
) -> None:
    tenant = await Tenant.new(database)
    full = await here("connect", "360dialog", "--workspace", tenant.workspace_id, typed=business.api_key, **HERE)
    assert (full.status, f"connection_limit of the row {tenant.workspace_id}" in full.complained) == (1, True)
    unknown = await here("connect", "360dialog", "--workspace", str(uuid4()), typed=business.api_key, **HERE)
    assert (unknown.status, "There is no workspace" in unknown.complained) == (1, True), unknown.complained
    # Other tests have made some, too.
    several = await here("connect", "360dialog", typed=business.api_key, **HERE)
    assert (several.status, "--workspace ID" in several.complained) == (2, True)
    assert await row_of(database, business.id) is None


async def test_it_waits_for_the_first_webhook_if_asked(
    database: Connect, business: Business, workspace: str, webhook: Program
) -> None:
    command = ("connect", "360dialog", "--workspace", workspace, "--json")
    late = await here(*command, "--wait", "0.1", typed=business.api_key, **HERE)
    assert (late.status, late.json["first_webhook"], late.json["status"]) == (1, None, "active")
    row = await row_of(database, business.id)
    assert row is not None
    tenant = tenant_of(database, row)
    process = await begin(*command, "--wait", "50", typed=business.api_key, **HERE)
    waiting = asyncio.create_task(process.communicate())

    async def posted() -> bool:
        assert await post(webhook, tenant, text_from_customer(tenant)) == 200
        await asyncio.sleep(0.2)
        return waiting.done()

    await until(posted, within=40)
    said, complained = await waiting
    assert process.returncode == 0, complained
    assert json.loads(said)["first_webhook"]
