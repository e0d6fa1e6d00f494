"""Everybody against everything: no role reaches what is another workspace's, by any door of the Data API."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.attack.isolation import calls, catalog, files, page, tables, topics
from tests.attack.isolation.worlds import Attack, at_rest
from tests.conftest import Connect, Project


def holds(findings: list[str]) -> None:
    assert not findings, "\n".join(findings)


@pytest.fixture
async def attack(project: Project, http: httpx.AsyncClient, database: Connect) -> AsyncIterator[Attack]:
    async with database() as session, at_rest(await Attack.prepare(project, http, session)) as ready:
        yield ready


async def test_everything_exposed_has_a_line_and_every_line_is_of_something(attack: Attack) -> None:
    holds(await catalog.lineless(attack))
    holds(await catalog.publications(attack))


async def test_privileges_are_what_the_lines_say(attack: Attack) -> None:
    holds(await catalog.table_grants(attack))
    holds(await catalog.function_grants(attack))


@pytest.mark.parametrize("schema", ["private", "auth", "storage", "vault", "realtime", "extensions", "pg_catalog"])
async def test_no_other_schema_is_shown(attack: Attack, schema: str) -> None:
    for actor in attack.actors.values():
        for header in ("Accept-Profile", "Content-Profile"):
            method, path = ("GET", "objects") if header == "Accept-Profile" else ("POST", "rpc/user_workspace_ids")
            answer = await attack.ask(actor, method, f"/rest/v1/{path}", **{header: schema})
            assert answer.kind == (406, "PGRST106"), (actor.name, header)


async def test_rows_are_for_their_workspace(attack: Attack) -> None:
    holds(await tables.findings(attack))


async def test_functions_do_and_tell_nothing_across_workspaces(attack: Attack) -> None:
    holds(await calls.findings(attack))


async def test_files_are_for_their_workspace(attack: Attack) -> None:
    holds(await files.findings(attack))


async def test_topics_are_for_their_workspace(attack: Attack) -> None:
    holds(await topics.topics(attack))


async def test_changes_are_told_to_their_workspace(attack: Attack) -> None:
    holds(await topics.changes(attack))


def test_the_page_says_what_the_lines_say() -> None:
    assert page.generated() in page.PAGE.read_text(), "run `python -m tests.attack.isolation.page`"
