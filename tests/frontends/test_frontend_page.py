"""docs/frontend.md: its code runs as it stands, and its reference is what the catalog says."""

from __future__ import annotations

import json
import os
import re
import secrets
from pathlib import Path

import aiohttp
import httpx
import psycopg
import pytest

from examples.demo.picture import sunset
from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import programs_in
from tests.flows.shop import Shop
from tests.flows.tenant import phones
from tests.frontends import reference, tutorial

PASSWORD = "correct horse battery staple"


def test_the_inbox_has_a_hundred_lines() -> None:
    lines = [line for line in f"{''.join(tutorial.blocks('js'))}{tutorial.script()}".splitlines() if line.strip()]
    assert len(lines) == 100
    assert max(map(len, lines)) <= 120


async def signed_up(project: Project, http: httpx.AsyncClient, shop: Shop, role: str) -> str:
    """The address of a new member."""
    email = f"{secrets.token_hex(6)}@example.com"
    answer = await http.post(
        f"{project.url}/auth/v1/signup",
        json={"email": email, "password": PASSWORD},
        headers=project.headers(project.anon_key),
    )
    user = answer.raise_for_status().json()["user"]["id"]
    await shop.tenant.rows(
        "insert into workspace_members values (%(workspace)s, %(user)s, %(role)s)", user=user, role=role
    )
    return email


async def test_the_tutorial_runs_from_its_first_block_to_its_last(
    tmp_path: Path, database: Connect, project: Project, http: httpx.AsyncClient
) -> None:
    if not tutorial.LIBRARY.exists():
        pytest.skip("supabase-js is not installed: run `make inbox`")
    tutorial.written_into(tmp_path, project)
    async with programs_in(tmp_path) as programs, aiohttp.ClientSession() as session:
        await programs.worker()
        receiver = await programs.webhook()
        shop = await Shop.new(database, Simulator(project.provider_url, session), receiver)
        words = [{"type": "BODY", "text": "We are here again."}]
        await shop.business.control("templates", name="come_back", language="en", components=words)
        await shop.tenant.rows(
            "insert into message_templates (workspace_id, connection_id, name, language, status)"
            " values (%(workspace)s, %(connection)s, 'come_back', 'en', 'APPROVED') on conflict do nothing"
        )
        await shop.tenant.rows("update workspaces set broadcasts = true where id = %(workspace)s")
        told = {
            "email": await signed_up(project, http, shop, "agent"),
            "password": PASSWORD,
            "workspace": shop.tenant.workspace_id,
            "connection": shop.tenant.connection_id,
            "phone": phones(1)[0],
            "number": shop.business.id,
            "pictureId": (await shop.business.media_from_user(sunset(), "image/png"))["id"],
            "provider": project.provider_url,
            "devstack": os.environ["DEVSTACK_URL"],
        }
        driver = Path(__file__).with_name("tutorial.mjs")
        said = await tutorial.node(str(driver), str(tmp_path), json.dumps(told))
    assert said.splitlines()[-1].startswith("· done"), said


def test_the_reference_is_what_the_catalog_says(project: Project) -> None:
    with psycopg.connect(project.db_url) as connection:
        expected = reference.generated(connection)
    _, _, rest = tutorial.PAGE.partition(reference.BEGIN)
    assert rest.partition(reference.END)[0] == expected, "run `python -m tests.frontends.reference` in a stack"


def test_the_filters_are_those_that_the_function_and_the_types_know() -> None:
    section = tutorial.PAGE.partition("### Filters")[2].partition("###")[0]
    told = re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)
    source = (tutorial.ROOT / "examples/inbox/src/shapes.ts").read_text()
    typed = source.partition("export interface ConversationFilters {")[2].partition("\n}")[0]
    (migration,) = (tutorial.ROOT / "supabase/migrations").glob("*_inbox_filters.sql")
    known = re.search(r"where key not in \((.*?)\)", migration.read_text())
    assert known
    assert told == re.findall(r"^  (\w+)\?: ", typed, re.MULTILINE) == re.findall(r"'(\w+)'", known[1])


def test_every_code_that_the_page_names_is_documented() -> None:
    known = set(re.findall(r"^\| `(WA\d{3})`", (tutorial.ROOT / "docs/errors.md").read_text(), re.MULTILINE))
    assert set(re.findall(r"WA\d{3}", tutorial.PAGE)) <= known
