"""Whether a message would be accepted: the envelope of `POST /messages`, then its content. Raises ApiError."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from devstack.provider.errors import ApiError
from devstack.provider.interactive import check_interactive
from devstack.provider.limits import INCOMING_ONLY, MEDIA_LIMITS, MESSAGE_ID, MESSAGES
from devstack.provider.numbers import Number
from devstack.provider.records import JSON
from devstack.provider.shapes import Check, one_of, shape, text
from devstack.provider.users import check_bsuid, check_phone, wa_id_of

CONTENT: dict[str, Check] = {**MESSAGES, "interactive": check_interactive}

_RECIPIENT_TYPE = one_of("individual", "group")
_TYPE = one_of(*CONTENT)
_CONTEXT = shape({"message_id": MESSAGE_ID})
_CALLBACK_DATA = text(512, least=0, code=100)
_TYPING = shape({"type": one_of("text")})


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message is for. `key` names the user in windows and rates: wa_id, BSUID, or group id."""

    input: str
    key: str
    wa_id: str | None = None
    user_id: str | None = None

    @property
    def is_group(self) -> bool:
        return self.wa_id is None and self.user_id is None

    def shown(self) -> JSON:
        """The `contacts` entry of the answer."""
        return {"input": self.input} | {
            name: value for name, value in (("wa_id", self.wa_id), ("user_id", self.user_id)) if value
        }


def check_product(body: Any) -> JSON:
    """Every POST to /messages names its product."""
    if not isinstance(body, dict):
        raise ApiError(100, message="(#100) The request body must be a JSON object.")
    _required(body, "messaging_product")
    if body["messaging_product"] != "whatsapp":
        raise ApiError(100, "Param messaging_product must be one of {WHATSAPP}.")
    return body


def check_envelope(body: JSON, number: Number) -> tuple[Recipient, str]:
    """To whom, and of what type; the content's shape with it."""
    _RECIPIENT_TYPE(body.get("recipient_type", "individual"), "recipient_type")
    recipient = _recipient_of(body, number)
    kind = body.get("type", "text")
    if kind in INCOMING_ONLY:
        raise ApiError(131051, f"Messages of type {kind} cannot be sent")
    _TYPE(kind, "type")
    _required(body, kind)
    CONTENT[kind](body[kind], kind)
    if "biz_opaque_callback_data" in body:
        _CALLBACK_DATA(body["biz_opaque_callback_data"], "biz_opaque_callback_data")
    if "context" in body:
        _CONTEXT(body["context"], "context")
        if kind == "reaction":
            raise ApiError(131009, "Reaction messages cannot be sent as a contextual reply")
    return recipient, kind


def check_read_mark(body: JSON, number: Number) -> None:
    """`status: read` for a message that this number received; a typing indicator may come with it."""
    one_of("read")(body["status"], "status")
    _required(body, "message_id")
    MESSAGE_ID(body["message_id"], "message_id")
    if "typing_indicator" in body:
        _TYPING(body["typing_indicator"], "typing_indicator")
    known = number.messages.get(body["message_id"])
    if known is None or not known.inbound:
        raise ApiError(131009, "message_id is not the id of a message received by this number")


def _recipient_of(body: JSON, number: Number) -> Recipient:
    """`to` wins when both are given; then the answer knows nothing of the user id."""
    if body.get("recipient_type") == "group":
        _required(body, "to")
        return Recipient(str(body["to"]), str(body["to"]))
    if body.get("to"):
        dialled = check_phone(body["to"])
        wa_id = wa_id_of(dialled)
        if wa_id == wa_id_of(number.digits):
            raise ApiError(131021, "Recipient phone number must be different from the sender's")
        return Recipient(dialled, wa_id, wa_id=wa_id)
    if not body.get("recipient"):
        raise ApiError(100, message="(#100) The parameter to is required.")
    user_id = check_bsuid(body["recipient"])
    return Recipient(user_id, user_id, user_id=user_id)


def media_in(kind: str, content: Any) -> Iterator[tuple[str, JSON]]:
    """Every media object of a message with its kind, wherever the type keeps them."""
    if kind in MEDIA_LIMITS:
        yield kind, content
    elif kind in ("interactive", "template"):
        yield from _nested_media(content)


def _nested_media(value: Any) -> Iterator[tuple[str, JSON]]:
    if isinstance(value, list):
        for element in value:
            yield from _nested_media(element)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in MEDIA_LIMITS and isinstance(inner, dict):
                yield key, inner
            else:
                yield from _nested_media(inner)


def _required(body: JSON, name: str) -> None:
    if name not in body:
        raise ApiError(100, message=f"(#100) The parameter {name} is required.")
