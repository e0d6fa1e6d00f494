"""What a product's own server does once per customer, with the service key: a workspace, its owner, its number."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.demo.agent import Agent, Row, rows_of, supabase
from examples.demo.settings import Settings
from examples.demo.whatsapp_number import WhatsAppNumber
from supabase import AsyncClient


@asynccontextmanager
async def backend(settings: Settings) -> AsyncIterator[Backend]:
    async with supabase(settings.supabase_url, settings.supabase_service_role_key) as client:
        yield Backend(client)


class Backend:
    """The service key: no row level security. It never leaves the server."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def create_workspace(self, name: str, owner: Agent) -> Row:
        workspace = await self._insert("workspaces", {"name": name, "default_language": "en"})
        member = {"workspace_id": workspace["id"], "user_id": owner.user_id, "role": "owner"}
        await self._insert("workspace_members", member)
        return workspace

    async def connect_number(self, workspace: Row, number: WhatsAppNumber) -> Row:
        connection = {
            "workspace_id": workspace["id"],
            "provider": "360dialog",
            "phone_number_id": number.phone_number_id,
            "waba_id": number.waba_id,
            "display_phone_number": number.display_phone_number,
        }
        return await self._insert("whatsapp_connections", connection)

    async def keep_template(self, conversation: Row, name: str, text: str) -> None:
        """For the inbox to offer: what is in `message_templates` can be chosen."""
        template = {
            "workspace_id": conversation["workspace_id"],
            "connection_id": conversation["connection_id"],
            "name": name,
            "language": "en",
            "status": "APPROVED",
            "components": [{"type": "BODY", "text": text}],
        }
        key = "workspace_id,connection_id,name,language"
        await self._client.table("message_templates").upsert(template, on_conflict=key).execute()

    async def traces_of(self, number: WhatsAppNumber, wamid: str) -> dict[str, int]:
        """How many rows of the journal and of the messages know this id."""
        journal = self._client.table("webhook_events").select("body").eq("phone_number_id", number.phone_number_id)
        events = [event for event in await rows_of(journal) if wamid in json.dumps(event["body"])]
        messages = await rows_of(self._client.table("messages").select("id").eq("wamid", wamid))
        return {"webhook_events": len(events), "messages": len(messages)}

    async def _insert(self, table: str, row: Row) -> Row:
        return (await rows_of(self._client.table(table).insert(row)))[0]
