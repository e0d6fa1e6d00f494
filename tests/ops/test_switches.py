"""Numbers as an operator sees them, stopped, let go on, and let go."""

from __future__ import annotations

from typing import Any

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.programs import Program
from tests.flows.tenant import Tenant
from tests.ops.hooks import HERE, here, row_of, webhook_of
from tests.webhook.posting import post, text_from_customer


async def listed(number: str) -> dict[str, Any]:
    answer = await here("numbers", "--json")
    assert answer.status == 0, answer.complained
    (row,) = [row for row in answer.json if row["number"] == number]
    return dict(row)


async def test_numbers_are_listed_with_what_they_wait_for_and_when_a_webhook_came(
    tenant: Tenant, webhook: Program
) -> None:
    await tenant.rows("update whatsapp_connections set quality_rating = 'GREEN' where id = %(connection)s")
    before = await listed(tenant.phone_number_id)
    (row,) = await tenant.rows("select status_since from whatsapp_connections where id = %(connection)s")
    assert before == {
        "number": tenant.phone_number_id,
        "workspace": "a shop",
        "provider": "360dialog",
        "status": "active",
        "since": row["status_since"].isoformat()[:19],
        "reason": None,
        "quality": "GREEN",
        "per_second": 80,
        "last_webhook": None,
        "former_ids": [],
        "workspace_id": tenant.workspace_id,
        "connection_id": tenant.connection_id,
        "waba_id": tenant.waba_id,
    }
    assert await post(webhook, tenant, text_from_customer(tenant)) == 200
    assert (await listed(tenant.phone_number_id))["last_webhook"]
    text = await here("numbers")
    assert text.said.splitlines()[0].split()[:3] == ["number", "workspace", "provider"]


async def test_a_number_stops_with_a_reason_and_goes_on(tenant: Tenant) -> None:
    number = tenant.phone_number_id
    answer = await here("pause", number, "--reason", "moving house", "--json")
    assert (answer.status, answer.json) == (
        0,
        {"number": number, "status": "paused", "status_reason": "moving house"},
    )
    row = await listed(number)
    assert (row["status"], row["reason"]) == ("paused", "moving house")
    assert (await here("resume", number)).said == f"{number} is active.\n"
    assert (await listed(number))["status"] == "active"


async def test_a_number_sends_as_fast_as_its_operator_says(tenant: Tenant) -> None:
    number = tenant.phone_number_id
    answer = await here("rate", number, "20", "--json")
    assert (answer.status, answer.json) == (0, {"number": number, "messages_per_second": 20, "before": 80})
    assert (await listed(number))["per_second"] == 20
    assert (await here("rate", number, "1001")).status == 2
    assert (await here("rate", "4711", "20")).status == 1
    assert (await listed(number))["per_second"] == 20


async def test_a_number_that_is_let_go_forgets_its_key_and_keeps_its_threads(
    database: Connect, business: Business
) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    conversation = await tenant.conversation()
    waiting = await tenant.queue(conversation, "hello")
    asked = await here("disconnect", business.id, typed="n\n", **HERE)
    assert (asked.status, (await listed(business.id))["status"]) == (1, "active")
    answer = await here("disconnect", business.id, typed="y\n", **HERE)
    assert (answer.status, "can be replaced, not removed" in answer.complained) == (0, True), answer.complained
    row = await row_of(database, business.id)
    assert row is not None
    assert (row["status"], row["status_reason"], row["credential"]) == ("disconnected", "operator", None)
    assert len(await tenant.messages()) == 2
    (explained,) = await tenant.rows("select explain_outbound(%(id)s) as answer", id=waiting)
    assert explained["answer"]["reason"] == "connection_disconnected"
    assert (await here("resume", business.id)).status == 1
    # And back, by connecting it: the same row, the same threads, and what waited goes out.
    back = await here("connect", "360dialog", "--workspace", tenant.workspace_id, typed=business.api_key, **HERE)
    assert back.status == 0, back.complained
    again = await row_of(database, business.id)
    assert again is not None
    assert (again["id"], again["status"]) == (row["id"], "active")


async def test_webhooks_are_sent_elsewhere_if_asked_and_the_key_is_kept_until_they_are(
    database: Connect, business: Business
) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    command = ("disconnect", business.id, "--yes", "--webhook-url", "https://next.example.com/hook")
    await business.fault("webhook_config", {"http": 503}, times=1)
    failed = await here(*command, **HERE)
    row = await row_of(database, business.id)
    assert row is not None
    assert (failed.status, row["status"], row["credential"]) == (4, "active", business.api_key)
    assert (await here(*command, **HERE)).status == 0
    assert await webhook_of(business) == ("https://next.example.com/hook", None)
    assert (await here(*command[:-1], "no address", **HERE)).status == 2


async def test_the_last_number_of_an_account_of_metas_ends_its_subscription(
    database: Connect, business: Business, simulator: Simulator
) -> None:
    second = await simulator.business(waba_id=business.waba_id, access_token=business.access_token)
    for number in (business, second):
        tenant = await Tenant.new(database, number.id, business.waba_id, "meta")
        await tenant.set_credential(business.access_token)

    async def subscribed() -> bool:
        answer = await business.call_graph("GET", f"/{business.waba_id}/subscribed_apps")
        return bool(answer.body["data"])

    assert (await here("disconnect", business.id, "--yes", **HERE)).status == 0
    assert await subscribed()
    assert (await here("disconnect", second.id, "--yes", **HERE)).status == 0
    assert not (await simulator.call("GET", f"/v25.0/{business.waba_id}/subscribed_apps", headers=business.graph)).body[
        "data"
    ]


async def test_a_revoked_token_does_not_keep_a_number_here(database: Connect, business: Business) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id, "meta")
    await tenant.set_credential("revoked")
    answer = await here("disconnect", business.id, "--yes", **HERE)
    assert (answer.status, answer.said) == (4, f"{business.id} is disconnected.\n")
    assert "does not take the key" in answer.complained
    assert (await listed(business.id))["status"] == "disconnected"


async def test_without_its_key_a_numbers_webhooks_are_not_said_to_go_elsewhere(
    database: Connect, business: Business
) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    command = ("disconnect", business.id, "--yes", "--json", "--webhook-url", "https://next.example.com/hook")
    for status in ("active", "disconnected"):
        answer = await here(*command, **HERE)
        assert (answer.status, answer.said, "no key here" in answer.complained) == (1, "", True), answer
        assert (await listed(business.id))["status"] == status
        await tenant.rows("select release_connection(%(connection)s)")
    assert await webhook_of(business) == (None, None)


async def test_a_number_of_metas_has_no_webhook_to_send_elsewhere(database: Connect, business: Business) -> None:
    await Tenant.new(database, business.id, business.waba_id, "meta")
    command = ("disconnect", business.id, "--yes", "--webhook-url", "https://next.example.com/hook")
    answer = await here(*command, **HERE)
    assert (answer.status, "numbers of 360dialog" in answer.complained) == (2, True), answer
    assert (await listed(business.id))["status"] == "active"
    untold = await here(*command[:3], **HERE)
    assert (untold.status, "Meta is not told" in untold.complained) == (0, True), untold
