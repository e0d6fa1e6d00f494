"""Messages whose files are as somebody left them: rows as the worker writes them, objects as Storage keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import Project
from tests.flows.tenant import Tenant, digits

BYTES = b"a picture, whole"


async def served(project: Project, http: httpx.AsyncClient, path: str) -> httpx.Response:
    """What Storage gives the backend for an object of the bucket, which must be there."""
    address = f"{project.url}/storage/v1/object/whatsapp-media/{path}"
    answer = await http.get(address, headers=project.headers(project.service_role_key))
    assert answer.status_code == 200, answer.text
    return answer


@dataclass(frozen=True)
class StoredFiles:
    """The files of one tenant."""

    project: Project
    http: httpx.AsyncClient
    tenant: Tenant

    async def message(self, **columns: Any) -> str:
        """A picture's message; `columns` are those that differ from a stored one without an object."""
        message_id = str(uuid4())
        row = {
            "id": message_id,
            "workspace_id": self.tenant.workspace_id,
            "connection_id": self.tenant.connection_id,
            "direction": "inbound",
            "status": "received",
            "type": "image",
            "content": "{}",
            "wamid": f"wamid.{digits()}",
            "media_id": digits(),
            "media_status": "stored",
            "media_path": self.path_of(message_id),
            "media_size": len(BYTES),
            "media_sha256": hashlib.sha256(BYTES).hexdigest(),
        } | columns
        places = ", ".join(f"%({name})s" for name in row)
        await self.tenant.rows(f"insert into messages ({', '.join(row)}) values ({places})", **row)
        return message_id

    async def stored(self, raw: bytes = BYTES, **columns: Any) -> str:
        """The same, with an object of these bytes."""
        message_id = await self.message(**columns)
        await self.put(self.path_of(message_id), raw)
        return message_id

    async def queued(self, message_id: str) -> None:
        """A row in the queue, whatever the message says."""
        await self.tenant.rows(
            "insert into media_downloads (message_id, workspace_id, connection_id, object_name, media_id, deadline)"
            " values (%(id)s, %(workspace)s, %(connection)s, private.object_name(%(workspace)s, null, %(id)s), '1',"
            " '2030-01-02T03:04:05Z')",
            id=message_id,
        )

    async def put(self, path: str, raw: bytes = BYTES) -> None:
        headers = self.project.headers(self.project.service_role_key) | {
            "content-type": "image/png",
            "x-upsert": "true",
        }
        address = f"{self.project.url}/storage/v1/object/whatsapp-media/{path}"
        assert (await self.http.post(address, content=raw, headers=headers)).status_code == 200

    async def forgotten(self, path: str) -> str:
        """An object that has lain there for long; only its row: nobody reads it."""
        await self.tenant.rows(
            "insert into storage.objects (bucket_id, name, metadata, version, created_at, updated_at)"
            " select 'whatsapp-media', %(path)s, '{\"size\": 3}', gen_random_uuid(), old, old"
            " from (select now() - interval '2 hours' as old) as times",
            path=path,
        )
        return path

    def path_of(self, message_id: str, extension: str = ".png") -> str:
        return f"{self.tenant.workspace_id}/none/{message_id}{extension}"

    async def objects(self) -> list[str]:
        """What lies in the workspace's folder."""
        rows = await self.tenant.rows(
            "select name from storage.objects where bucket_id = 'whatsapp-media'"
            " and starts_with(name, %(workspace)s::text || '/') order by name"
        )
        return [row["name"] for row in rows]

    async def remove(self, path: str) -> None:
        """As somebody does in the dashboard."""
        address = f"{self.project.url}/storage/v1/object/whatsapp-media/{path}"
        headers = self.project.headers(self.project.service_role_key)
        assert (await self.http.delete(address, headers=headers)).status_code == 200
