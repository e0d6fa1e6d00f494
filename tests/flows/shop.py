"""A tenant whose number is registered at the simulated WhatsApp, with its webhook: both ends of the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.programs import Program
from tests.flows.tenant import Tenant, token_of


@dataclass(frozen=True)
class Shop:
    """`tenant` is our side, `business` is WhatsApp's."""

    tenant: Tenant
    business: Business

    @classmethod
    async def new(
        cls, database: Connect, simulator: Simulator, webhook: Program | None, credential: str | None = ""
    ) -> Shop:
        """`credential` None leaves Vault empty; by default it is the number's key."""
        business = await simulator.business()
        # Threads are made in the database here; the simulator knows nothing of who has written.
        await business.behave(enforce_window="off")
        tenant = await Tenant.new(database, business.id, business.waba_id)
        if credential is not None:
            await tenant.set_credential(credential or business.api_key)
        if webhook is not None:
            await register_webhook(business, webhook)
        return cls(tenant, business)

    async def sent(self) -> list[dict[str, Any]]:
        """What WhatsApp has accepted, in its order."""
        return await self.business.seen("sent")

    async def sent_texts(self) -> list[str]:
        return [row["body"]["text"]["body"] for row in await self.sent()]

    async def sends(self) -> int:
        """How often WhatsApp was asked to send, refusals and cut lines included."""
        return len(await self.business.seen("requests", operation="messages"))

    async def queue_text(self, words: str = "hello") -> str:
        """A text to somebody who has just written."""
        return await self.tenant.queue(await self.tenant.conversation(), words)

    async def explained(self, message_id: str) -> dict[str, Any]:
        """Why a message waits, as `explain_outbound` says."""
        (row,) = await self.tenant.rows("select explain_outbound(%(id)s) as answer", id=message_id)
        answer: dict[str, Any] = row["answer"]
        return answer

    async def report(self, status: str = "sent", **fields: Any) -> None:
        """Posts a status of the newest accepted message by hand."""
        sent = (await self.sent())[-1]
        status_entry = {
            "id": sent["wamid"],
            "status": status,
            "timestamp": str(int(sent["accepted_at"])),
            "recipient_id": sent["recipient"],
            "biz_opaque_callback_data": sent["body"]["biz_opaque_callback_data"],
        }
        value = {
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "15550000000", "phone_number_id": self.business.id},
            "statuses": [status_entry | fields],
        }
        entry = {"id": self.business.waba_id, "changes": [{"field": "messages", "value": value}]}
        await self.business.control("webhook", body={"object": "whatsapp_business_account", "entry": [entry]})


async def register_webhook(business: Business, webhook: Program) -> None:
    """As an operator does at 360dialog, with the derived token."""
    headers = {"Authorization": f"Bearer {token_of(business.id)}"}
    url = f"{webhook.url}/webhooks/360dialog/{business.id}"
    answer = await business.call("POST", "/v1/configs/webhook", json={"url": url, "headers": headers})
    assert answer.status == 200, answer.body
