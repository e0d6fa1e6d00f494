"""A call to the API: who makes it, what fault befalls it, how a refusal is answered, and the record of it all."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from devstack.provider.errors import ApiError, GatewayError, Refusal, unknown_object
from devstack.provider.faults import Action
from devstack.provider.numbers import Number
from devstack.provider.provider import PROVIDER, Provider
from devstack.provider.records import ApiRequest
from devstack.provider.streams import cut, stream

Dialect = Literal["360dialog", "meta"]


@dataclass(slots=True)
class Call:
    """One authenticated call. `numbers` are all that the credential reaches, `number` the one it is about."""

    provider: Provider
    request: web.Request
    record: ApiRequest
    dialect: Dialect
    number: Number
    numbers: list[Number]
    body: Any
    action: Action | None = None

    @property
    def reachable(self) -> set[str]:
        return {number.phone_number_id for number in self.numbers}

    @property
    def now(self) -> float:
        return self.provider.clock.now(self.number.phone_number_id)


Handler = Callable[[Call], Awaitable[web.StreamResponse]]
Identify = Callable[[Provider, web.Request], Awaitable[tuple[Number, list[Number], Dialect]]]


async def _by_credential(provider: Provider, request: web.Request) -> tuple[Number, list[Number], Dialect]:
    return _identify(provider, request)


def endpoint(
    operation: str, handle: Handler, identify: Identify = _by_credential
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """A route of the API. Everything that was asked is on record, refused or not."""

    async def answer(request: web.Request) -> web.StreamResponse:
        provider = request.app[PROVIDER]
        record = ApiRequest(time.time(), operation, request.method, request.path_qs)
        provider.requests.add(record)
        try:
            response = await _perform(provider, request, record, handle, identify)
        except Refusal as refusal:
            record.error = refusal.code if isinstance(refusal, ApiError) else None
            response = web.json_response(refusal.body(), status=refusal.status)
        except web.HTTPRequestEntityTooLarge as too_large:
            response = web.Response(status=too_large.status, text=too_large.text)
        if record.status is None:
            record.status = response.status
        return response

    return answer


async def _perform(
    provider: Provider, request: web.Request, record: ApiRequest, handle: Handler, identify: Identify
) -> web.StreamResponse:
    number, numbers, dialect = await identify(provider, request)
    record.phone_number_id, record.dialect = number.phone_number_id, dialect
    if not request.content_type.startswith("multipart/"):
        record.raw = await request.read()
    body = _parsed(record.raw)
    record.operation = _operation(record.operation, request, number, body)
    call = Call(provider, request, record, dialect, number, numbers, body)
    call.action = provider.faults.choose(record.operation, number.phone_number_id, _addressee(body))
    delay = provider.behaviour.of(number.phone_number_id).answer_delay_ms
    response = await (_befall(call, call.action, handle) if call.action else handle(call))
    if delay and not response.prepared:
        await asyncio.sleep(delay / 1000)
    return response


def _operation(named: str, request: web.Request, number: Number, body: Any) -> str:
    """What a call really is where one route serves two: known before the faults are looked at."""
    if named == "messages" and isinstance(body, dict) and "status" in body:
        return "mark_read"
    if named == "media_lookup" and request.match_info["object_id"] == number.phone_number_id:
        return "phone_number"
    return named


def _identify(provider: Provider, request: web.Request) -> tuple[Number, list[Number], Dialect]:
    key = request.headers.get("D360-API-KEY")
    in_graph = "version" in request.match_info or (key is None and "Authorization" in request.headers)
    if not in_graph:
        number = provider.numbers.by_api_key(key or "")
        if number is None:
            raise GatewayError(401, "Invalid api key" if key else "Authentication header missing")
        return number, [number], "360dialog"
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    numbers = provider.numbers.by_access_token(token.strip()) if scheme.lower() == "bearer" and token else []
    if not numbers:
        raise ApiError(190, message="Invalid OAuth access token - Cannot parse access token")
    return _addressed(provider, request, numbers), numbers, "meta"


def _addressed(provider: Provider, request: web.Request, numbers: list[Number]) -> Number:
    """The number that a Graph path speaks of. Foreign ids look like unknown ones."""
    path = request.match_info
    if "phone_number_id" in path:
        found = [n for n in numbers if n.phone_number_id == path["phone_number_id"]]
    elif "waba_id" in path:
        found = [n for n in numbers if n.waba_id == path["waba_id"]]
    else:
        object_id = path.get("object_id") or request.query.get("mid", "")
        owner = provider.media.owner_of(object_id)
        return next((n for n in numbers if n.phone_number_id in (object_id, owner)), numbers[0])
    if not found:
        raise unknown_object(path.get("phone_number_id") or path["waba_id"], request.method.lower())
    return found[0]


async def _befall(call: Call, action: Action, handle: Handler) -> web.StreamResponse:
    """The fault, around or in place of the work."""
    call.record.fault = action.name
    if action.hang:
        await asyncio.sleep(action.hang)
        if call.request.transport is None:
            return _cut(call)
    if action.cut == "before":
        return _cut(call)
    if action.error is not None and action.http is None:
        raise ApiError(action.error, action.details, status=action.status)
    response = await handle(call) if action.http is None and action.redirect is None else _bare(action)
    if action.delay_ms:
        await asyncio.sleep(action.delay_ms / 1000)
    if action.cut == "after":
        return _cut(call)
    if isinstance(response, web.Response) and action.disturbs_body:
        return await _disturbed(call.request, response, action)
    return response


def _cut(call: Call) -> web.Response:
    call.record.status = 0
    cut(call.request)
    return web.Response(status=500)


def _bare(action: Action) -> web.Response:
    """A page that is not the API's: a proxy's error, or whatever the rule says."""
    if action.redirect is not None:
        return web.Response(status=action.http or 302, headers={"Location": action.redirect})
    headers = {} if action.retry_after is None else {"Retry-After": str(action.retry_after)}
    if isinstance(action.body, str):
        return web.Response(status=action.http or 500, text=action.body, content_type="text/html", headers=headers)
    return web.json_response(action.body, status=action.http or 500, headers=headers)


async def _disturbed(request: web.Request, response: web.Response, action: Action) -> web.StreamResponse:
    raw = response.body if isinstance(response.body, bytes) else b""
    headers = {**response.headers, "Content-Length": str(len(raw))}

    async def whole() -> AsyncIterator[bytes]:
        yield raw

    return await stream(request, whole(), headers, action, status=response.status)


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except ValueError:
        return None


def _addressee(body: Any) -> str | None:
    """Whom a body is for, so that rules can pick one person's messages."""
    if not isinstance(body, dict):
        return None
    to = body.get("to") or body.get("recipient")
    return str(to) if to else None
