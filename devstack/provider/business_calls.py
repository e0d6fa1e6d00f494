"""The calls about the business itself: webhooks, templates, the state of the number and of its account."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from pydantic import ValidationError

from devstack.provider.calls import Call
from devstack.provider.errors import ApiError, GatewayError
from devstack.provider.numbers import Number
from devstack.provider.records import JSON
from devstack.provider.targets import HeaderWebhook

PAGE = 25


async def get_number_webhook(call: Call) -> web.Response:
    return web.json_response(_shown(call.number.webhook))


async def set_number_webhook(call: Call) -> web.Response:
    """360dialog: `{url, headers}`; the number's webhook wins over its WABA's."""
    call.number.webhook = _webhook(call.body)
    return web.json_response(_shown(call.number.webhook))


async def get_waba_webhook(call: Call) -> web.Response:
    return web.json_response(_shown(call.provider.numbers.waba(call.number.waba_id).webhook))


async def set_waba_webhook(call: Call) -> web.Response:
    """360dialog: one webhook for all numbers of the WABA; `override_all` takes the numbers' own away."""
    webhook = _webhook(call.body)
    call.provider.numbers.waba(call.number.waba_id).webhook = webhook
    if call.body.get("override_all"):
        for number in call.provider.numbers.in_waba(call.number.waba_id):
            number.webhook = None
    return web.json_response(_shown(webhook))


def _webhook(body: Any) -> HeaderWebhook:
    try:
        return HeaderWebhook.model_validate(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise GatewayError(400, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error


def _shown(webhook: HeaderWebhook | None) -> JSON:
    return webhook.model_dump() if webhook else {"url": None, "headers": {}}


async def list_templates(call: Call) -> web.Response:
    """Graph's edge: `fields`, `name`, `status`, pages by `limit` and `after`."""
    query = call.request.query
    templates = call.provider.templates.of_waba(call.number.waba_id)
    for name in ("name", "status", "language", "category"):
        if name in query:
            templates = [template for template in templates if getattr(template, name) == query[name]]
    start, limit = _digits(query.get("after"), 0), max(1, _digits(query.get("limit"), PAGE))
    page, end = templates[start : start + limit], start + limit
    answer: JSON = {"data": [template.shown(_fields(call)) for template in page]}
    if page:
        answer["paging"] = {"cursors": {"before": str(start), "after": str(min(end, len(templates)))}}
    if end < len(templates):
        host = f"{call.request.scheme}://{call.request.host}"
        answer["paging"]["next"] = f"{host}{call.request.rel_url.update_query(after=str(end), limit=str(limit))}"
    return web.json_response(answer)


async def create_template(call: Call) -> web.Response:
    template = call.provider.templates.create(call.number.waba_id, call.body)
    return web.json_response({"id": template.id, "status": template.status, "category": template.category})


async def delete_template(call: Call) -> web.Response:
    """By `name` all languages, with `hsm_id` one of them."""
    query = call.request.query
    if "name" not in query:
        raise ApiError(100, message="(#100) The parameter name is required.")
    if not call.provider.templates.delete(call.number.waba_id, query["name"], query.get("hsm_id")):
        raise ApiError(100, "Message template was not found", subcode=2593002)
    return web.json_response({"success": True})


async def get_health(call: Call) -> web.Response:
    """360dialog's view of Graph's `health_status` node."""
    return web.json_response(_node(call, ["health_status", "display_phone_number", "verified_name"]))


async def get_phone_number(call: Call) -> web.Response:
    return web.json_response(_node(call, ["display_phone_number", "verified_name", "quality_rating"]))


async def list_phone_numbers(call: Call) -> web.Response:
    """Graph's edge: the numbers of the account that the token reaches."""
    own = [number for number in call.numbers if number.waba_id == call.number.waba_id]
    default = ["display_phone_number", "verified_name", "quality_rating"]
    return web.json_response({"data": [_node(call, default, number) for number in own]})


async def register(call: Call) -> web.Response:
    """Takes a number into service: six digits, which are those of its two-step verification once it has any."""
    body = call.body if isinstance(call.body, dict) else {}
    pin = body.get("pin")
    if body.get("messaging_product") != "whatsapp" or not (isinstance(pin, str) and re.fullmatch(r"\d{6}", pin)):
        raise ApiError(100, message="(#100) Invalid parameter")
    if call.number.pin not in (None, pin):
        raise ApiError(133005)
    call.number.pin = pin
    return web.json_response({"success": True})


def _node(call: Call, default: list[str], of: Number | None = None) -> JSON:
    """A number as a Graph node, the call's own unless told otherwise: the fields asked for, and always the id."""
    number, wanted = of or call.number, _fields(call) or default
    known: JSON = {
        "health_status": _health(number),
        "display_phone_number": number.display_phone_number,
        "verified_name": number.name,
        "name_status": "APPROVED",
        "quality_rating": "GREEN",
        "status": "CONNECTED",
        "platform_type": "CLOUD_API",
        "code_verification_status": "VERIFIED",
        "throughput": {"level": "HIGH" if number.messages_per_second > 80 else "STANDARD"},
        # The WhatsApp Business app uses it too.
        "is_on_biz_app": number.messages_per_second == 20,
    }
    return {name: known[name] for name in wanted if name in known} | {"id": number.phone_number_id}


def _health(number: Number) -> JSON:
    entities = (("PHONE_NUMBER", number.phone_number_id), ("WABA", number.waba_id))
    available = {"can_send_message": "AVAILABLE"}
    return available | {"entities": [{"entity_type": kind, "id": name} | available for kind, name in entities]}


async def get_subscribed_apps(call: Call) -> web.Response:
    subscribed = call.provider.numbers.waba(call.number.waba_id).subscribed
    app = {"whatsapp_business_api_data": {"id": "1", "name": "Simulated app", "link": "https://example.com/"}}
    return web.json_response({"data": [app] if subscribed else []})


async def subscribe_app(call: Call) -> web.Response:
    call.provider.numbers.waba(call.number.waba_id).subscribed = True
    return web.json_response({"success": True})


async def unsubscribe_app(call: Call) -> web.Response:
    call.provider.numbers.waba(call.number.waba_id).subscribed = False
    return web.json_response({"success": True})


def _fields(call: Call) -> list[str] | None:
    fields = call.request.query.get("fields")
    return fields.split(",") if fields else None


def _digits(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
