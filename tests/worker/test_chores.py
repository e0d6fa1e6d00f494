"""Templates and health of numbers, asked after by the worker: when, what comes of it, and what it may not hold up."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import Program
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, digits
from tests.flows.waiting import until

pytestmark = pytest.mark.usefixtures("worker")

BODY = [{"type": "BODY", "text": "News"}]
PAYLOADS = Path(__file__).parents[1] / "payloads"
# One of each webhook about a number or its account: restrictions and bans are among those of the account.
NOTICES = (
    "account_restricted",
    "account_alert",
    "account_review",
    "business_capability",
    "phone_number_name",
    "phone_number_quality",
)


async def approve(shop: Shop, name: str, **fields: Any) -> None:
    await shop.business.control("templates", **{"name": name, "components": BODY, **fields})


async def known(tenant: Tenant) -> dict[str, str]:
    """Each template's status."""
    rows = await tenant.rows("select name, status from message_templates where connection_id = %(connection)s")
    return {row["name"]: row["status"] for row in rows}


async def chore(tenant: Tenant, kind: str) -> dict[str, Any]:
    (row,) = await tenant.rows(
        "select *, due_at - now() as wait from private.connection_chores"
        " where connection_id = %(connection)s and kind = %(kind)s",
        kind=kind,
    )
    return row


async def until_done(tenant: Tenant, kind: str) -> dict[str, Any]:
    return await until(lambda: chore(tenant, kind), lambda row: row["done_at"] is not None)


async def now(tenant: Tenant, kind: str) -> None:
    """Time passes: it is due."""
    await tenant.rows(
        "update private.connection_chores set due_at = now(), started_at = null, done_at = null, error = null"
        " where connection_id = %(connection)s and kind = %(kind)s",
        kind=kind,
    )


async def number(tenant: Tenant) -> dict[str, Any]:
    (row,) = await tenant.rows("select * from whatsapp_connections where id = %(connection)s")
    return row


async def blocked(shop: Shop, **fields: Any) -> None:
    """WhatsApp says from now on that the number may not send."""
    error = {"error_code": 141006, "error_description": "No payment method.", "possible_solution": "Add one."}
    entities = [
        {"entity_type": "PHONE_NUMBER", "id": shop.business.id},
        {"entity_type": "WABA", "id": "7", "errors": [error]},
    ]
    body = {"health_status": {"can_send_message": "BLOCKED", "entities": entities}, **fields}
    await shop.business.fault("health", {"http": 200, "body": body})


async def fair(shop: Shop) -> None:
    answer = await shop.business.simulator.call("DELETE", f"/_control/faults?phone_number_id={shop.business.id}")
    assert answer.status == 200


@pytest.mark.parametrize("provider", ["360dialog", "meta"])
async def test_a_number_with_its_credential_gets_its_templates_and_its_names(
    database: Connect, simulator: Simulator, provider: str
) -> None:
    business = await simulator.business(name="Cohen & Sons")
    await business.control("templates", name="news", components=BODY, category="MARKETING")
    tenant = await Tenant.new(database, business.id, business.waba_id, provider)
    await tenant.set_credential(business.api_key if provider == "360dialog" else business.access_token)
    assert await until(lambda: known(tenant)) == {"news": "APPROVED"}
    done = await until_done(tenant, "templates")
    assert 5 * 3600 < done["wait"].total_seconds() < 7 * 3600
    done = await until_done(tenant, "health")
    assert 21 * 3600 < done["wait"].total_seconds() < 27 * 3600
    row = await number(tenant)
    assert (row["quality_rating"], row["display_phone_number"][:5]) == ("GREEN", "+1555")
    assert row["provider_notices"]["health"]["value"]["verified_name"] == "Cohen & Sons"


async def test_a_number_sends_as_fast_as_meta_grants_it(database: Connect, simulator: Simulator) -> None:
    business = await simulator.business(messages_per_second=20)
    tenant = await Tenant.new(database, business.id, business.waba_id, "meta")
    await tenant.set_credential(business.access_token)
    await until_done(tenant, "health")
    assert (await number(tenant))["messages_per_second"] == 20


async def test_categories_are_known_before_the_first_webhook(shop: Shop) -> None:
    await until_done(shop.tenant, "templates")
    await approve(shop, "sale", category="MARKETING")
    await approve(shop, "receipt", category="UTILITY")
    await now(shop.tenant, "templates")
    await until(lambda: known(shop.tenant), lambda names: len(names) == 2)
    conversation_id = await shop.tenant.conversation()
    await shop.tenant.rows(
        "with who as (insert into contacts (workspace_id, name, marketing_opted_out_at)"
        "   values (%(workspace)s, 'Dana', now()) returning id)"
        " update conversations set contact_id = who.id from who where conversations.id = %(thread)s",
        thread=conversation_id,
    )
    content = {"language": {"code": "en_US"}}
    sale = await shop.tenant.queue(conversation_id, content | {"name": "sale"}, "template")
    receipt = await shop.tenant.queue(conversation_id, content | {"name": "receipt"}, "template")
    row = await shop.tenant.until_message(sale, lambda row: row["status"] == "failed")
    assert row["error"]["code"] == "opted_out"
    await shop.tenant.until_message(receipt, lambda row: row["status"] == "read")


async def test_a_send_that_no_template_fits_has_them_synced(shop: Shop) -> None:
    await until_done(shop.tenant, "templates")
    await approve(shop, "sale", components=[{"type": "BODY", "text": "Hi {{1}}"}])
    await shop.tenant.rows(
        "update private.connection_chores set started_at = null where connection_id = %(connection)s"
    )
    content = {"name": "sale", "language": {"code": "en_US"}}
    message_id = await shop.tenant.queue(await shop.tenant.conversation(), content, "template")
    row = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert row["error"]["code"] == 132000
    assert await until(lambda: known(shop.tenant)) == {"sale": "APPROVED"}


async def test_what_is_gone_at_whatsapp_is_marked_and_nonsense_takes_nothing_for_gone(shop: Shop) -> None:
    await until_done(shop.tenant, "templates")
    await approve(shop, "sale")
    await now(shop.tenant, "templates")
    await until(lambda: known(shop.tenant))
    await until_done(shop.tenant, "templates")
    await shop.business.fault("templates", {"http": 200, "body": "<html>"})
    await now(shop.tenant, "templates")
    failed = await until(lambda: chore(shop.tenant, "templates"), lambda row: row["error"])
    assert (failed["error"]["code"], await known(shop.tenant)) == ("no_answer", {"sale": "APPROVED"})
    assert 40 < failed["wait"].total_seconds() < 80
    await fair(shop)
    assert (await shop.business.call("DELETE", "/message_templates", params={"name": "sale"})).status == 200
    await now(shop.tenant, "templates")
    await until(lambda: known(shop.tenant), lambda names: names == {"sale": "DELETED"})


async def test_a_provider_that_takes_its_time_delays_no_message(shop: Shop) -> None:
    await until_done(shop.tenant, "templates")
    await until_done(shop.tenant, "health")
    for operation in ("templates", "health"):
        await shop.business.fault(operation, {"hang": 5})
        await now(shop.tenant, operation)
    await until(lambda: chore(shop.tenant, "templates"), lambda row: row["lease_token"])
    message_id = await shop.queue_text()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "read", within=4)
    assert (await chore(shop.tenant, "templates"))["lease_token"] is not None


async def test_a_provider_that_takes_its_time_delays_no_other_numbers_chores(shop: Shop, other: Shop) -> None:
    for operation in ("templates", "health"):
        for one in (shop, other):
            await until_done(one.tenant, operation)
        await shop.business.fault(operation, {"hang": 25})
        await now(shop.tenant, operation)
    await until(lambda: holding(shop.tenant), lambda count: count > 0, within=20)
    # Chores are polled for, each second.
    await asyncio.sleep(2)
    assert await holding(shop.tenant) == 1
    await now(other.tenant, "health")
    # The test before may have left a number that holds the other slot for some seconds.
    await until(lambda: chore(other.tenant, "health"), lambda row: row["done_at"] is not None, within=15)
    assert await holding(shop.tenant) == 1
    await shop.tenant.rows("delete from private.connection_chores where connection_id = %(connection)s")


async def holding(tenant: Tenant) -> int:
    """How many of a number's chores are being done."""
    (row,) = await tenant.rows(
        "select count(lease_token) from private.connection_chores where connection_id = %(connection)s"
    )
    return int(row["count"])


async def test_a_refused_key_pauses_its_number_and_the_next_one_resumes_it(
    database: Connect, simulator: Simulator, webhook: Program
) -> None:
    shop = await Shop.new(database, simulator, webhook, credential=f"wrong-{digits()}")
    row = await until(lambda: number(shop.tenant), lambda row: row["status"] == "paused")
    assert (row["status_reason"], row["last_error"]["code"]) == ("credential", 401)
    assert row["status_since"] > row["created_at"]
    await approve(shop, "news")
    await shop.tenant.set_credential(shop.business.api_key)
    assert await until(lambda: known(shop.tenant)) == {"news": "APPROVED"}
    assert (await number(shop.tenant))["status"] == "active"


@pytest.mark.parametrize("name", NOTICES)
async def test_every_word_about_account_or_number_has_the_number_looked_at(name: str, shop: Shop) -> None:
    await until_done(shop.tenant, "health")
    await until_done(shop.tenant, "templates")
    body = json.loads((PAYLOADS / f"{name}.json").read_text())
    (entry,) = body["entry"]
    (change,) = entry["changes"]
    entry["id"] = shop.business.waba_id
    if "display_phone_number" in change["value"]:
        change["value"]["display_phone_number"] = (await number(shop.tenant))["display_phone_number"]
    await shop.tenant.rows(
        "update private.connection_chores set started_at = null where connection_id = %(connection)s"
    )
    await shop.business.control("webhook", body=body)
    told = await until(lambda: number(shop.tenant), lambda row: change["field"] in row["provider_notices"])
    assert told["provider_notices"][change["field"]]["value"] == change["value"]
    assert (await chore(shop.tenant, "health"))["wait"].total_seconds() < 11
    assert (await chore(shop.tenant, "templates"))["wait"].total_seconds() > 3600


async def test_a_number_that_may_not_send_waits_until_it_may(shop: Shop) -> None:
    await until_done(shop.tenant, "health")
    await blocked(shop)
    await now(shop.tenant, "health")
    row = await until(lambda: number(shop.tenant), lambda row: row["status"] == "paused")
    assert (row["status_reason"], row["last_error"]["title"]) == (
        "blocked",
        "WABA 141006: No payment method.: Add one.",
    )
    done = await until_done(shop.tenant, "health")
    assert done["wait"].total_seconds() < 2 * 3600
    message_id = await shop.queue_text()
    await fair(shop)
    await now(shop.tenant, "health")
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "read", within=15)


@pytest.mark.parametrize("code", [131042, 131031, 131005])
async def test_a_failure_of_the_number_that_is_reported_later_has_the_number_looked_at(shop: Shop, code: int) -> None:
    """Nothing may have been refused at once: without this a campaign would fail message by message."""
    await until_done(shop.tenant, "health")
    await shop.tenant.rows(
        "update private.connection_chores set started_at = null where connection_id = %(connection)s"
    )
    await shop.business.fault("messages", {"failed": code}, times=1)
    message_id = await shop.queue_text()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    looked_at = await until(lambda: chore(shop.tenant, "health"), lambda row: row["wait"].total_seconds() < 11)
    assert looked_at["wait"].total_seconds() > 0
    assert (await chore(shop.tenant, "templates"))["wait"].total_seconds() > 3600


async def test_a_key_of_another_number_changes_nothing(shop: Shop, other: Shop) -> None:
    for one in (shop, other):
        await until_done(one.tenant, "health")
    await shop.tenant.set_credential(other.business.api_key)
    await shop.tenant.rows("update whatsapp_connections set quality_rating = null where id = %(connection)s")
    await now(shop.tenant, "health")
    failed = await until(lambda: chore(shop.tenant, "health"), lambda row: row["error"])
    row = await number(shop.tenant)
    assert (failed["error"]["code"], row["quality_rating"], row["status"]) == ("other_number", None, "active")


async def test_a_number_of_metas_without_its_account_says_so(database: Connect, simulator: Simulator) -> None:
    business = await simulator.business()
    tenant = await Tenant.new(database, business.id, provider="meta")
    await tenant.rows("update whatsapp_connections set waba_id = null where id = %(connection)s")
    await tenant.set_credential(business.access_token)
    failed = await until(lambda: chore(tenant, "templates"), lambda row: row["error"])
    assert failed["error"]["code"] == "no_waba_id"
    await until_done(tenant, "health")
