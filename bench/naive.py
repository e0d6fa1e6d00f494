"""A receiver as most projects write it: one supabase-py call per step, each awaited, then the 200.

Correct and without needless delay: one client kept open, the service key, indexes on what it looks for. What it does
not have is what this project is about: a body that fails half-way is half done, and two at once may count wrong.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from postgrest.exceptions import APIError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.serve import serve
from supabase import AsyncClient, acreate_client

Row = dict[str, Any]
UNIQUE_VIOLATION = "23505"


async def rows(query: Any) -> list[Row]:
    return cast(list[Row], (await query.execute()).data)


class Naive:
    """The steps, over one client."""

    client: AsyncClient

    @asynccontextmanager
    async def lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        self.client = await acreate_client(os.environ["SUPABASE_URL"], os.environ["SUPABASE_SERVICE_ROLE_KEY"])
        yield

    async def receive(self, request: Request) -> Response:
        body = await request.json()
        for entry in body["entry"]:
            for change in entry["changes"]:
                value = change["value"]
                number = value["metadata"]["phone_number_id"]
                names = {contact["wa_id"]: contact["profile"]["name"] for contact in value.get("contacts", [])}
                for message in value.get("messages", []):
                    await self.message(number, message, names.get(message["from"]))
                for status in value.get("statuses", []):
                    await self.status(status)
        return Response(status_code=200)

    async def message(self, number: str, message: Row, name: str | None) -> None:
        connection = await self.connection(number)
        if connection is None:
            return
        contact = await self.contact(connection, message["from"], name)
        conversation = await self.conversation(connection, contact, number, message["from"])
        try:
            await self.insert_message(connection, conversation, message)
        except APIError as error:
            if error.code == UNIQUE_VIOLATION:  # delivered before
                return
            raise
        await self.update_stats(conversation, message)

    async def connection(self, number: str) -> Row | None:
        table = self.client.table("whatsapp_connections")
        found = await rows(table.select("id, workspace_id").eq("phone_number_id", number).limit(1))
        return found[0] if found else None

    async def contact(self, connection: Row, wa_id: str, name: str | None) -> Row:
        workspace, phone = connection["workspace_id"], f"+{wa_id}"
        table = self.client.table("contacts")
        found = await rows(table.select("id").eq("workspace_id", workspace).eq("phone", phone).limit(1))
        if not found:
            found = await rows(table.insert({"workspace_id": workspace, "phone": phone, "profile_name": name}))
        return found[0]

    async def conversation(self, connection: Row, contact: Row, number: str, wa_id: str) -> Row:
        table = self.client.table("conversations")
        wanted = table.select("id, unread_count").eq("connection_id", connection["id"]).eq("phone", wa_id)
        found = await rows(wanted.limit(1))
        if not found:
            fresh = {
                "workspace_id": connection["workspace_id"],
                "connection_id": connection["id"],
                "phone_number_id": number,
                "phone": wa_id,
                "contact_id": contact["id"],
            }
            found = await rows(table.insert(fresh))
        return found[0]

    async def insert_message(self, connection: Row, conversation: Row, message: Row) -> None:
        await rows(
            self.client.table("messages").insert(
                {
                    "workspace_id": connection["workspace_id"],
                    "connection_id": connection["id"],
                    "conversation_id": conversation["id"],
                    "wamid": message["id"],
                    "direction": "inbound",
                    "status": "received",
                    "type": message["type"],
                    "content": message[message["type"]],
                    "occurred_at": moment(message).isoformat(),
                }
            )
        )

    async def update_stats(self, conversation: Row, message: Row) -> None:
        at = moment(message)
        stats = {
            "unread_count": conversation["unread_count"] + 1,
            "last_customer_message_at": at.isoformat(),
            "window_expires_at": (at + timedelta(hours=24)).isoformat(),
            "last_message_at": at.isoformat(),
            "last_message_preview": message["text"]["body"][:140],
            "last_message_direction": "inbound",
        }
        await rows(self.client.table("conversations").update(stats).eq("id", conversation["id"]))

    async def status(self, status: Row) -> None:
        found = await rows(self.client.table("messages").select("id").eq("wamid", status["id"]).limit(1))
        if found:
            told = {"status": status["status"], f"{status['status']}_at": moment(status).isoformat()}
            await rows(self.client.table("messages").update(told).eq("id", found[0]["id"]))


def moment(item: Row) -> datetime:
    return datetime.fromtimestamp(int(item["timestamp"]), UTC)


async def alive(_request: Request) -> Response:
    return Response(status_code=200)


if __name__ == "__main__":
    naive = Naive()
    routes = [
        Route("/webhooks/360dialog/{phone_number_id}", naive.receive, methods=["POST"]),
        Route("/livez", alive),
    ]
    serve(Starlette(routes=routes, lifespan=naive.lifespan), int(os.environ["WEBHOOK_PORT"]))
