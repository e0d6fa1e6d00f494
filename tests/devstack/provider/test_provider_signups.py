"""The providers' signups: a code is good once and for its app, a key of the Hub's ends the one before."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.devstack.provider.simulator import Answer, Business

APP = {"client_id": "4711", "client_secret": "secret"}


async def code_of(business: Business, **fields: Any) -> str:
    code = secrets.token_hex(8)
    await business.control("codes", code=code, app_id=APP["client_id"], app_secret=APP["client_secret"], **fields)
    return code


async def exchanged(business: Business, code: str, way: str = "data", **app: str) -> Answer:
    method = "GET" if way == "params" else "POST"
    return await business.simulator.call(method, "/v25.0/oauth/access_token", **{way: APP | app | {"code": code}})


@pytest.mark.parametrize("way", ["params", "data", "json"])
async def test_a_code_gives_the_numbers_token_once(business: Business, way: str) -> None:
    code = await code_of(business)
    assert (await exchanged(business, code, way)).body["access_token"] == business.access_token
    assert (await exchanged(business, code, way)).error == (400, 100)


async def test_a_code_is_for_its_app_and_for_a_while(business: Business) -> None:
    code = await code_of(business)
    assert (await exchanged(business, code, client_secret="wrong")).error == (400, 1)
    assert (await exchanged(business, code, client_id="1")).error == (400, 101)
    assert (await exchanged(business, "unknown")).error == (400, 100)
    assert (await exchanged(business, await code_of(business, expires_in=-1))).error == (400, 100)
    assert (await exchanged(business, code)).status == 200


async def test_an_account_shows_its_numbers_to_whoever_reaches_it(business: Business) -> None:
    listed = await business.call_graph("GET", f"/{business.waba_id}/phone_numbers")
    assert [number["id"] for number in listed.body["data"]] == [business.id]
    assert (await business.call_graph("GET", "/1/phone_numbers")).error == (400, 100)


async def test_a_number_keeps_its_pin(business: Business) -> None:
    async def registered(pin: str) -> Answer:
        body = {"messaging_product": "whatsapp", "pin": pin}
        return await business.call_graph("POST", f"/{business.id}/register", json=body)

    assert (await registered("12345")).error == (400, 100)
    assert (await registered("123456")).body == {"success": True}
    assert (await registered("654321")).error == (400, 133005)
    assert (await registered("123456")).status == 200


async def test_the_hub_knows_its_partners_and_their_channels(business: Business) -> None:
    partner, key, channel = (secrets.token_hex(4) for _ in range(3))
    named = {"partner_id": partner, "partner_key": key, "client_id": "c1", "channel_id": channel}
    await business.control("channels", **named)

    async def asked(method: str, path: str, key: str = key, **options: Any) -> Answer:
        url = f"/api/v2/partners/{partner}/{path}"
        return await business.simulator.call(method, url, headers={"x-api-key": key}, **options)

    wanted = {"filters": f'{{"id": "{channel}"}}'}
    (listed,) = (await asked("GET", "channels", params=wanted)).body["partner_channels"]
    assert (listed["client_id"], listed["waba_account"]["external_id"]) == ("c1", business.waba_id)
    assert (await asked("GET", "channels", params={"filters": '{"id": "x"}'})).body["partner_channels"] == []
    assert (await asked("GET", "channels", "wrong", params=wanted)).status == 401
    assert (await asked("POST", "channels/x/api_keys")).status == 404

    (made,) = (await asked("POST", f"channels/{channel}/api_keys")).body["api_keys"]
    assert (await business.call("GET", "/health_status")).status == 401
    newest = {"D360-API-KEY": made["api_key"]}
    assert (await business.simulator.call("GET", "/health_status", headers=newest)).status == 200
    await business.control("channels", **named, shared=False)
    assert (await asked("POST", f"channels/{channel}/api_keys")).status == 403
