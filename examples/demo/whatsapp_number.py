"""The other end of the line: a business number at the simulated WhatsApp, and the customers who write to it.

Steered through the simulator's `/_control` (docs/simulated-whatsapp.md); only the webhook is registered the way it is
with 360dialog itself.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Any

import httpx

JSON = dict[str, Any]

# Slow enough for the eye to follow: a send takes this long, and so does each tick after it.
UNHURRIED = {"answer_delay_ms": 150, "status_delay_ms": 250}


@dataclass(frozen=True)
class Customer:
    """Their numbers are from a range that is kept free for films."""

    name: str
    phone: str


def _digits() -> str:
    return str(10**14 + secrets.randbelow(10**14))


@dataclass(frozen=True)
class WhatsAppNumber:
    """A number of its own for every run, so that runs can share a stack."""

    http: httpx.AsyncClient  # with the simulator as its base address
    phone_number_id: str = field(default_factory=_digits)
    waba_id: str = field(default_factory=_digits)
    api_key: str = field(default_factory=lambda: secrets.token_hex(16))
    display_phone_number: str = "+44 7700 900000"

    async def register(self) -> None:
        await self._control(
            "numbers",
            waba_id=self.waba_id,
            display_phone_number=self.display_phone_number,
            api_key=self.api_key,
            name="Café Aviv",
        )
        await self._control("behaviour", **UNHURRIED)

    def webhook_path(self) -> str:
        return f"/webhooks/360dialog/{self.phone_number_id}"

    async def register_webhook(self, webhook_url: str, secret: str) -> None:
        """360dialog keeps a header for us; its token is derived, so the webhook checks it without asking anybody."""
        token = hmac.new(secret.encode(), self.phone_number_id.encode(), hashlib.sha256).hexdigest()
        webhook = {"url": webhook_url + self.webhook_path(), "headers": {"Authorization": f"Bearer {token}"}}
        answer = await self.http.post("/v1/configs/webhook", json=webhook, headers={"D360-API-KEY": self.api_key})
        answer.raise_for_status()

    async def receive_text(self, customer: Customer, text: str, timestamp: int | None = None) -> str:
        """The customer writes, now or at another time; answers the message's wamid."""
        return await self._receive(customer, {"type": "text", "text": {"body": text}}, timestamp)

    async def receive_picture(self, customer: Customer, png: bytes, caption: str) -> str:
        query = {"phone_number_id": self.phone_number_id, "mime_type": "image/png"}
        answer = await self.http.post("/_control/media", params=query, content=png)
        image = {"id": answer.raise_for_status().json()["id"], "caption": caption}
        return await self._receive(customer, {"type": "image", "image": image})

    async def approve_template(self, name: str, text: str) -> None:
        await self._control("templates", name=name, language="en", components=[{"type": "BODY", "text": text}])

    async def _receive(self, customer: Customer, message: JSON, timestamp: int | None = None) -> str:
        sender = {"from": customer.phone, "profile_name": customer.name}
        answer = await self._control("inbound", **sender, message=message, timestamp=timestamp)
        return str(answer["wamid"])

    async def _control(self, action: str, **fields: Any) -> JSON:
        body = {"phone_number_id": self.phone_number_id, **fields}
        answer: JSON = (await self.http.post(f"/_control/{action}", json=body)).raise_for_status().json()
        return answer
