"""Two workspaces with a row in every table, and everybody who might try: what the attacks are made with."""

from __future__ import annotations

import secrets
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import jwt
import psycopg
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.attack.isolation.surface import TABLES, Table
from tests.conftest import Project

Session = psycopg.AsyncConnection[DictRow]
RANKS = {"user": 0, "agent": 1, "admin": 2, "owner": 3}
IDS = [
    "workspace",
    "owner",
    "admin",
    "agent",
    "invitation",
    "contact",
    "connection",
    "conversation",
    "message",
    "outgoing",
    "template",
]


def values() -> dict[str, str]:
    """The names of a world, none of which is anywhere else: whoever shows one knows of it."""
    digits = [str(secrets.randbelow(9 * 10**11) + 10**11) for _ in range(3)]
    return {name: str(uuid.uuid4()) for name in IDS} | {
        "marker": f"secret-{secrets.token_hex(8)}",
        "email": f"{secrets.token_hex(8)}@example.com",
        "token": secrets.token_hex(32),
        "bsuid": f"IL.{secrets.token_hex(12)}",
        "reference": secrets.token_hex(12),
        "wamid": f"wamid.{secrets.token_hex(12)}",
        "phone": f"9725{digits[0][:8]}",
        "number": f"1{digits[1]}",
        "waba": f"2{digits[2]}",
    }


def filled(template: Any, world: Mapping[str, str]) -> Any:
    """Arguments with a world's values in them."""
    if isinstance(template, str):
        return template.format_map(world) if template.startswith("{") else template
    if isinstance(template, dict):
        return {key: filled(value, world) for key, value in template.items()}
    return template


@dataclass(frozen=True)
class Actor:
    """Somebody, and what they are in `home`: below 0 not even signed in, from 1 on a member."""

    name: str
    rank: int
    user: str | None
    headers: Mapping[str, str]

    def may(self, least: str | None) -> bool:
        return least is not None and self.rank >= RANKS[least]


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP: the count is of the rows an answer or a change speaks of."""

    status: int
    code: str | None
    count: int | None
    text: str

    @property
    def refused(self) -> bool:
        return self.status >= 400 or self.count == 0

    @property
    def kind(self) -> tuple[int, str | None]:
        return self.status, self.code


@dataclass
class Attack:
    """The ground: `home` is attacked, `away` is a workspace of its own, `nowhere` has names and no rows."""

    project: Project
    http: httpx.AsyncClient
    session: Session
    home: dict[str, str]
    away: dict[str, str]
    nowhere: dict[str, str]
    actors: dict[str, Actor]

    @classmethod
    async def prepare(
        cls, project: Project, http: httpx.AsyncClient, session: Session, tables: Mapping[str, Table] = TABLES
    ) -> Attack:
        home, away, nowhere = values(), values(), values()
        stranger = str(uuid.uuid4())
        users = [world[role] for world in (home, away) for role in ("owner", "admin", "agent")] + [stranger]
        for user in users:
            await session.execute("insert into auth.users (id, email) values (%s, %s)", [user, f"{user}@example.com"])
        # Bound by the client: literals take the type of their place.
        seeding = psycopg.AsyncClientCursor(session)
        for world in (home, away):
            for table in tables.values():
                for statement in table.seed.split(";"):
                    await seeding.execute(statement.encode(), world)
        anon = project.headers(project.anon_key)
        who = {"stranger": (0, stranger), "foreign": (0, away["owner"])} | {
            role: (RANKS[role], home[role]) for role in ("agent", "admin", "owner")
        }
        actors = {"anon": Actor("anon", -1, None, anon)} | {
            name: Actor(name, rank, user, project.headers(project.anon_key, token(project, user)))
            for name, (rank, user) in who.items()
        }
        return cls(project, http, session, home, away, nowhere, actors)

    async def ask(self, actor: Actor, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Over HTTP, as a browser does."""
        answer = await self.http.request(
            method, f"{self.project.url}{path}", json=body, headers={**actor.headers, **headers}
        )
        told: Any = {}
        if "json" in answer.headers.get("content-type", "") and answer.content:
            told = answer.json()
        total = answer.headers.get("content-range", "").rpartition("/")[2]
        count = int(total) if total.isdigit() else len(told) if isinstance(told, list) else None
        code = str(told["code"]) if isinstance(told, dict) and "code" in told else None
        return Answer(answer.status_code, code, count, answer.text)

    def knows(self, text: str, world: Mapping[str, str], but: str = "") -> list[str]:
        """Which names of a world a text shows, beyond those that the question already had in it."""
        return [name for name, value in world.items() if value in text and value not in but]

    async def rows(self, query: str, *parameters: Any) -> list[DictRow]:
        return await (await self.session.execute(query.encode(), parameters or None)).fetchall()

    async def say(self, actor: Actor, query: str, parameters: Mapping[str, Any]) -> tuple[str, str]:
        """In SQL, as the Data API says it; nothing of it remains. The SQLSTATE, or `ok`, and what came back."""
        role = "anon" if actor.user is None else "authenticated"
        claims = {"role": role, "sub": actor.user} if actor.user else {"role": role}
        given = {key: Jsonb(value) if isinstance(value, dict | list) else value for key, value in parameters.items()}
        try:
            async with self.session.transaction(force_rollback=True):
                await self.session.execute(
                    "select set_config('role', %s, true), set_config('request.jwt.claims', %s::jsonb::text, true)",
                    [role, Jsonb(claims)],
                )
                cursor = await self.session.execute(query.encode(), given)
                if cursor.description:
                    return "ok", str([list(row.values()) for row in await cursor.fetchall()])
                return "ok", str(cursor.rowcount)
        except psycopg.Error as error:
            return error.sqlstate or "?", str(error)

    async def state(self, world: Mapping[str, str], tables: Mapping[str, Table] = TABLES) -> dict[str, str]:
        """What every table holds of a world, as a hash: a change of any column of any row shows."""
        states = {}
        for name, table in tables.items():
            column, value = table.tenant
            (row,) = await self.rows(
                f"select count(*) || md5(coalesce(string_agg(told::text, '|' order by told::text), '')) as state"
                f" from public.{name} as told where {column}::text = %s",
                world[value],
            )
            states[name] = str(row["state"])
        return states


def token(project: Project, user: str) -> str:
    claims = {"sub": user, "role": "authenticated", "aud": "authenticated", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, project.jwt_secret)


@asynccontextmanager
async def at_rest(attack: Attack) -> AsyncIterator[Attack]:
    """Afterwards nothing of it is claimed: what other tests see in the queues is their own."""
    try:
        yield attack
    finally:
        await attack.session.execute(
            "update public.whatsapp_connections set status = 'paused' where workspace_id = any (%s::uuid[])",
            [[attack.home["workspace"], attack.away["workspace"]]],
        )
