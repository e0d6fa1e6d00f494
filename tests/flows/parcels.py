"""Files of every kind and size on their way from a customer, a phone's app and its history into the bucket."""

from __future__ import annotations

import base64
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.flows.shop import Shop
from tests.flows.tenant import digits
from tests.whatsapp.files import PDF, jpeg, ogg, webp

KIBIBYTE = 1024
# Above this a file goes to Storage in pieces.
PIECE = 6 * KIBIBYTE * KIBIBYTE
CUSTOMER = "972501234567"


@dataclass(frozen=True)
class Parcel:
    """A file as it was sent; `measured` is what the worker reads off its bytes: width, height, seconds."""

    kind: str
    mime_type: str
    extension: str
    raw: bytes
    measured: tuple[int | None, int | None, float | None] = (None, None, None)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.raw).hexdigest()


def picture(dice: random.Random) -> Parcel:
    raw = jpeg(640, 480) + dice.randbytes(dice.randrange(2 * KIBIBYTE, 300 * KIBIBYTE))
    return Parcel("image", "image/jpeg", ".jpg", raw, (640, 480, None))


def sticker(dice: random.Random) -> Parcel:
    raw = webp(b"VP8X", 512, 512) + dice.randbytes(dice.randrange(2 * KIBIBYTE, 100 * KIBIBYTE))
    return Parcel("sticker", "image/webp", ".webp", raw, (512, 512, None))


def voice(dice: random.Random) -> Parcel:
    seconds = dice.randrange(1, 90)
    raw = ogg(seconds, serial=dice.randrange(10**9), pages=2 * seconds)
    return Parcel("audio", "audio/ogg; codecs=opus", ".ogg", raw, (None, None, float(seconds)))


def document(dice: random.Random) -> Parcel:
    return Parcel("document", "application/pdf", ".pdf", PDF + dice.randbytes(dice.randrange(2_000, 2_000_000)))


def book(dice: random.Random) -> Parcel:
    """One that goes in pieces."""
    raw = PDF + dice.randbytes(dice.randrange(PIECE, 8 * KIBIBYTE * KIBIBYTE))
    return Parcel("document", "application/pdf", ".pdf", raw)


MIXTURE: tuple[Callable[[random.Random], Parcel], ...] = (
    *(picture, voice, book, sticker, document),
    *(picture, voice, document, picture, book),
)


def parcels(count: int, dice: random.Random) -> list[Parcel]:
    return [MIXTURE[place % len(MIXTURE)](dice) for place in range(count)]


async def send(shop: Shop, parcel: Parcel, way: str) -> str:
    """The file's message arrives `live`, as an `echo` of the phone's app or in its `history`; its wamid."""
    media = await shop.business.media_from_user(parcel.raw, parcel.mime_type)
    content = {"id": media["id"], **({"filename": "book.pdf"} if parcel.kind == "document" else {})}
    if way == "live":
        return await shop.business.receive({"type": parcel.kind, parcel.kind: content})
    digest = base64.b64encode(bytes.fromhex(media["sha256"])).decode()
    content |= {"mime_type": parcel.mime_type, "sha256": digest}
    wamid = f"wamid.{digits()}"
    told = {"id": wamid, "timestamp": "1790000000", "type": parcel.kind, parcel.kind: content}
    await shop.business.control("webhook", body=_from_the_app(shop, told, way))
    return wamid


def _from_the_app(shop: Shop, told: dict[str, Any], way: str) -> dict[str, Any]:
    metadata = {"display_phone_number": "97235551234", "phone_number_id": shop.business.id}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    if way == "echo":
        field, value["message_echoes"] = "smb_message_echoes", [told | {"from": "97235551234", "to": CUSTOMER}]
    else:
        field, value["messages"] = "history", [told | {"from": CUSTOMER}]
    entry = {"id": shop.business.waba_id, "changes": [{"field": field, "value": value}]}
    return {"object": "whatsapp_business_account", "entry": [entry]}
