"""Whoever signs a number up: people of a workspace, what they have at WhatsApp, a receiver that is set up for it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business
from tests.flows.programs import Program, Programs, free_port
from tests.flows.tenant import new_workspace

ORIGIN = "https://app.example.com"
RETURN_URL = f"{ORIGIN}/connected"
APP_ID, CONFIG_ID, APP_SECRET = "4711", "0815", "the app's own secret"
PARTNER_ID, PARTNER_KEY = "partnerPA", "the partner's own key"


async def signup_receiver(programs: Programs, project: Project, **settings: str) -> Program:
    """A receiver with both signups."""
    port = free_port()
    chosen = {
        "META_APP_ID": APP_ID,
        "META_CONFIG_ID": CONFIG_ID,
        "META_APP_SECRET": APP_SECRET,
        "D360_PARTNER_ID": PARTNER_ID,
        "D360_PARTNER_KEY": PARTNER_KEY,
        "D360_HUB_BASE_URL": project.provider_url,
        "ONBOARDING_ORIGINS": f"{ORIGIN}, https://other.example.com",
        "ONBOARDING_RETURN_URL": RETURN_URL,
        "WEBHOOK_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    return await programs.webhook(port=port, **(chosen | settings))


@dataclass(frozen=True)
class Person:
    """Somebody signed in."""

    user_id: str
    token: str

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True)
class Office:
    """A workspace with its people, and the receiver they sign numbers up at."""

    webhook: Program
    project: Project
    database: Connect
    http: httpx.AsyncClient
    workspace_id: str
    owner: Person

    @classmethod
    async def new(cls, webhook: Program, project: Project, database: Connect, http: httpx.AsyncClient) -> Office:
        workspace_id = await new_workspace(database)
        office = cls(webhook, project, database, http, workspace_id, await signed_up(project, http))
        await office.take_in(office.owner, "owner")
        return office

    async def take_in(self, person: Person, role: str) -> None:
        async with self.database() as session:
            await session.execute(
                "insert into workspace_members (workspace_id, user_id, role) values (%s, %s, %s)",
                (self.workspace_id, person.user_id, role),
            )

    async def person(self, role: str | None) -> Person:
        """Somebody with a role here, or with none."""
        person = await signed_up(self.project, self.http)
        if role is not None:
            await self.take_in(person, role)
        return person

    async def rows(self, query: str, *parameters: Any) -> list[dict[str, Any]]:
        async with self.database() as session:
            return list(await (await session.execute(query.encode(), parameters)).fetchall())

    async def connections(self) -> list[dict[str, Any]]:
        """Those of the workspace, with their credentials."""
        return await self.rows(
            "select *, get_connection_credential(id) as credential from whatsapp_connections"
            " where workspace_id = %s order by created_at",
            self.workspace_id,
        )

    async def post(self, path: str, body: Any, person: Person | None = None) -> httpx.Response:
        headers = (person or self.owner).headers
        return await self.http.post(f"{self.webhook.url}/onboarding/{path}", json=body, headers=headers)

    # Meta

    async def code(self, business: Business, **fields: Any) -> str:
        """What Meta's window ends with."""
        code = f"code-{secrets.token_hex(8)}"
        await business.control("codes", **{"code": code, "app_id": APP_ID, "app_secret": APP_SECRET, **fields})
        return code

    async def sign_up(
        self, business: Business, person: Person | None = None, code: str | None = None, **fields: Any
    ) -> httpx.Response:
        """Meta's signup from its code on; a field that is None is left out."""
        body = {
            "workspace_id": self.workspace_id,
            "code": code or await self.code(business),
            "phone_number_id": business.id,
            "waba_id": business.waba_id,
            **fields,
        }
        return await self.post("meta", {name: value for name, value in body.items() if value is not None}, person)

    # 360dialog

    async def channel(self, business: Business, client: str = "", **fields: Any) -> tuple[str, str]:
        """Client and channel of a number at 360dialog."""
        client, channel = client or f"client{secrets.token_hex(4)}", f"channel{secrets.token_hex(4)}"
        named = {"client_id": client, "channel_id": channel, "partner_id": PARTNER_ID, "partner_key": PARTNER_KEY}
        await business.control("channels", **(named | fields))
        return client, channel

    async def state(self, person: Person | None = None) -> str:
        """A signup that somebody has begun."""
        answer = await self.post("360dialog/start", {"workspace_id": self.workspace_id}, person)
        assert answer.status_code == 200, answer.text
        return str(parse_qs(urlsplit(answer.json()["url"]).query)["state"][0])

    async def finish(
        self, client: str, *channels: str, state: str | None = None, person: Person | None = None
    ) -> httpx.Response:
        body = {"state": state or await self.state(), "client": client, "channels": list(channels)}
        return await self.post("360dialog", body, person)


async def signed_up(project: Project, http: httpx.AsyncClient) -> Person:
    body = {"email": f"{secrets.token_hex(8)}@example.com", "password": "correct horse"}
    answer = await http.post(f"{project.url}/auth/v1/signup", json=body, headers=project.headers(project.anon_key))
    told = answer.raise_for_status().json()
    return Person(told["user"]["id"], told["access_token"])
