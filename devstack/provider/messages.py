"""POST /messages: accepts a message or refuses it as Meta would, and sees to what follows."""

from __future__ import annotations

import hashlib

from aiohttp import web

from devstack.provider.calls import Call
from devstack.provider.clock import DAY
from devstack.provider.errors import ApiError
from devstack.provider.media import Media
from devstack.provider.numbers import Known
from devstack.provider.records import JSON, Sent
from devstack.provider.statuses import Outcome
from devstack.provider.templates import Template
from devstack.provider.validate import Recipient, check_envelope, check_product, check_read_mark, media_in
from devstack.provider.validate_template import check_template_send
from devstack.provider.wamid import new_wamid

REACTION_LIFE = 30 * DAY
Failure = tuple[int, str | None]


async def post_message(call: Call) -> web.Response:
    """No idempotency: the same body twice is two messages."""
    attempt = _count_attempt(call)
    body = check_product(call.body)
    if "status" in body:
        check_read_mark(body, call.number)
        return web.json_response({"success": True})
    recipient, kind = check_envelope(body, call.number)
    template = _check_template(call, recipient, body["template"]) if kind == "template" else None
    failure = _fault_of_media(call, kind, body[kind]) or _late_failure(call, kind, body, recipient)
    _check_rates(call, recipient)
    sent = _accept(call, kind, recipient, attempt)
    category = template.category.lower() if template else "service"
    call.provider.statuses.follow(
        Outcome(call.number, sent, recipient, category, body.get("biz_opaque_callback_data"), failure)
    )
    return web.json_response(_answer(recipient, sent.wamid, template=template is not None))


def _count_attempt(call: Call) -> int:
    """The how-manieth call this is with the same callback data, or with the same body if it has none."""
    callback_data = call.body.get("biz_opaque_callback_data") if isinstance(call.body, dict) else None
    key = str(callback_data or hashlib.sha256(call.record.raw).hexdigest())
    attempt = (call.number.attempts.get(key) or 0) + 1
    call.number.attempts.remember(key, attempt)
    return attempt


def _check_template(call: Call, recipient: Recipient, content: JSON) -> Template:
    template = call.provider.templates.find(call.number.waba_id, content["name"], content["language"]["code"])
    check_template_send(content, template)
    if template.category == "AUTHENTICATION" and recipient.user_id:
        raise ApiError(131062, "Authentication templates need a phone number")
    return template


def _fault_of_media(call: Call, kind: str, content: JSON) -> Failure | None:
    """Unknown and expired ids are refused at once; what the file itself has wrong is found out later."""
    for media_kind, wanted in media_in(kind, content):
        if ("id" in wanted) == ("link" in wanted):
            raise ApiError(100, f"Exactly one of id and link must be given for {media_kind}")
        if "id" in wanted:
            fault = _file(call, str(wanted["id"])).fault_for(media_kind)
            if fault:
                return 131053, fault
    return None


def _file(call: Call, media_id: str) -> Media:
    try:
        return call.provider.media.find(media_id, call.reachable)
    except ApiError as error:
        message = f"{media_id} is not a valid whatsapp business account media attachment ID"
        raise ApiError(100, message) from error


def _late_failure(call: Call, kind: str, body: JSON, recipient: Recipient) -> Failure | None:
    """What Meta accepts and then reports as failed. Raises ApiError where the window is enforced at once."""
    if call.action and call.action.failed is not None:
        return call.action.failed, call.action.details
    if kind == "reaction":
        target = call.number.messages.get(body["reaction"]["message_id"])
        if target is None or target.type == "reaction" or call.now - target.at > REACTION_LIFE:
            return 131009, "The message reacted to is unknown, too old, or a reaction itself"
    if kind == "template" or recipient.is_group:
        return None
    return _window_failure(call, recipient)


def _window_failure(call: Call, recipient: Recipient) -> Failure | None:
    enforced = call.provider.behaviour.of(call.number.phone_number_id).enforce_window
    last = call.number.windows.get(recipient.key)
    if enforced == "off" or (last is not None and call.now - last <= DAY):
        return None
    details = "More than 24 hours have passed since the customer last replied to this number"
    if enforced == "sync":
        raise ApiError(131047, details)
    return 131047, details


def _check_rates(call: Call, recipient: Recipient) -> None:
    number = call.number
    if call.provider.behaviour.of(number.phone_number_id).enforce_rates:
        call.provider.rates.admit(number.phone_number_id, recipient.key, number.messages_per_second, call.now)


def _accept(call: Call, kind: str, recipient: Recipient, attempt: int) -> Sent:
    number, now = call.number, call.now
    wamid = new_wamid(recipient.key)
    number.messages.remember(wamid, Known(inbound=False, type=kind, at=now))
    return call.provider.sent.add(
        Sent(
            order=next(call.provider.order),
            wamid=wamid,
            phone_number_id=number.phone_number_id,
            recipient=recipient.input,
            type=kind,
            accepted_at=now,
            attempt=attempt,
            raw=call.record.raw,
        )
    )


def _answer(recipient: Recipient, wamid: str, *, template: bool) -> JSON:
    message = {"id": wamid} | ({"message_status": "accepted"} if template else {})
    return {"messaging_product": "whatsapp", "contacts": [recipient.shown()], "messages": [message]}
