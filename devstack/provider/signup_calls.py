"""The calls of a signup: Meta's code for a token, a WABA's numbers, their registration; 360dialog's Partner API."""

from __future__ import annotations

import json
import secrets
from typing import Any

from aiohttp import web

from devstack.provider.calls import Call, Dialect, endpoint
from devstack.provider.errors import ApiError, GatewayError
from devstack.provider.numbers import Number, Registration
from devstack.provider.provider import Provider
from devstack.provider.records import JSON
from devstack.provider.signups import Code, HubChannel

Who = tuple[Number, list[Number], Dialect]
PARTNER = r"/api/v2/partners/{partner_id}"


def add_routes(router: web.UrlDispatcher, graph: str) -> None:
    """Those that no number's credential opens."""
    for method in ("GET", "POST"):
        for path in ("/oauth/access_token", f"{graph}/oauth/access_token"):
            router.add_route(method, path, endpoint("oauth", exchange, _by_code))
    router.add_get(f"{PARTNER}/channels", endpoint("hub_channels", list_channels, _by_filter))
    keys = endpoint("hub_api_keys", make_key, _by_channel)
    router.add_post(f"{PARTNER}/channels/{{channel_id}}/api_keys", keys)


# Meta


async def exchange(call: Call) -> web.Response:
    call.provider.signups.codes[(await _asked(call.request))["code"]].used = True
    return web.json_response({"access_token": call.number.access_token, "token_type": "bearer"})


async def _by_code(provider: Provider, request: web.Request) -> Who:
    """The app by id and secret, then its code: unknown, used and too old are refused in Meta's words."""
    asked = await _asked(request)
    code = provider.signups.codes.get(asked.get("code", ""))
    if code is None:
        raise ApiError(100, message="Invalid verification code format.", status=400)
    if asked.get("client_id") != code.app_id:
        raise ApiError(101, message="Error validating application.", status=400)
    if asked.get("client_secret") != code.app_secret:
        raise ApiError(1, message="Error validating client secret.", status=400)
    if code.used:
        raise ApiError(100, message="This authorization code has been used.", status=400, subcode=36009)
    if provider.clock.now(code.phone_number_id) > code.expires_at:
        raise ApiError(100, message="This authorization code has expired.", status=400, subcode=36007)
    number = _number(provider, code.phone_number_id)
    return number, [number], "meta"


async def _asked(request: web.Request) -> dict[str, str]:
    """In the address, as a form or as JSON."""
    given: Any = dict(request.query)
    if request.content_type == "application/json":
        given |= json.loads(await request.read())
    elif request.content_type == "application/x-www-form-urlencoded":
        given |= dict(await request.post())
    return {str(name): str(value) for name, value in given.items()}


# 360dialog's Hub


async def list_channels(call: Call) -> web.Response:
    channel = call.provider.signups.channels[_wanted(call.request)]
    shown = {
        "id": channel.channel_id,
        "client_id": channel.client_id,
        "status": "ready",
        "setup_info": {"phone_number": call.number.digits, "phone_name": call.number.name},
        "waba_account": {"external_id": call.number.waba_id},
    }
    return web.json_response({"partner_channels": [shown], "count": 1, "total": 1})


async def make_key(call: Call) -> web.Response:
    """A new key: the number's former one ends, and its webhook is gone."""
    channel = call.provider.signups.channels[call.request.match_info["channel_id"]]
    if not channel.shared:
        raise GatewayError(403, "Partner has no permission for this channel")
    key = secrets.token_urlsafe(24)
    call.provider.numbers.register(Registration(phone_number_id=call.number.phone_number_id, api_key=key))
    address = f"{call.request.scheme}://{call.request.host}"
    made = {"id": secrets.token_hex(4), "app_id": secrets.token_hex(4), "address": address, "api_key": key}
    return web.json_response({"api_keys": [made]}, status=201)


async def _by_filter(provider: Provider, request: web.Request) -> Who:
    channel = _of_partner(provider, request, _wanted(request))
    if channel is None:
        raise _Nothing(200, "no such channel")
    return _owner(provider, channel)


async def _by_channel(provider: Provider, request: web.Request) -> Who:
    channel = _of_partner(provider, request, request.match_info["channel_id"])
    if channel is None:
        raise GatewayError(404, "Channel not found")
    return _owner(provider, channel)


class _Nothing(GatewayError):
    """A list with nothing in it."""

    def body(self) -> dict[str, Any]:
        return {"partner_channels": [], "count": 0, "total": 0}


def _of_partner(provider: Provider, request: web.Request, channel_id: str) -> HubChannel | None:
    """The channel, if it is the partner's. Whoever shows no partner's key is refused first."""
    of_partner = [
        channel
        for channel in provider.signups.channels.values()
        if channel.partner_id == request.match_info["partner_id"]
        and channel.partner_key == request.headers.get("x-api-key")
    ]
    if not of_partner:
        raise GatewayError(401, "Unauthorized")
    return next((channel for channel in of_partner if channel.channel_id == channel_id), None)


def _wanted(request: web.Request) -> str:
    try:
        return str(json.loads(request.query.get("filters", "{}")).get("id", ""))
    except (ValueError, AttributeError):
        raise GatewayError(400, "filters is not JSON") from None


def _owner(provider: Provider, channel: HubChannel) -> Who:
    number = _number(provider, channel.phone_number_id)
    return number, [number], "360dialog"


def _number(provider: Provider, phone_number_id: str) -> Number:
    number = provider.numbers.get(phone_number_id)
    if number is None:
        raise GatewayError(404, "The number is gone")
    return number


# Steering


async def add_code(provider: Provider, request: web.Request) -> JSON:
    code = Code.model_validate(await request.json())
    code.expires_at = provider.clock.now(code.phone_number_id) + code.expires_in
    provider.signups.codes[code.code] = code
    return code.model_dump()


async def add_channel(provider: Provider, request: web.Request) -> JSON:
    channel = HubChannel.model_validate(await request.json())
    provider.signups.channels[channel.channel_id] = channel
    return channel.model_dump()
