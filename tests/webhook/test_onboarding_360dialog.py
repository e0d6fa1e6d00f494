"""360dialog's Integrated Onboarding: begun, led back, finished; and who cannot lead whom where."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
import pytest

from tests.devstack.provider.simulator import Business
from tests.flows.tenant import Tenant, token_of
from tests.webhook.signups import PARTNER_ID, PARTNER_KEY, RETURN_URL, Office
from tests.webhook.test_onboarding_meta import told
from webhook.onboarding_state import SECONDS, Begun, States

NewBusiness = Any


async def led_back(office: Office, **query: str) -> tuple[str, dict[str, str]]:
    """Where the browser is sent from 360dialog's window, and what stands behind the `#`."""
    answer = await office.http.get(f"{office.webhook.url}/onboarding/360dialog", params=query)
    assert answer.status_code == 303
    page, _, fragment = answer.headers["location"].partition("#")
    return page, {name: values[0] for name, values in parse_qs(fragment).items()}


async def keys_made(business: Business) -> int:
    return len(await business.seen("requests", operation="hub_api_keys"))


async def test_a_channel_becomes_a_connection_that_hears_its_customers(office: Office, business: Business) -> None:
    client, channel = await office.channel(business)
    state = await office.state()
    page, back = await led_back(office, client=client, channels=f"[{channel}]", state=state)
    assert (page, back) == (RETURN_URL, {"client": client, "channels": channel, "state": state})
    assert await keys_made(business) == 0

    answer = await office.finish(back["client"], back["channels"], state=back["state"])
    (connection,) = await office.connections()
    (told_of,) = answer.json()["connections"]
    assert (told_of["channel_id"], told_of["connection_id"]) == (channel, str(connection["id"]))
    assert (connection["provider"], connection["status"], connection["waba_id"]) == (
        "360dialog",
        "active",
        business.waba_id,
    )
    key = connection["credential"]
    assert key != business.api_key and key not in answer.text
    webhook = await business.simulator.call("GET", "/v1/configs/webhook", headers={"D360-API-KEY": key})
    assert webhook.body == {
        "url": f"{office.webhook.url}/webhooks/360dialog/{business.id}",
        "headers": {"Authorization": f"Bearer {token_of(business.id)}"},
    }
    await business.receive({"type": "text", "text": {"body": "hello"}})
    tenant = Tenant(office.database, office.workspace_id, told_of["connection_id"], business.id, business.waba_id)
    assert [row["content"] for row in await tenant.until_messages(len)] == [{"body": "hello"}]


async def test_the_window_is_the_partners_and_leads_back_here(office: Office) -> None:
    answer = await office.post("360dialog/start", {"workspace_id": office.workspace_id})
    address = urlsplit(answer.json()["url"])
    query = parse_qs(address.query)
    assert (address.netloc, address.path) == ("hub.360dialog.com", f"/dashboard/app/{PARTNER_ID}/permissions")
    assert query["redirect_url"] == [f"{office.webhook.url}/onboarding/360dialog"]
    assert query["state"] == [answer.json()["state"]]
    assert answer.json()["expires_in"] == SECONDS


@pytest.mark.parametrize("role", ["agent", None])
async def test_only_owner_and_admin_begin(office: Office, role: str | None) -> None:
    answer = await office.post("360dialog/start", {"workspace_id": office.workspace_id}, await office.person(role))
    assert told(answer) == (403, "not_allowed")


async def test_who_has_lost_the_right_meanwhile_does_not_finish(office: Office, business: Business) -> None:
    client, channel = await office.channel(business)
    admin = await office.person("admin")
    state = await office.state(admin)
    await office.rows("update workspace_members set role = 'agent' where user_id = %s returning 1", admin.user_id)
    assert told(await office.finish(client, channel, state=state, person=admin)) == (403, "not_allowed")
    assert await keys_made(business) == 0


async def test_a_state_is_of_use_to_nobody_else(office: Office, business: Business, new_office: Any) -> None:
    """Neither does a link of mine bring your number to me, nor does a number of mine come to you by it."""
    client, channel = await office.channel(business)
    other: Office = await new_office()
    colleague = await office.person("admin")
    for person, state in ((other.owner, await office.state()), (colleague, await office.state())):
        assert told(await office.finish(client, channel, state=state, person=person)) == (400, "state_invalid")
    assert await keys_made(business) == 0


async def test_a_second_run_is_the_same_connection_with_the_newer_key(office: Office, business: Business) -> None:
    client, channel = await office.channel(business)
    state = await office.state()
    first = await office.finish(client, channel, state=state)
    (before,) = await office.connections()
    second = await office.finish(client, channel, state=state)
    (after,) = await office.connections()
    assert first.json() == second.json()
    assert before["id"] == after["id"] and before["credential"] != after["credential"]
    webhook = await business.simulator.call("GET", "/v1/configs/webhook", headers={"D360-API-KEY": after["credential"]})
    assert webhook.body["url"]


def states(secret: str | None = None) -> States:
    return States([secret or os.environ["WHATSAPP_WEBHOOK_SECRET"]])


def forged(office: Office) -> list[str]:
    begun = Begun(UUID(office.workspace_id), UUID(office.owner.user_id))
    right = states().made(begun)
    raw = base64.urlsafe_b64decode(right)
    altered = [bytes([*raw[:place], raw[place] ^ 1, *raw[place + 1 :]]) for place in (0, 16, 39, 40, len(raw) - 1)]
    return [
        *(base64.urlsafe_b64encode(each).decode() for each in (*altered, raw[:-1], raw + b"\0", raw[:40], b"")),
        states("another secret").made(begun),
        states().made(begun, time.time() - SECONDS - 2),
        token_of(office.workspace_id),
        "not a state",
        "x",
        "",
        "\u00e9",
    ]


async def test_a_state_that_is_forged_altered_or_old_ends_it(office: Office, business: Business) -> None:
    client, channel = await office.channel(business)
    for state in forged(office):
        page, back = await led_back(office, client=client, channels=f"[{channel}]", state=state)
        assert (page, back) == (RETURN_URL, {"error": "state_invalid"}), state
        body = {"state": state, "client": client, "channels": [channel]}
        answer = await office.post("360dialog", body)
        assert told(answer)[1] == ("state_invalid" if state else "bad_request"), state
    assert await business.seen("requests", operation="hub_channels") == []


async def test_a_state_under_the_former_secret_is_good_while_both_hold() -> None:
    begun = Begun(UUID(int=1), UUID(int=2))
    assert States(["new", "old"]).read(States(["old"]).made(begun)) == begun


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"client": "c1"},
        {"client": "c1", "channels": "[]"},
        {"client": "../x", "channels": "[a]"},
        {"client": "c1", "channels": "[a/b]"},
        {"client": "c1", "channels": "[" + ",".join("abcdefghijklmnop") + "]"},
    ],
    ids=str,
)
async def test_a_way_back_with_something_else_is_told_to_the_page(office: Office, query: dict[str, str]) -> None:
    assert await led_back(office, **query, state=await office.state()) == (RETURN_URL, {"error": "bad_request"})


async def test_no_address_leads_the_browser_elsewhere(office: Office) -> None:
    evil = "https://evil.example/"
    named = dict.fromkeys(("redirect", "redirect_url", "return_url", "next", "url", "error"), evil)
    for state in (await office.state(), evil):
        page, back = await led_back(office, client="c1", channels='["a", "b"]', state=state, **named)
        assert page == RETURN_URL
        assert back in ({"client": "c1", "channels": "a,b", "state": state}, {"error": "state_invalid"})


async def test_a_channel_that_is_not_yours_looks_like_one_that_is_not_there(
    office: Office, business: Business, new_office: Any, new_business: NewBusiness
) -> None:
    client, channel = await office.channel(business)
    unknown = await office.finish(client, "nothere")
    other_client, _ = await office.channel(await new_business())
    foreign = await office.finish(other_client, channel)
    other: Office = await new_office()
    assert (await other.finish(client, channel)).status_code == 200
    elsewhere = await office.finish(client, channel)
    assert told(unknown) == (422, "number_unavailable")
    assert unknown.json() == foreign.json() == elsewhere.json()
    # The key that is in use elsewhere lives on.
    assert await keys_made(business) == 1


async def test_a_full_workspace_makes_no_key(office: Office, business: Business, new_business: NewBusiness) -> None:
    assert (await office.finish(*await office.channel(business))).status_code == 200
    second: Business = await new_business()
    client, channel = await office.channel(second)
    assert told(await office.finish(client, channel)) == (409, "limit_reached")
    assert await keys_made(second) == 0


async def test_a_channel_without_permission_is_told_apart_from_a_wrong_key_of_the_partner(
    office: Office, business: Business, new_business: NewBusiness
) -> None:
    assert told(await office.finish(*await office.channel(business, shared=False))) == (422, "permission_missing")
    strange = await new_business()
    client, channel = await office.channel(strange)
    await strange.fault("hub_channels", {"http": 401, "body": {"meta": {"developer_message": "Unauthorized"}}})
    assert told(await office.finish(client, channel)) == (502, "partner_refused")


async def test_of_several_channels_each_has_its_own_outcome(
    office: Office, business: Business, new_business: NewBusiness
) -> None:
    await office.rows("update workspaces set connection_limit = 2 where id = %s returning 1", office.workspace_id)
    client, channel = await office.channel(business)
    second = await new_business()
    _, unshared = await office.channel(second, client, shared=False)
    body = (await office.finish(client, unshared, channel, channel)).json()
    assert [row["channel_id"] for row in body["connections"]] == [channel]
    assert [(row["channel_id"], row["code"]) for row in body["problems"]] == [(unshared, "permission_missing")]


@pytest.mark.parametrize("step", ["hub_channels", "hub_api_keys", "health", "webhook_config"])
async def test_whatever_step_fails_a_second_run_mends_it(office: Office, business: Business, step: str) -> None:
    client, channel = await office.channel(business)
    state = await office.state()
    await business.fault(step, {"http": 502, "body": "<html>"}, times=1)
    assert told(await office.finish(client, channel, state=state)) == (502, "provider_unavailable")
    assert (await office.finish(client, channel, state=state)).status_code == 200
    (connection,) = await office.connections()
    webhook = await business.simulator.call(
        "GET", "/v1/configs/webhook", headers={"D360-API-KEY": connection["credential"]}
    )
    assert webhook.body["url"]


async def test_two_at_once_for_a_channel_leave_a_key_that_works(office: Office, business: Business) -> None:
    client, channel = await office.channel(business)
    state = await office.state()
    await business.fault("hub_api_keys", {"delay_ms": 2000})
    answers = await asyncio.gather(*(office.finish(client, channel, state=state) for _ in range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 429]
    (connection,) = await office.connections()
    health = await business.simulator.call("GET", "/health_status", headers={"D360-API-KEY": connection["credential"]})
    assert health.status == 200


async def test_nothing_secret_is_said(office: Office, business: Business) -> None:
    client, channel = await office.channel(business)
    state = await office.state()
    await led_back(office, client=client, channels=channel, state=state)
    answer: httpx.Response = await office.finish(client, channel, state=state)
    (connection,) = await office.connections()
    for secret in (PARTNER_KEY, state, connection["credential"], token_of(business.id), office.owner.token):
        assert secret not in office.webhook.said
        assert secret not in answer.text
