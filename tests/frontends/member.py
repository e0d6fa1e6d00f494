"""Somebody's browser: a signed-in user, and the functions as supabase-js calls them."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

import httpx
import jwt

from tests.conftest import Connect, Project

Row = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One user with one token."""

    user_id: str
    project: Project
    http: httpx.AsyncClient
    headers: dict[str, str]

    @classmethod
    async def join(
        cls,
        workspace: uuid.UUID | None,
        database: Connect,
        project: Project,
        http: httpx.AsyncClient,
        role: str = "agent",
    ) -> Member:
        """A new user; without a workspace, a stranger to all."""
        user = str(uuid.uuid4())
        async with database() as session:
            await session.execute("insert into auth.users (id, email) values (%s, %s)", [user, f"{user}@example.com"])
            if workspace is not None:
                await session.execute(
                    "insert into public.workspace_members values (%s, %s, %s)", [workspace, user, role]
                )
        token = jwt.encode({"sub": user, "role": "authenticated", "aud": "authenticated"}, project.jwt_secret)
        return cls(user, project, http, project.headers(project.anon_key, token))

    async def ask(self, function: str, **arguments: Any) -> httpx.Response:
        return await self.http.post(f"{self.project.url}/rest/v1/rpc/{function}", json=arguments, headers=self.headers)

    async def call(self, function: str, **arguments: Any) -> Any:
        """The answer of a call that is allowed."""
        answer = await self.ask(function, **arguments)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def refusal(self, function: str, **arguments: Any) -> tuple[int, str, str | None]:
        """Status, code and details of a call that is not."""
        answer = await self.ask(function, **arguments)
        assert not answer.is_success, answer.text
        return answer.status_code, answer.json()["code"], answer.json()["details"]

    async def list(self, workspace: uuid.UUID, **filters: Any) -> list[Row]:
        rows: list[Row] = await self.call("get_conversations", workspace_id=str(workspace), filters=filters)
        return rows

    async def pages(self, workspace: uuid.UUID, **filters: Any) -> list[Row]:
        """Every page until there is no further one."""
        rows: list[Row] = []
        while page := await self.list(workspace, **filters):
            rows += page
            filters["cursor"] = page[-1]["cursor"]
        return rows
