"""Somebody with a member's token and every call that Storage knows, spoken by hand: clients tidy up what they send."""

from __future__ import annotations

import base64
import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from tests.conftest import Connect, Project

BUCKET = "whatsapp-media"
LOOT = b"\xff\xd8\xff bytes of somebody else's"
PDF = {"content-type": "application/pdf"}
UPSERT = {"x-upsert": "true"}
TUS = {"tus-resumable": "1.0.0"}


@dataclass(frozen=True)
class Person:
    """A user, and the project as their browser reaches it."""

    http: httpx.AsyncClient
    project: Project
    headers: dict[str, str]

    @classmethod
    async def new(
        cls, database: Connect, project: Project, http: httpx.AsyncClient, workspace_id: str, role: str = "agent"
    ) -> Person:
        user = str(uuid.uuid4())
        async with database() as session:
            await session.execute("insert into auth.users (id, email) values (%s, %s)", [user, f"{user}@example.com"])
            await session.execute(
                "insert into public.workspace_members values (%s, %s, %s)", [workspace_id, user, role]
            )
        token = jwt.encode({"sub": user, "role": "authenticated", "aud": "authenticated"}, project.jwt_secret)
        return cls(http, project, project.headers(project.anon_key, token))

    async def storage(
        self, method: str, path: str, json: Any = None, content: bytes | None = None, **headers: str
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(
            method,
            f"{self.project.url}/storage/v1/{path}",
            headers=self.headers | named,
            **({"json": json} if content is None and json is not None else {"content": content}),
        )

    async def rest(self, method: str, path: str, json: Any = None, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.request(
            method, f"{self.project.url}/rest/v1/{path}", json=json, headers=self.headers | named
        )

    # Reading

    async def get(self, name: str) -> httpx.Response:
        return await self.storage("GET", f"object/authenticated/{BUCKET}/{name}")

    async def get_plainly(self, name: str) -> httpx.Response:
        return await self.storage("GET", f"object/{BUCKET}/{name}")

    async def get_publicly(self, name: str) -> httpx.Response:
        return await self.storage("GET", f"object/public/{BUCKET}/{name}")

    async def get_info(self, name: str) -> httpx.Response:
        return await self.storage("GET", f"object/info/{BUCKET}/{name}")

    async def sign(self, name: str) -> httpx.Response:
        return await self.storage("POST", f"object/sign/{BUCKET}/{name}", {"expiresIn": 60})

    async def list(self, folder: str) -> list[Any]:
        found: list[Any] = (await self.storage("POST", f"object/list/{BUCKET}", {"prefix": folder})).json()
        return found

    async def list_keys(self, prefix: str) -> list[Any]:
        found: list[Any] = (await self.storage("POST", f"object/list-v2/{BUCKET}", {"prefix": prefix})).json()[
            "objects"
        ]
        return found

    # Writing

    async def upload(self, name: str) -> httpx.Response:
        return await self.storage("POST", f"object/{BUCKET}/{name}", content=LOOT, **PDF)

    async def upsert(self, name: str) -> httpx.Response:
        return await self.storage("POST", f"object/{BUCKET}/{name}", content=LOOT, **PDF, **UPSERT)

    async def replace(self, name: str) -> httpx.Response:
        return await self.storage("PUT", f"object/{BUCKET}/{name}", content=LOOT, **PDF)

    async def begin(self, name: str, **headers: str) -> httpx.Response:
        """A resumable upload; its name travels in a header, so nobody on the way tidies it up."""
        told = {"bucketName": BUCKET, "objectName": name, "contentType": "application/pdf"}
        metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in told.items())
        described = {"upload-length": str(len(LOOT)), "upload-metadata": metadata}
        return await self.storage("POST", "upload/resumable", content=b"", **TUS, **described, **headers)

    async def begin_over(self, name: str) -> httpx.Response:
        return await self.begin(name, **UPSERT)

    async def finish(self, address: str, **headers: str) -> httpx.Response:
        told = {"upload-offset": "0", "content-type": "application/offset+octet-stream"}
        path = address.partition("/storage/v1/")[2]
        return await self.storage("PATCH", path, content=LOOT, **TUS, **told, **headers)

    async def sign_upload(self, name: str) -> httpx.Response:
        return await self.storage("POST", f"object/upload/sign/{BUCKET}/{name}", content=b"")

    async def sign_upload_over(self, name: str) -> httpx.Response:
        return await self.storage("POST", f"object/upload/sign/{BUCKET}/{name}", content=b"", **UPSERT)

    async def put_signed(self, name: str, token: str, **headers: str) -> httpx.Response:
        address = f"object/upload/sign/{BUCKET}/{name}?token={token}"
        return await self.storage("PUT", address, content=LOOT, **PDF, **headers)

    async def copy(self, source: str, destination: str, **headers: str) -> httpx.Response:
        return await self._endpoints("copy", source, destination, **headers)

    async def move(self, source: str, destination: str) -> httpx.Response:
        return await self._endpoints("move", source, destination)

    async def _endpoints(self, verb: str, source: str, destination: str, **headers: str) -> httpx.Response:
        body = {"bucketId": BUCKET, "sourceKey": source, "destinationKey": destination}
        return await self.storage("POST", f"object/{verb}", body, **headers)

    async def delete(self, name: str) -> httpx.Response:
        return await self.storage("DELETE", f"object/{BUCKET}/{name}")

    async def delete_many(self, *names: str) -> list[Any]:
        removed: list[Any] = (await self.storage("DELETE", f"object/{BUCKET}", {"prefixes": list(names)})).json()
        return removed
