"""Messages from users: built as Meta builds them, remembered, and posted to the number's webhook."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from devstack.provider.deliveries import Delivery, body_of
from devstack.provider.errors import ApiError
from devstack.provider.limits import MEDIA_LIMITS
from devstack.provider.media_calls import LOOKASIDE
from devstack.provider.numbers import Known, Number
from devstack.provider.provider import Provider
from devstack.provider.records import JSON
from devstack.provider.statuses import metadata_of
from devstack.provider.users import bsuid_of, wa_id_of
from devstack.provider.wamid import new_wamid

# These do not open the customer service window. (Meta does not say it of reactions; the stricter reading.)
NO_WINDOW = {"reaction", "system", "edit", "revoke"}


class Inbound(BaseModel):
    """What a user does. `message` is the Cloud API's own object, `type` and content; further keys of it go along.

    `from` null with a `user_id` is a user whose phone is hidden; `user_id` null leaves BSUIDs out altogether.
    """

    model_config = ConfigDict(extra="forbid")

    phone_number_id: str
    sender: str | None = Field(alias="from")
    message: JSON
    profile_name: str | None = "Simulated user"
    username: str | None = None
    user_id: str | None = ""
    parent_user_id: str | None = None
    timestamp: int | None = None
    id: str | None = None
    omit_contacts: bool = False


def receive(provider: Provider, inbound: Inbound, number: Number) -> tuple[str, JSON]:
    """The user's message reaches WhatsApp: its wamid, and the change's value for the webhook."""
    now = provider.clock.now(number.phone_number_id)
    stamp = inbound.timestamp if inbound.timestamp is not None else int(now)
    user_id = _user_id(inbound, number)
    wamid = inbound.id or new_wamid(inbound.sender or user_id or "", inbound=True)
    kind = str(inbound.message.get("type", "unknown"))
    number.messages.remember(wamid, Known(inbound=True, type=kind, at=float(stamp)))
    _remember(number, inbound.sender, user_id, None if kind in NO_WINDOW else stamp)
    message = {"id": wamid, "timestamp": str(stamp), **_identifiers(inbound, user_id)}
    value: JSON = {"messaging_product": "whatsapp", "metadata": metadata_of(number)}
    if not inbound.omit_contacts and kind != "system":
        value["contacts"] = [_contact(inbound, user_id)]
    return wamid, value | {"messages": [message | _with_media(provider, number, inbound.message)]}


def post_together(provider: Provider, number: Number, values: list[JSON]) -> Delivery:
    """Many messages of one number in one body and one change, as Meta batches them."""
    merged: JSON = values[0] | {"messages": [message for value in values for message in value["messages"]]}
    contacts = {str(contact): contact for value in values for contact in value.get("contacts", [])}
    if contacts:
        merged["contacts"] = list(contacts.values())
    return provider.deliveries.post_body(number, body_of(number.waba_id, [merged]))


def _user_id(inbound: Inbound, number: Number) -> str | None:
    if inbound.user_id == "":
        return bsuid_of(wa_id_of(inbound.sender), number.waba_id) if inbound.sender else None
    return inbound.user_id


def _remember(number: Number, phone: str | None, user_id: str | None, stamp: int | None) -> None:
    """The window is the user's, under whichever name they are written to. An older message does not shorten it."""
    wa_id = wa_id_of(phone) if phone else None
    if wa_id and user_id:
        number.user_ids.remember(wa_id, user_id)
    for name in (wa_id, user_id):
        if name and stamp is not None:
            number.windows.remember(name, max(float(stamp), number.windows.get(name) or 0.0))


def _identifiers(inbound: Inbound, user_id: str | None) -> JSON:
    named = {"from": inbound.sender, "from_user_id": user_id, "from_parent_user_id": inbound.parent_user_id}
    return {name: value for name, value in named.items() if value}


def _contact(inbound: Inbound, user_id: str | None) -> JSON:
    profile = {"name": inbound.profile_name, "username": inbound.username}
    named: dict[str, Any] = {
        "profile": {name: value for name, value in profile.items() if value},
        "wa_id": inbound.sender,
        "user_id": user_id,
        "parent_user_id": inbound.parent_user_id,
    }
    return {name: value for name, value in named.items() if value}


def _with_media(provider: Provider, number: Number, message: JSON) -> JSON:
    """Completes a media object that names one of our files with what Meta tells about it."""
    kind = message.get("type")
    content = message.get(str(kind))
    if kind not in MEDIA_LIMITS or not isinstance(content, dict) or "id" not in content:
        return message
    try:
        media = provider.media.find(str(content["id"]), {number.phone_number_id})
    except ApiError:
        return message
    described = {"mime_type": media.mime_type, "sha256": media.base64_sha256}
    described["url"] = provider.media.signed_url(media, LOOKASIDE, source="webhook")
    if kind == "document" and media.filename:
        described["filename"] = media.filename
    if kind == "audio":
        return message | {kind: described | {"voice": False} | content}
    return message | {kind: described | content}
