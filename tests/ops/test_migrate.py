"""A number moves between providers and ids: its threads, what waits to be sent, what still comes under the old id."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.programs import Program, programs_in
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.ops.conftest import begin, differences
from tests.ops.hooks import HERE, here, ours, row_of, webhook_of
from tests.webhook.posting import post, text_from_customer


@pytest.fixture
async def shop(database: Connect, simulator: Simulator) -> Shop:
    return await Shop.new(database, simulator, None)


def to_meta(number: str, there: Business, *options: str) -> tuple[str, ...]:
    place = ("--phone-number-id", there.id, "--waba-id", there.waba_id)
    return ("migrate", number, "--to-provider", "meta", *place, "--json", *options)


async def test_a_number_moves_to_meta_with_all_that_it_has(
    shop: Shop, simulator: Simulator, webhook: Program, database: Connect
) -> None:
    tenant, there = shop.tenant, await simulator.business()
    body = text_from_customer(tenant)
    assert await post(webhook, tenant, body) == 200
    (before,) = await tenant.until_messages(lambda rows: len(rows) == 1)
    answer = await here(*to_meta(tenant.phone_number_id, there), typed=there.access_token, **HERE)
    assert answer.status == 0, answer.complained
    assert answer.json == {
        "number": there.id,
        "connection_id": tenant.connection_id,
        "workspace_id": tenant.workspace_id,
        "provider": "meta",
        "waba_id": there.waba_id,
        "former_ids": sorted([tenant.phone_number_id, tenant.waba_id]),
        "status": "active",
        "status_reason": None,
        "webhook": "https://hooks.example.com/webhooks/meta",
    }
    # Late, under the former id and by its address: the same person, the same thread.
    late = text_from_customer(tenant, "late")
    late["entry"][0]["changes"][0]["value"]["messages"][0]["from"] = body["entry"][0]["changes"][0]["value"][
        "messages"
    ][0]["from"]
    assert await post(webhook, tenant, late) == 200
    both = await tenant.until_messages(lambda rows: len(rows) == 2)
    assert {row["conversation_id"] for row in both} == {before["conversation_id"]}
    (thread,) = await tenant.rows("select phone_number_id from conversations where workspace_id = %(workspace)s")
    assert thread["phone_number_id"] == there.id
    # Whoever names it by its former id means it, and running it again changes nothing.
    again = await here(*to_meta(tenant.phone_number_id, there), typed=there.access_token, **HERE)
    assert (again.status, again.json) == (0, answer.json)
    assert await differences(Tenant(database, tenant.workspace_id, tenant.connection_id, there.id, there.waba_id)) == []


async def test_what_waits_is_sent_from_the_new_place_and_its_late_reports_are_heard(
    shop: Shop, simulator: Simulator, tmp_path_factory: pytest.TempPathFactory
) -> None:
    tenant, there = shop.tenant, await simulator.business()
    await there.behave(enforce_window="off", statuses=[])
    async with programs_in(tmp_path_factory.mktemp("worker")) as programs:
        await programs.worker()
        # The worker knows the number's former place by now, and its client lives for half a minute.
        first = await shop.queue_text("before")
        await tenant.until_message(first, lambda row: row["wamid"] is not None)
        answer = await here(*to_meta(tenant.phone_number_id, there), typed=there.access_token, **HERE)
        assert answer.status == 0, answer.complained
        second = await shop.queue_text("after")
        await tenant.until_message(second, lambda row: row["wamid"] is not None)
    assert [row["body"]["text"]["body"] for row in await there.seen("sent")] == ["after"]
    assert await shop.sent_texts() == ["before"]


async def test_at_360dialog_the_webhook_goes_along(tenant: Tenant, business: Business, database: Connect) -> None:
    await tenant.rows("update whatsapp_connections set provider = 'meta' where id = %(connection)s")
    move = ("migrate", tenant.phone_number_id, "--to-provider", "360dialog", "--phone-number-id", business.id)
    answer = await here(*move, typed=business.api_key, **HERE)
    assert answer.status == 0, answer.complained
    assert await webhook_of(business) == ours(business.id)
    row = await row_of(database, business.id)
    assert row is not None
    assert (row["provider"], row["waba_id"], row["credential"]) == ("360dialog", business.waba_id, business.api_key)


@pytest.mark.parametrize("at", ["phone_number", "subscribed_apps"])
async def test_stopped_anywhere_it_goes_on_with_the_next_run(
    shop: Shop, simulator: Simulator, database: Connect, at: str
) -> None:
    there = await simulator.business()
    waiting = await shop.queue_text("hello")
    await there.fault(at, {"cut": "before"}, times=1)
    failed = await here(*to_meta(shop.tenant.phone_number_id, there), typed=there.access_token, **HERE)
    assert (failed.status, "Run it again" in failed.complained) == (4, True), failed.complained
    old, new = await row_of(database, shop.business.id), await row_of(database, there.id)
    if at == "phone_number":
        assert (old and old["status"], new) == ("active", None)
    else:
        assert (new and new["status_reason"], old) == ("migration", None)
        assert (await shop.explained(waiting))["detail"]["status_reason"] == "migration"
    done = await here(*to_meta(shop.tenant.phone_number_id, there), typed=there.access_token, **HERE)
    assert (done.status, done.json["status"]) == (0, "active"), done.complained


async def test_killed_in_the_middle_it_goes_on_with_the_next_run(
    shop: Shop, simulator: Simulator, database: Connect
) -> None:
    there = await simulator.business()
    await there.fault("subscribed_apps", {"hang": 30}, times=1)
    process = await begin(*to_meta(shop.business.id, there), typed=there.access_token, **HERE)
    await until(lambda: there.seen("requests", operation="subscribed_apps"), within=30)
    process.kill()
    await process.wait()
    done = await here(*to_meta(shop.business.id, there), typed=there.access_token, **HERE)
    assert (done.status, done.json["status"]) == (0, "active"), done.complained


async def test_what_is_being_sent_ends_first(shop: Shop, simulator: Simulator) -> None:
    there = await simulator.business()
    message = await shop.queue_text("hello")
    (claimed,) = await shop.tenant.rows(
        "update outbox set lease_token = gen_random_uuid(), lease_expires_at = now() + interval '1 hour',"
        " ready_at = null"
        " where message_id = %(id)s returning lease_token",
        id=message,
    )
    process = await begin(*to_meta(shop.business.id, there), typed=there.access_token, **HERE)

    async def number() -> tuple[str, str]:
        (row,) = await shop.tenant.rows("select * from whatsapp_connections where id = %(connection)s")
        return row["phone_number_id"], row["status_reason"]

    assert await until(number, lambda seen: seen[1] == "migration", within=30) == (shop.business.id, "migration")
    await shop.tenant.rows("delete from outbox where lease_token = %(token)s", token=claimed["lease_token"])
    assert await process.wait() == 0
    assert await number() == (there.id, None)


async def test_an_id_that_is_anothers_leaves_all_as_it_was(shop: Shop, simulator: Simulator, database: Connect) -> None:
    there = await simulator.business()
    await Tenant.new(database, there.id, there.waba_id)
    answer = await here(*to_meta(shop.business.id, there), typed=there.access_token, **HERE)
    assert (answer.status, "was, another connection's" in answer.complained) == (1, True), answer.complained
    row = await row_of(database, shop.business.id)
    assert row is not None
    assert (row["status"], row["credential"]) == ("active", shop.business.api_key)


async def test_files_that_only_the_former_key_may_fetch_are_asked_about(shop: Shop, simulator: Simulator) -> None:
    there = await simulator.business()
    conversation = await shop.tenant.conversation()
    await shop.tenant.rows(
        "with told as (insert into messages (workspace_id, conversation_id, direction, type, content, wamid,"
        " media_status) values (%(workspace)s, %(conversation)s, 'inbound', 'image', '{}', %(wamid)s, 'pending')"
        " returning id)"
        " insert into media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline)"
        " select id, %(workspace)s, %(connection)s, 'x', '1', now() + interval '1 day' from told",
        conversation=conversation,
        wamid=f"wamid.{shop.business.id}",
    )
    await shop.tenant.rows(
        "update whatsapp_connections set status = 'paused', status_reason = 'operator' where id = %(connection)s"
    )
    asked = await here(*to_meta(shop.business.id, there), typed=f"{there.access_token}\nn\n", **HERE)
    assert (asked.status, "still to be fetched: 1." in asked.complained) == (1, True), asked.complained
    moved = await here(*to_meta(shop.business.id, there, "--yes"), typed=there.access_token, **HERE)
    assert (moved.status, moved.json["status_reason"]) == (0, "operator"), moved.complained
    assert f"wabase resume {there.id}" in moved.complained


async def test_a_disconnected_number_that_does_not_move_is_told_what_lets_it_go_on(
    database: Connect, business: Business
) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    assert (await here("disconnect", business.id, "--yes", **HERE)).status == 0
    staying = ("migrate", business.id, "--to-provider", "360dialog", "--phone-number-id", business.id, "--json")
    stayed = await here(*staying, typed=business.api_key, **HERE)
    assert (stayed.status, stayed.json["status"]) == (0, "disconnected"), stayed.complained
    # What is advised does it.
    assert "`wabase connect 360dialog` with the same key" in stayed.complained
    back = await here(
        "connect", "360dialog", "--json", "--workspace", tenant.workspace_id, typed=business.api_key, **HERE
    )
    row = await row_of(database, business.id)
    assert row is not None
    assert (back.status, str(row["id"]), row["status"]) == (0, tenant.connection_id, "active"), back.complained
