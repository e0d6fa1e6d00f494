"""What the database lets through and what WhatsApp takes: the SQL and the strict simulated WhatsApp agree."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import aiohttp
import httpx
import jwt
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Answer, Business, Simulator
from tests.store.breaking import Breakage, broken, places_of
from tests.store.outgoing_catalogue import CATALOGUE, FILES, Entry
from tests.store.tenant import Session, Tenant, backend_sessions, put_object, rows
from whatsapp.filling import filling

TO = "972501234567"
# A form that WhatsApp knows nothing of. Its other codes speak of accounts, windows and rates.
SHAPE = {100, 131008, 131009, 131051}


@dataclass(frozen=True)
class Line:
    """Both ends: a conversation here, and the number at WhatsApp with the catalogue's files and templates."""

    session: Session
    tenant: Tenant
    thread: uuid.UUID
    business: Business
    media_ids: dict[str, str]

    def content(self, entry: Entry) -> Any:
        return entry.filled(self.media_ids, self.tenant.workspace_id)

    async def insert(self, kind: str, content: Any, reply_to: str | None = None) -> Any:
        """The content as it was taken into the queue. Raises psycopg.Error."""
        query = (
            "insert into public.messages (workspace_id, conversation_id, type, content, reply_to_wamid)"
            " values (%s, %s, %s, %s, %s) returning content"
        )
        (row,) = await rows(self.session, query, self.tenant.workspace_id, self.thread, kind, Jsonb(content), reply_to)
        return row["content"]

    async def refusal(self, kind: str, content: Any) -> psycopg.errors.DatabaseError | None:
        try:
            await rows(
                self.session,
                "select private.check_content(%s, %s, %s)",
                kind,
                Jsonb(content),
                self.tenant.workspace_id,
            )
        except psycopg.errors.DatabaseError as error:
            return error
        return None

    async def send(self, kind: str, content: Any, reply_to: str | None = None) -> Answer:
        """Straight to WhatsApp, with the id of each file that the worker would have uploaded by then."""
        context = {"context": {"message_id": reply_to}} if reply_to else {}
        return await self.business.send(TO, uploaded(content, self.media_ids), kind, **context)


def uploaded(value: Any, media_ids: dict[str, str]) -> Any:
    """A copy in which every path of a file is that file's id."""
    if isinstance(value, list):
        return [uploaded(inner, media_ids) for inner in value]
    if not isinstance(value, dict):
        return value
    copy = {key: uploaded(inner, media_ids) for key, inner in value.items() if key != "path"}
    if isinstance(value.get("path"), str):
        kinds = {name: kind for kind, (name, _, _) in FILES.items()}
        # What is no file of the bucket has no id at WhatsApp either.
        copy["id"] = media_ids.get(kinds.get(PurePosixPath(value["path"]).name, ""), "no file")
    elif "path" in value:
        copy["id"] = value["path"]
    return copy


@pytest.fixture(scope="module")
async def line(database: Connect, project: Project) -> AsyncIterator[Line]:
    async with (
        backend_sessions(database, 1) as (session,),
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as http,
    ):
        business = await Simulator(project.provider_url, http).business()
        await business.behave(enforce_window="sync", enforce_rates=False, statuses=[])
        await business.user(TO)
        for definition in (entry.template for entry in CATALOGUE.values() if entry.template):
            await business.control("templates", **definition)
        media_ids = {}
        for kind, (name, mime_type, raw) in FILES.items():
            media_ids[kind] = (await business.upload(raw, mime_type, name)).body["id"]
        tenant = await Tenant.create(session)
        for name, mime_type, raw in FILES.values():
            await put_object(session, f"{tenant.workspace_id}/outgoing/{name}", mime_type, len(raw))
        yield Line(session, tenant, await tenant.thread(session, TO), business, media_ids)
        await tenant.rest(session)


@pytest.mark.parametrize("name", CATALOGUE)
async def test_what_the_catalogue_shows_is_taken_here_and_by_whatsapp(name: str, line: Line) -> None:
    entry = CATALOGUE[name]
    reply_to = "wamid.HBgMOTcyNTAxMjM0NTY3" if entry.is_reply else None
    content = await line.insert(entry.type, line.content(entry), reply_to)
    answer = await line.send(entry.type, content, reply_to)
    assert answer.status == 200, answer.body


async def test_what_the_command_shows_for_a_template_is_taken_here_and_by_whatsapp(line: Line) -> None:
    answer = await line.business.call("GET", "/message_templates", params={"limit": "100"})
    assert len(answer.body["data"]) > 10
    for template in answer.body["data"]:
        shown = filling(template["name"], template["language"], template["components"]).content
        sent = await line.send("template", await line.insert("template", shown))
        assert sent.status == 200, (template, sent.body)


def test_the_catalogue_has_every_type() -> None:
    sent = {entry.type for entry in CATALOGUE.values()}
    media = set(FILES)
    assert sent == media | {"text", "location", "contacts", "reaction", "interactive", "template"}


def is_excepted(breakage: Breakage, answer: Answer) -> bool:
    """Where WhatsApp refuses and the database does not, and why that is right."""
    details = answer.details
    return (
        # Only the template itself tells how many parameters and buttons it has.
        details.startswith(("header:", "body:", "buttons:", "carousel:", "limited_time_offer:"))
        # Only WhatsApp knows which files it holds.
        or "media attachment ID" in details
        # Types of components and parameters that are new to us may be none to WhatsApp.
        or (breakage.kind == "template" and breakage.place[-1] == "type" and breakage.how == "misspelt")
        # An optional key that is null is a missing one to us; whether it is to WhatsApp is not documented.
        or breakage.is_null
    )


@settings(
    max_examples=int(os.environ.get("CONTENT_EXAMPLES", "150")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
async def test_whatever_whatsapp_refuses_for_its_form_is_refused_here_first(data: st.DataObject, line: Line) -> None:
    name = data.draw(st.sampled_from(sorted(CATALOGUE)))
    entry = CATALOGUE[name]
    content = line.content(entry)
    if entry.type == "template" and not isinstance(content.get("language"), dict):
        content["language"] = {"code": (entry.template or {}).get("language", "en_US")}
    place = data.draw(st.sampled_from(places_of(content)))
    content, breakage = data.draw(broken(name, entry.type, content, place))
    answer = await line.send(entry.type, content)
    refused_for_its_form = answer.status == 400 and answer.body["error"]["code"] in SHAPE
    if refused_for_its_form and not is_excepted(breakage, answer):
        refusal = await line.refusal(entry.type, content)
        assert refusal is not None, f"{breakage}: {answer.details}"
        assert (refusal.sqlstate or "").startswith("WA0"), refusal


async def test_a_member_is_told_the_field_and_what_is_allowed_there(
    project: Project, database: Connect, line: Line, http: httpx.AsyncClient
) -> None:
    agent = str(uuid.uuid4())
    async with database() as connection:
        await connection.execute("insert into auth.users (id, email) values (%s, %s)", [agent, f"{agent}@example.com"])
        await connection.execute(
            "insert into public.workspace_members (workspace_id, user_id, role) values (%s, %s, 'agent')",
            [line.tenant.workspace_id, agent],
        )
    token = jwt.encode({"sub": agent, "role": "authenticated", "aud": "authenticated"}, project.jwt_secret)
    buttons = [{"type": "reply", "reply": {"id": n, "title": title}} for n, title in (("1", "Yes"), ("2", "x" * 21))]
    content = {"type": "button", "body": {"text": "Well?"}, "action": {"buttons": buttons}}
    answer = await http.post(
        f"{project.url}/rest/v1/messages",
        headers=project.headers(project.anon_key, token),
        json={"conversation_id": str(line.thread), "type": "interactive", "content": content},
    )
    assert answer.status_code == 400
    assert answer.json() == {
        "code": "WA013",
        "message": "action.buttons[1].reply.title is too long",
        "details": "action.buttons[1].reply.title",
        "hint": "at most 20 characters",
    }
