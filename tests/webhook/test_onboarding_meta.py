"""Meta's Embedded Signup, from the code of its window to a number that works; and everything it must refuse."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.devstack.provider.simulator import Business
from tests.flows.tenant import digits
from tests.webhook.signups import APP_ID, APP_SECRET, CONFIG_ID, ORIGIN, Office

NewBusiness = Any


def told(answer: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, which always comes with a sentence and a remedy."""
    body = answer.json()
    assert body["message"] and body["remedy"]
    return answer.status_code, body["code"]


async def test_a_code_becomes_a_connection_with_its_token_in_vault(office: Office, business: Business) -> None:
    await business.call_graph("DELETE", f"/{business.waba_id}/subscribed_apps")
    answer = await office.sign_up(business, pin="123456")
    (connection,) = await office.connections()
    display = answer.json()["display_phone_number"]
    assert answer.json() == {"connection_id": str(connection["id"]), "display_phone_number": display}
    assert (connection["phone_number_id"], connection["waba_id"]) == (business.id, business.waba_id)
    assert (connection["provider"], connection["status"], connection["display_phone_number"]) == (
        "meta",
        "active",
        display,
    )
    assert connection["credential"] == business.access_token
    apps = await business.call_graph("GET", f"/{business.waba_id}/subscribed_apps")
    assert len(apps.body["data"]) == 1
    (registered,) = await business.seen("requests", operation="register")
    assert registered["body"] == {"messaging_product": "whatsapp", "pin": "123456"}


async def test_without_a_pin_nothing_is_registered(office: Office, business: Business) -> None:
    assert (await office.sign_up(business)).status_code == 200
    assert await business.seen("requests", operation="register") == []


async def test_a_second_signup_of_the_same_number_is_the_same_connection(office: Office, business: Business) -> None:
    first = await office.sign_up(business)
    await office.rows(
        "update whatsapp_connections set status = 'disconnected' where phone_number_id = %s returning 1", business.id
    )
    second = await office.sign_up(business, await office.person("admin"))
    assert first.json() == second.json()
    (connection,) = await office.connections()
    assert connection["status"] == "active"


@pytest.mark.parametrize("role", ["agent", None])
async def test_who_may_not_is_refused_before_the_code_is_spent(
    office: Office, business: Business, role: str | None
) -> None:
    answer = await office.sign_up(business, await office.person(role))
    assert told(answer) == (403, "not_allowed")
    assert await business.seen("requests", operation="oauth") == []


async def test_an_unknown_workspace_is_answered_as_a_foreign_one(office: Office, business: Business) -> None:
    unknown = await office.sign_up(business, workspace_id="00000000-0000-4000-8000-000000000000")
    foreign = await office.sign_up(business, await office.person(None))
    assert unknown.json() == foreign.json()


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer x", "Basic a.b.c", "Bearer a.b.c", "Bearer a.b.c\u00e9", "Bearer " + "a" * 9000]
)
async def test_nobody_is_let_in_without_a_session(office: Office, business: Business, header: str) -> None:
    answer = await office.http.post(
        f"{office.webhook.url}/onboarding/meta", json={}, headers={"Authorization": header.encode()}
    )
    assert told(answer) == (401, "not_signed_in")


async def test_keys_of_the_project_are_nobodys_session(office: Office) -> None:
    for key in (office.project.anon_key, office.project.service_role_key):
        answer = await office.http.post(
            f"{office.webhook.url}/onboarding/meta", json={}, headers={"Authorization": f"Bearer {key}"}
        )
        assert told(answer) == (401, "not_signed_in")


async def test_a_session_that_was_ended_is_over(office: Office, business: Business) -> None:
    headers = office.project.headers(office.project.anon_key, office.owner.token)
    await office.http.post(f"{office.project.url}/auth/v1/logout", headers=headers)
    assert told(await office.sign_up(business)) == (401, "not_signed_in")


@pytest.mark.parametrize("fields", [{"expires_in": -1}, {"used": True}])
async def test_a_code_that_is_none_any_more_is_refused(
    office: Office, business: Business, fields: dict[str, Any]
) -> None:
    code = await office.code(business, **fields)
    assert told(await office.sign_up(business, code=code)) == (422, "code_refused")
    assert told(await office.sign_up(business, code="made up")) == (422, "code_refused")
    assert await office.connections() == []


async def test_a_wrong_secret_of_the_app_is_the_operators_matter(office: Office, business: Business) -> None:
    code = await office.code(business, app_secret="another")
    assert told(await office.sign_up(business, code=code)) == (502, "partner_refused")


async def test_a_number_out_of_reach_is_refused_in_the_words_of_one_that_is_connected_elsewhere(
    office: Office, business: Business, new_office: Any, new_business: NewBusiness
) -> None:
    other: Office = await new_office()
    assert (await other.sign_up(business)).status_code == 200
    elsewhere = await office.sign_up(business)
    stranger: Business = await new_business()
    code = await office.code(await new_business())
    foreign = await office.sign_up(stranger, code=code)
    own: Business = await new_business()
    mixed = await office.sign_up(own, phone_number_id=stranger.id)
    assert told(elsewhere) == (422, "number_unavailable")
    assert elsewhere.json() == foreign.json() == mixed.json()
    assert await office.connections() == []


async def test_a_number_of_an_account_that_another_workspace_has_is_refused(
    office: Office, business: Business, new_office: Any, new_business: NewBusiness
) -> None:
    other: Office = await new_office()
    assert (await other.sign_up(business)).status_code == 200
    beside = await new_business(waba_id=business.waba_id)
    assert told(await office.sign_up(beside, waba_id=business.waba_id)) == (422, "number_unavailable")


async def test_a_number_and_an_account_that_a_stranger_has_written_down_are_their_owners(
    office: Office, business: Business, new_office: Any
) -> None:
    stranger = await new_office()
    claim = {"workspace_id": stranger.workspace_id, "provider": "meta", "phone_number_id": business.id}
    url = f"{office.project.url}/rest/v1/rpc/add_connection"
    headers = {**office.project.headers(office.project.anon_key), **stranger.owner.headers}
    claimed = await office.http.post(url, json={**claim, "waba_id": business.waba_id}, headers=headers)
    assert claimed.status_code == 200, claimed.text
    answer = await office.sign_up(business)
    assert answer.status_code == 200, answer.text
    (connection,) = await office.connections()
    assert (connection["phone_number_id"], connection["credential"]) == (business.id, business.access_token)
    (left,) = await stranger.connections()
    assert (left["phone_number_id"], left["waba_id"]) == (f"released {claimed.json()}", None)


async def test_the_limit_of_the_workspace_holds(office: Office, business: Business, new_business: NewBusiness) -> None:
    assert (await office.sign_up(business)).status_code == 200
    assert told(await office.sign_up(await new_business())) == (409, "limit_reached")
    assert len(await office.connections()) == 1


async def test_a_wrong_pin_leaves_nothing_and_the_right_one_mends_it(office: Office, business: Business) -> None:
    assert (await business.call_graph("POST", f"/{business.id}/register", json=registration("111111"))).status == 200
    answer = await office.sign_up(business, pin="222222")
    assert (*told(answer), answer.json()["provider_code"]) == (422, "step_refused", 133005)
    assert await office.connections() == []
    assert (await office.sign_up(business, pin="111111")).status_code == 200


def registration(pin: str) -> dict[str, str]:
    return {"messaging_product": "whatsapp", "pin": pin}


@pytest.mark.parametrize("step", ["oauth", "phone_numbers", "subscribed_apps", "register"])
@pytest.mark.parametrize("action", [{"http": 502, "body": "<html>"}, {"cut": "after"}, {"error": 4}], ids=str)
async def test_whatever_step_fails_a_second_run_mends_it(
    office: Office, business: Business, step: str, action: dict[str, Any]
) -> None:
    await business.fault(step, action, times=1)
    assert told(await office.sign_up(business, pin="123456")) == (502, "provider_unavailable")
    assert await office.connections() == []
    assert (await office.sign_up(business, pin="123456")).status_code == 200
    assert len(await office.connections()) == 1


WRONG = {
    "workspace_id": "the shop",
    "code": "x" * 5000,
    "phone_number_id": "../me",
    "waba_id": "1?x=",
    "pin": "12345",
    "surprise": "something",
}


@pytest.mark.parametrize("field", WRONG)
async def test_a_wrong_field_is_named_and_its_value_is_not_told_back(
    office: Office, business: Business, field: str
) -> None:
    answer = await office.sign_up(business, **{field: WRONG[field]})
    assert (*told(answer), answer.json()["field"]) == (400, "bad_request", field)
    assert str(WRONG[field]) not in answer.text
    assert await business.seen("requests", operation="oauth") == []


@pytest.mark.parametrize("raw", [b"", b"[]", b"null", b"{", b"\xff", b"[" * 9000])
async def test_a_body_that_is_no_object_is_refused(office: Office, raw: bytes) -> None:
    url = f"{office.webhook.url}/onboarding/meta"
    assert told(await office.http.post(url, content=raw, headers=office.owner.headers)) == (400, "bad_request")


async def test_a_body_of_more_than_16_kb_is_refused(office: Office) -> None:
    url = f"{office.webhook.url}/onboarding/meta"
    raw = b'{"code": "' + b"x" * 17_000
    assert told(await office.http.post(url, content=raw, headers=office.owner.headers)) == (413, "too_large")


async def test_what_the_window_is_opened_with_is_public(office: Office) -> None:
    answer = await office.http.get(f"{office.webhook.url}/onboarding/meta/config")
    assert answer.json() == {"app_id": APP_ID, "config_id": CONFIG_ID}


async def test_only_the_frontends_own_pages_may_ask(office: Office) -> None:
    url = f"{office.webhook.url}/onboarding/meta"
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}
    own = await office.http.options(url, headers={"Origin": ORIGIN, **asked})
    assert (own.status_code, own.headers["access-control-allow-origin"]) == (200, ORIGIN)
    foreign = await office.http.options(url, headers={"Origin": "https://evil.example", **asked})
    assert foreign.status_code == 400
    assert "access-control-allow-origin" not in foreign.headers
    refused = await office.http.post(url, json={}, headers={"Origin": ORIGIN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, ORIGIN)


async def test_nothing_secret_is_said(office: Office, business: Business) -> None:
    code, pin, before = await office.code(business), digits(6), len(office.webhook.said)
    answer = await office.sign_up(business, code=code, pin=pin)
    await office.sign_up(business, code=code, pin=pin)
    said = office.webhook.said[before:]
    assert "onboarding.done" in said and "code_refused" in said
    # Any six digits may be a fraction of a second, or part of an id.
    chance = {"timestamp", "request_id", "user_id"}
    lines = [json.loads(line) for line in said.splitlines()]
    assert pin not in json.dumps([{name: line[name] for name in line.keys() - chance} for line in lines])
    for secret in (
        code,
        APP_SECRET,
        business.access_token,
        office.owner.token,
        answer.json()["display_phone_number"],
    ):
        assert secret not in said
    assert business.access_token not in answer.text
