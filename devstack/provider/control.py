"""`/_control`: how tests and demos steer the provider. JSON in and out; no key, it is a development stack."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from pydantic import BaseModel, TypeAdapter, ValidationError

from devstack.provider.control_bodies import Batch, ClockChange, RawWebhook, TemplateInput
from devstack.provider.deliveries import body_of
from devstack.provider.faults import Rule
from devstack.provider.inbound import Inbound, post_together, receive
from devstack.provider.media import INBOUND_LIFE
from devstack.provider.numbers import Number, Registration
from devstack.provider.provider import PROVIDER, Provider
from devstack.provider.records import JSON
from devstack.provider.targets import MetaApp

M = TypeVar("M", bound=BaseModel)
_RULES: TypeAdapter[list[Rule]] = TypeAdapter(list[Rule])


class BadControl(Exception):
    """A control request that makes no sense. The text is the answer, with status 400."""


def control(
    handle: Callable[[Provider, web.Request], Awaitable[Any]],
) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A control route: whatever the handler returns, as JSON."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return web.json_response(await handle(request.app[PROVIDER], request))
        except BadControl as error:
            return web.json_response({"error": str(error)}, status=400)
        except ValidationError as error:
            return web.json_response({"error": str(error)}, status=400)

    return answer


async def _body(request: web.Request) -> Any:
    try:
        return await request.json() if request.can_read_body else {}
    except ValueError as error:
        raise BadControl("the body is not JSON") from error


async def _read(request: web.Request, model: type[M]) -> M:
    return model.model_validate(await _body(request))


def _number(provider: Provider, phone_number_id: str | None) -> Number:
    number = provider.numbers.get(phone_number_id or "")
    if number is None:
        raise BadControl(f"no number {phone_number_id!r}: register it with POST /_control/numbers")
    return number


async def health(provider: Provider, request: web.Request) -> JSON:
    return {"status": "ok", "now": provider.clock.now()}


async def register_number(provider: Provider, request: web.Request) -> JSON:
    number = provider.numbers.register(await _read(request, Registration))
    return {name: getattr(number, name) for name in Registration.model_fields}


async def register_meta_app(provider: Provider, request: web.Request) -> JSON:
    """Does Meta's handshake; the app is registered only when it passed."""
    app = await _read(request, MetaApp)
    challenge = str(secrets.randbelow(10**10))
    query = {"hub.mode": "subscribe", "hub.challenge": challenge, "hub.verify_token": app.verify_token}
    try:
        async with aiohttp.request(
            "GET", app.callback_url, params=query, timeout=aiohttp.ClientTimeout(total=5)
        ) as answer:
            status, text = answer.status, await answer.text()
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return {"verified": False, "status": None, "body": str(error)}
    verified = status == 200 and text == challenge
    if verified:
        provider.numbers.apps[app.waba_id] = app
    return {"verified": verified, "status": status, "body": text[:1000]}


async def post_inbound(provider: Provider, request: web.Request) -> JSON:
    inbound = await _read(request, Inbound)
    number = _number(provider, inbound.phone_number_id)
    wamid, value = receive(provider, inbound, number)
    return {"wamid": wamid, "delivery_id": post_together(provider, number, [value]).id}


async def post_batch(provider: Provider, request: web.Request) -> JSON:
    """Many messages of one number in one body."""
    batch = await _read(request, Batch)
    number = _number(provider, batch.phone_number_id)
    owner = {"phone_number_id": batch.phone_number_id}
    received = [receive(provider, Inbound.model_validate(fields | owner), number) for fields in batch.messages]
    delivery = post_together(provider, number, [value for _, value in received])
    return {"wamids": [wamid for wamid, _ in received], "delivery_id": delivery.id}


async def post_webhook(provider: Provider, request: web.Request) -> JSON:
    """Any body with the number's right authentication."""
    webhook = await _read(request, RawWebhook)
    number = _number(provider, webhook.phone_number_id)
    return {"delivery_id": provider.deliveries.post(number, webhook.bytes()).id}


async def add_media(provider: Provider, request: web.Request) -> JSON:
    """A file that a user sent.

    `sha256` and `file_size` may lie, `truncate` cuts every download short, `expires_in` is its life in seconds.
    """
    query = request.query
    number = _number(provider, query.get("phone_number_id"))
    spool = provider.media.spool()
    try:
        async for chunk in request.content.iter_chunked(64 * 1024):
            spool.write(chunk)
        life = float(query.get("expires_in", INBOUND_LIFE))
        size = int(query["file_size"]) if "file_size" in query else None
        truncate = int(query["truncate"]) if "truncate" in query else None
    except ValueError as error:
        spool.discard()
        raise BadControl(str(error)) from error
    mime_type = query.get("mime_type", "application/octet-stream")
    media = provider.media.keep(spool, number.phone_number_id, mime_type, life, query.get("filename"))
    media.truncate = truncate
    media.sha256 = query.get("sha256", media.sha256)
    media.file_size = media.file_size if size is None else size
    return {"id": media.id, "sha256": media.sha256, "mime_type": mime_type, "file_size": media.file_size}


async def add_template(provider: Provider, request: web.Request) -> JSON:
    """A template in any state, APPROVED unless told otherwise; `notify` tells the webhook about the state."""
    given = await _read(request, TemplateInput)
    number = _number(provider, given.phone_number_id)
    template = provider.templates.put(number.waba_id, given.model_dump(exclude={"phone_number_id", "notify"}))
    if given.notify:
        value = {
            "event": template.status,
            "message_template_id": int(template.id),
            "message_template_name": template.name,
            "message_template_language": template.language,
            "reason": "NONE",
        }
        provider.deliveries.post_body(number, body_of(number.waba_id, [value], "message_template_status_update"))
    return template.shown()


async def move_clock(provider: Provider, request: web.Request) -> JSON:
    change = await _read(request, ClockChange)
    provider.clock.move(change.offset_seconds, change.phone_number_id)
    return {"now": provider.clock.now(change.phone_number_id)}


async def change_behaviour(provider: Provider, request: web.Request) -> JSON:
    fields = dict(await _body(request))
    return provider.behaviour.change(fields.pop("phone_number_id", None), fields).model_dump(mode="json")


async def change_webhook_faults(provider: Provider, request: web.Request) -> JSON:
    fields = dict(await _body(request))
    return provider.webhook_faults.change(fields.pop("phone_number_id", None), fields).model_dump(mode="json")


async def add_faults(provider: Provider, request: web.Request) -> JSON:
    """One rule, a list of them, or `{rules: […]}`: they come after those already in force."""
    body = await _body(request)
    rules = body.get("rules", [body]) if isinstance(body, dict) else body
    provider.faults.rules.extend(_RULES.validate_python(rules))
    return await list_faults(provider, request)


async def list_faults(provider: Provider, request: web.Request) -> JSON:
    return {"rules": [rule.model_dump(mode="json", exclude_defaults=True) for rule in provider.faults.rules]}


async def delete_faults(provider: Provider, request: web.Request) -> JSON:
    provider.faults.forget(request.query.get("phone_number_id"))
    return await list_faults(provider, request)


async def reset(provider: Provider, request: web.Request) -> JSON:
    provider.reset((await _body(request)).get("phone_number_id"))
    return {"reset": True}
