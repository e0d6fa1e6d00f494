"""Files that a workspace has put into its bucket to send them, and what has been uploaded of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from tests.conftest import Project
from tests.flows.shop import Shop


@dataclass(frozen=True)
class Drawer:
    """The folder `{workspace_id}/outgoing` of a shop."""

    shop: Shop
    project: Project
    http: httpx.AsyncClient

    def path(self, name: str) -> str:
        return f"{self.shop.tenant.workspace_id}/outgoing/{name}"

    async def put(self, name: str, raw: bytes | AsyncIterator[bytes], mime_type: str, path: str = "") -> str:
        """Stores a file in the place of any other; its path."""
        path = path or self.path(name)
        answer = await self.http.post(
            f"{self.project.url}/storage/v1/object/whatsapp-media/{quote(path)}",
            content=raw,
            headers={
                **self.project.headers(self.project.service_role_key),
                "content-type": mime_type,
                "x-upsert": "true",
            },
        )
        assert answer.status_code == 200, answer.text
        return path

    async def uploads(self) -> int:
        """How often WhatsApp was given a file, refusals and cut lines included."""
        return len(await self.shop.business.seen("requests", operation="media"))

    async def remembered(self) -> dict[str, str]:
        """Paths and the ids that are known for them."""
        rows = await self.shop.tenant.rows(
            "select path, media_id from private.uploaded_media where connection_id = %(connection)s"
        )
        return {row["path"]: row["media_id"] for row in rows}

    async def age(self, interval: str) -> None:
        """Time as the memory sees it: nobody here waits for weeks."""
        await self.shop.tenant.rows(
            "update private.uploaded_media set uploaded_at = uploaded_at - %(interval)s::interval"
            " where connection_id = %(connection)s",
            interval=interval,
        )

    async def send(self, kind: str, content: dict[str, Any]) -> str:
        """Queues a message to somebody who has just written."""
        return await self.shop.tenant.queue(await self.shop.tenant.conversation(), content, kind)

    async def sent(self, kind: str, content: dict[str, Any]) -> Any:
        """Queues a message, waits until WhatsApp has it, and gives its content as it arrived there."""
        message_id = await self.send(kind, content)
        await self.shop.tenant.until_message(message_id, lambda row: row["status"] in ("sent", "delivered", "read"))
        (row,) = [row for row in await self.shop.sent() if row["body"]["biz_opaque_callback_data"] == message_id]
        return row["body"][kind]

    async def remove(self, name: str) -> None:
        """Takes a file out of the drawer."""
        answer = await self.http.delete(
            f"{self.project.url}/storage/v1/object/whatsapp-media/{quote(self.path(name))}",
            headers=self.project.headers(self.project.service_role_key),
        )
        assert answer.status_code == 200, answer.text

    async def failed(
        self, kind: str, content: dict[str, Any], meanwhile: Callable[[], Awaitable[object]] | None = None
    ) -> dict[str, Any]:
        """Queues a message that has to fail; its error. `meanwhile` happens before anybody looks at it."""
        if meanwhile:
            await self.shop.tenant.rows("select pause_connection(%(connection)s)")
        message_id = await self.send(kind, content)
        if meanwhile:
            await meanwhile()
            await self.shop.tenant.rows("select resume_connection(%(connection)s)")
        message = await self.shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
        error: dict[str, Any] = message["error"]
        return error
