"""`wabase doctor` on numbers: keys, health, webhooks and queues, whether the provider behaves or not."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ops.findings import Finding
from ops.project import opened
from tests.devstack.provider.simulator import Business
from tests.flows.tenant import token_of
from tests.ops.doctor.own_project import PUBLIC_URL, OwnProject
from tests.whatsapp.scripted import answer, serving


@pytest.fixture
async def business(project: OwnProject) -> AsyncIterator[Business]:
    """A number that is connected and as it is meant to be; it goes with its test."""
    business = await project.simulator.business()
    await project.connect(business)
    await register(project, business)
    yield business
    await disconnect(project, business)
    await project.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": business.id})


async def disconnect(project: OwnProject, business: Business) -> None:
    await project.sql("update whatsapp_connections set status = 'disconnected' where phone_number_id = %s", business.id)


async def register(
    project: OwnProject,
    business: Business,
    url: str | None = None,
    secret: str | None = None,
    subject: str | None = None,
) -> None:
    token = token_of(subject or business.id, secret or project.environment["WHATSAPP_WEBHOOK_SECRET"])
    webhook = {"url": url or f"{PUBLIC_URL}/webhooks/360dialog/{business.id}", "headers": {}}
    webhook["headers"] = {"Authorization": f"Bearer {token}"}
    done = await project.simulator.call("POST", "/v1/configs/webhook", json=webhook, headers=business.d360)
    assert done.status == 200, done.raw


async def about(project: OwnProject, business: Business, **settings: Any) -> list[Finding]:
    return [one for one in await project.look(**settings) if one.name == f"number {business.id}"]


async def only(project: OwnProject, business: Business, **settings: Any) -> Finding:
    (finding,) = await about(project, business, **settings)
    return finding


async def test_a_number_that_is_well_has_one_line(project: OwnProject, business: Business) -> None:
    finding = await only(project, business)
    assert (finding.state, finding.remedy) == ("ok", None)
    for said in ("quality GREEN", "Its webhook is registered.", "Nothing has come yet.", "Nothing waits to be sent."):
        assert said in finding.finding
    await project.sql(
        "insert into webhook_events (provider, body, phone_number_id, state) "
        "values ('360dialog', '{}', %s, 'processed')",
        business.id,
    )
    assert "Last webhook" in (await only(project, business)).finding


async def test_a_number_of_metas(project: OwnProject) -> None:
    business = await project.simulator.business()
    await project.connect(business, "meta")
    apps = f"/v25.0/{business.waba_id}/subscribed_apps"
    headers = {"Authorization": f"Bearer {business.access_token}"}
    await project.simulator.call("DELETE", apps, headers=headers)
    deaf = await only(project, business)
    assert (deaf.state, "No app gets" in deaf.finding) == ("fail", True)
    await project.simulator.call("POST", apps, headers=headers)
    assert (await only(project, business)).state == "ok"
    untold = await only(project, business, meta_app_secret=None)
    assert (untold.state, "META_APP_SECRET is not set" in untold.finding) == ("warn", True)
    await disconnect(project, business)


async def test_keys_that_are_missing_wrong_or_anothers(project: OwnProject, business: Business) -> None:
    other = await project.simulator.business()
    of_it = "(select id from whatsapp_connections where phone_number_id = %s)"
    await project.sql(f"select set_connection_credential({of_it}, 'revoked')", business.id)
    wrong = await only(project, business)
    await project.sql(f"select set_connection_credential({of_it}, %s)", business.id, other.api_key)
    anothers = (await about(project, business))[0]
    await project.sql(f"delete from private.connection_credentials where connection_id = {of_it}", business.id)
    missing = await only(project, business)
    assert [one.state for one in (wrong, anothers, missing)] == ["fail"] * 3
    assert "does not take the key" in wrong.finding
    assert f"that of another number, {other.id}" in anothers.finding
    assert "It has no key" in missing.finding
    assert all(f"wabase rotate-key {business.id}" in str(one.remedy) for one in (wrong, anothers, missing))


async def test_webhooks_that_are_missing_elsewhere_or_without_the_right_token(
    project: OwnProject, business: Business
) -> None:
    await register(project, business, url="https://me:word@elsewhere.example/hook?token=abc")
    elsewhere = await only(project, business)
    await register(project, business, secret="another")
    without = await only(project, business)
    former = await only(project, business, whatsapp_webhook_secret_previous="another")
    untold = await only(project, business, whatsapp_webhook_secret=None)
    of_account = f"{PUBLIC_URL}/webhooks/360dialog/waba/{business.waba_id}"
    await register(project, business, url=of_account, subject=business.waba_id)
    assert (await only(project, business)).state == "ok"
    await register(project, business, url=of_account)
    assert "401" in (await only(project, business)).finding
    assert (elsewhere.state, elsewhere.finding.endswith(" https://elsewhere.example")) == ("fail", True)
    assert (without.state, "401" in without.finding) == ("fail", True)
    assert (former.state, "rotate-webhook-secret" in str(former.remedy)) == ("warn", True)
    assert (untold.state, "WHATSAPP_WEBHOOK_SECRET" in untold.finding) == ("warn", True)
    fresh = await project.simulator.business()
    await project.connect(fresh)
    none = await only(project, fresh)
    assert (none.state, "No webhook is registered" in none.finding) == ("fail", True)
    # The account's is that of each of its numbers which has none of its own.
    token = token_of(fresh.waba_id, project.environment["WHATSAPP_WEBHOOK_SECRET"])
    shared = {
        "url": of_account.replace(business.waba_id, fresh.waba_id),
        "headers": {"Authorization": f"Bearer {token}"},
    }
    for right in (True, False):
        await fresh.call("POST", "/waba_webhook", json=shared if right else {**shared, "headers": {}})
        assert ((await only(project, fresh)).state == "ok") is right
    await disconnect(project, fresh)


@pytest.mark.parametrize(
    ("action", "said"),
    [
        ({"error": 190}, "does not take the key"),
        ({"error": 80007}, "360dialog is too busy: 80007"),
        ({"http": 502, "body": "<html>"}, "answers too late, or what makes no sense"),
        ({"http": 200, "body": "<html>welcome</html>"}, "answers too late, or what makes no sense"),
        ({"http": 200, "body": {"welcome": 1}}, "not with a number's health"),
        ({"cut": "before"}, "answers too late, or what makes no sense"),
    ],
)
async def test_a_provider_that_refuses_or_answers_nonsense(
    project: OwnProject, business: Business, action: dict[str, Any], said: str
) -> None:
    rule = {"on": "health", "phone_number_id": business.id, "action": action}
    await project.simulator.control("faults", rule)
    found = (await about(project, business))[0]
    assert (found.state, said in found.finding) == ("fail", True), found


async def test_a_provider_that_answers_late_holds_up_nothing_else(project: OwnProject, business: Business) -> None:
    rule = {"on": "health", "phone_number_id": business.id, "action": {"hang": 60}}
    await project.simulator.control("faults", rule)
    began = time.monotonic()
    findings = await project.look()
    assert time.monotonic() - began < 40
    (late,) = [one for one in findings if one.name == f"number {business.id}"]
    assert (late.state, "too late" in late.finding) == ("fail", True)
    assert {one.name for one in findings} > {"journal", "schema", "vault", "doorbell"}


async def test_a_provider_that_nobody_reaches(project: OwnProject, business: Business) -> None:
    away = await only(project, business, whatsapp_360_base_url="http://127.0.0.1:9")
    assert away.state == "fail"


async def test_health_and_quality_are_told_with_metas_own_remedy(project: OwnProject, business: Business) -> None:
    error = {"error_code": 141006, "error_description": "No payment method.", "possible_solution": "Add one."}
    entity = {"entity_type": "WABA", "id": "7", "errors": [error]}
    health = {"can_send_message": "BLOCKED", "entities": [entity]}
    async with serving(answer(200, {"quality_rating": "RED", "health_status": health})) as server:
        found = await about(project, business, whatsapp_360_base_url=server.url)
    assert [one.state for one in found[:3]] == ["fail", "warn", "warn"]
    assert "BLOCKED" in found[0].finding
    assert found[1].finding == "WABA 141006: No payment method.: Add one."
    assert "RED" in found[2].finding


async def test_a_paused_number_says_why_and_for_how_long(project: OwnProject, business: Business) -> None:
    await project.sql(
        "update whatsapp_connections set status = 'paused', status_reason = 'payment', last_error = jsonb_build_object("
        "'title', 'Payment issue', 'remedy', 'Pay.', 'at', now() - interval '3 hours') where phone_number_id = %s",
        business.id,
    )
    # A trigger keeps it at the moment of the change.
    await project.sql(
        "update whatsapp_connections set status_since = now() - interval '3 hours' where phone_number_id = %s",
        business.id,
    )
    paused = await only(project, business)
    assert (paused.state, paused.remedy) == ("warn", "Pay.")
    assert paused.finding == "It is paused for 3 hours (payment). Payment issue"


async def test_so_does_one_that_a_person_has_paused(project: OwnProject, business: Business) -> None:
    answer = await project.wabase("pause", business.id, "--reason", "moving house")
    assert answer.status == 0, answer.complained
    paused = await only(project, business)
    assert re.fullmatch(r"It is paused for \d+ seconds \(moving house\)\.", paused.finding), paused
    assert f"resume {business.id}" in str(paused.remedy)
    for reason, remedy in (("migration", "`wabase migrate` again"), ("credential", f"rotate-key {business.id}")):
        await project.wabase("pause", business.id, "--reason", reason)
        assert remedy in str((await only(project, business)).remedy)


async def test_the_limit_is_whatsapps_newest_word(project: OwnProject, business: Business) -> None:
    assert "people a day" not in (await only(project, business)).finding
    told = "jsonb_build_object('at', now() - interval '{} days', 'value', '{{\"{}\": \"{}\"}}'::jsonb)"
    named = "max_daily_conversations_per_business"
    await project.sql(
        "update whatsapp_connections set provider_notices = jsonb_build_object("
        f"'phone_number_quality_update', {told.format(1, named, 'TIER_2K')},"
        f"'business_capability_update', {told.format(9, named, 250)}) where phone_number_id = %s",
        business.id,
    )
    assert "at most TIER_2K people a day" in (await only(project, business)).finding


async def test_a_queue_that_nobody_works_on(project: OwnProject, business: Business) -> None:
    ((conversation,),) = await project.sql(
        "insert into conversations (workspace_id, connection_id, phone, window_expires_at)"
        " select workspace_id, id, '972541112222', now() + interval '1 day' from whatsapp_connections"
        " where phone_number_id = %s returning id",
        business.id,
    )
    await project.sql(
        "insert into messages (conversation_id, type, content) values (%s, 'text', '{\"body\": \"hi\"}')", conversation
    )
    assert (await only(project, business)).state == "ok"
    await project.sql(
        "update outbox set ready_at = now() - interval '10 minutes' where conversation_id = %s", conversation
    )
    stuck = await only(project, business)
    assert (stuck.state, stuck.remedy) == ("fail", "See that a worker runs: `python -m worker`.")
    assert "A message has waited for 10 minutes." in stuck.finding


async def test_files_that_nobody_fetches(project: OwnProject, business: Business) -> None:
    of_it = "from whatsapp_connections where phone_number_id = %s"
    columns = "workspace_id, connection_id, direction, type, content, wamid, media_status, status"
    ((message,),) = await project.sql(
        f"insert into messages ({columns}) select workspace_id, id, 'inbound', 'image', '{{}}', 'wamid.' || id,"
        f" 'pending', 'received' {of_it} returning id",
        business.id,
    )
    await project.sql(
        "insert into media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline,"
        " available_at) select %s, workspace_id, id, 'x/y', '1', now() + interval '1 day', now() - interval '2 hours'"
        f" {of_it}",
        message,
        business.id,
    )
    due = await only(project, business)
    assert (due.state, due.finding) == ("warn", "A file has been due for 2 hours.")


async def test_more_numbers_than_postgrest_gives_at_once_are_all_looked_at(project: OwnProject) -> None:
    await project.sql(
        "with shop as (insert into workspaces (name, connection_limit) values ('a chain', 2000) returning id)"
        " insert into whatsapp_connections (workspace_id, provider, phone_number_id)"
        " select shop.id, '360dialog', '77000' || place from shop, generate_series(1, 1001) as place"
    )
    try:
        async with opened(project.settings()) as there:
            for found in (await there.events.numbers(), await there.events.connections({})):
                assert len({row["id"] for row in found if row["phone_number_id"].startswith("77000")}) == 1001
    finally:
        await project.sql("delete from workspaces where name = 'a chain'")
