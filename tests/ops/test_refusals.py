"""Whatever is wrong with settings, key or project: one sentence, one remedy, the status that docs/wabase.md names."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys

import httpx
import jwt
import pytest
from pydantic import SecretStr

from ops import remedies
from ops.settings import Settings
from store.errors import Denied, Rejected, StoreError, Unavailable, from_response
from store.version import VERSION
from tests.conftest import Project
from tests.flows.programs import ROOT
from tests.ops.conftest import Answer, wabase
from tests.whatsapp.scripted import answer, serving
from whatsapp.errors import NotSent, OutcomeUnknown, Refused

SETTINGS = Settings(supabase_url="https://x.example", supabase_service_role_key=SecretStr("sb_secret_x"))
COMMANDS = (("inbound", "replay", "1"), ("outbound", "pause", "1"), ("media", "verify", "--json"), ("verify",))


def told(answer: Answer, status: int, said: str, remedy: str) -> None:
    """Two lines on stderr, nothing on stdout."""
    lines = answer.complained.splitlines()
    assert (answer.status, answer.said, len(lines)) == (status, "", 2), answer
    assert said in lines[0], lines
    assert remedy in lines[1], lines


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_no_settings(command: tuple[str, ...]) -> None:
    told(await wabase(*command, SUPABASE_URL=""), 2, "SUPABASE_URL: is missing", "docs/settings.md")


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_nobody_answers(command: tuple[str, ...]) -> None:
    away = await wabase(*command, SUPABASE_URL="http://127.0.0.1:9")
    told(away, 3, "Nobody answers at 127.0.0.1:9", "SUPABASE_URL")


async def test_an_address_that_is_no_projects() -> None:
    async with serving(answer(200, "<html>Welcome</html>"), answer(404, "<html>nothing</html>")) as server:
        for _ in range(2):
            elsewhere = await wabase("inbound", "list", SUPABASE_URL=server.url)
            told(elsewhere, 3, "is not Supabase", "SUPABASE_URL")


async def test_a_key_of_the_wrong_kind(project: Project) -> None:
    answered = await wabase("inbound", "list", SUPABASE_SERVICE_ROLE_KEY=project.anon_key)
    told(answered, 3, "the role anon", "service_role key")
    assert project.anon_key not in answered.complained


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("sb_publishable_x", "a publishable key"),
        ("hunter2hunter2", "no key of Supabase"),
        ("a.b.c", "no key of Supabase"),
        (jwt.encode({"role": "service_role", "exp": 1}, "x" * 32), "has expired"),
    ],
)
def test_a_key_says_itself_of_which_kind_it_is(key: str, said: str) -> None:
    complaint = str(remedies.of_key(SETTINGS.model_copy(update={"supabase_service_role_key": SecretStr(key)})))
    assert said in complaint
    assert key not in complaint


@pytest.mark.parametrize("key", ["sb_secret_wrong", jwt.encode({"role": "service_role"}, "y" * 32)])
async def test_a_key_that_is_revoked_or_another_projects(key: str) -> None:
    answered = await wabase("inbound", "list", SUPABASE_SERVICE_ROLE_KEY=key)
    told(answered, 3, "another project's, or revoked", "secret key")
    assert key not in json.dumps(vars(answered))


def test_a_jwt_says_itself_which_project_it_is_for() -> None:
    key = jwt.encode({"role": "service_role", "ref": "a" * 20}, "z" * 32)
    other = Settings(supabase_url=f"https://{'b' * 20}.supabase.co", supabase_service_role_key=SecretStr(key))
    assert f"the project {'a' * 20}" in str(remedies.of_key(other))
    own = other.model_copy(update={"supabase_url": f"https://{'a' * 20}.supabase.co"})
    assert remedies.of_key(own) is None
    assert remedies.of_key(own.model_copy(update={"supabase_url": "http://127.0.0.1:54321"})) is None


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Rejected("PGRST205", "no such table"), "does not have Wabase's migrations"),
        (Rejected("PGRST202", "no such function"), "does not have Wabase's migrations"),
        (Denied("42501", "permission denied for table webhook_events"), "A grant is missing"),
        (Denied("PGRST301", "No suitable key"), "another project's, or revoked"),
        (Unavailable("57014", "canceling statement due to statement timeout"), "cannot answer now"),
        (from_response(httpx.Response(503, text="upstream")), "cannot answer now"),
        (Rejected("22023", "no"), "refuses the call"),
    ],
)
def test_what_supabase_said_is_a_sentence_and_a_remedy(error: StoreError, said: str) -> None:
    complaint = remedies.of_supabase(error, SETTINGS)
    assert said in complaint.said
    assert re.fullmatch(r"[A-Z][^\n]+\.", complaint.said)
    assert re.fullmatch(r"[A-Z`][^\n]+\.", complaint.remedy)


def test_what_a_provider_said_is_a_sentence_and_a_remedy() -> None:
    assert "cannot be reached" in remedies.of_provider(NotSent("x")).said
    assert "too late" in remedies.of_provider(OutcomeUnknown("x")).said
    assert "rotate-key NUMBER" in remedies.of_provider(Refused(401, {})).remedy
    place = {"provider": "meta", "phone_number_id": "106"}
    assert remedies.of_provider(Refused(401, {}), place).remedy.endswith(", and pass it.")
    assert "`wabase rotate-key 106`" in remedies.of_provider(Refused(401, {}), place | {"id": "7"}).remedy
    assert "permission" in remedies.of_provider(Refused(403, {"code": 200}), place).remedy
    assert "does not show this token" in remedies.of_provider(Refused(400, {"code": 100}), place).said
    assert "refuses" in remedies.of_provider(Refused(400, {"code": 100})).said


async def test_a_command_that_a_provider_fails_ends_with_status_4() -> None:
    program = """
from ops.project import run
from whatsapp.errors import Refused
async def command(project):
    raise Refused(401, {})
run(command)
"""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", program), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said, complained = await process.communicate()
    told(Answer(process.returncode or 0, said.decode(), complained.decode()), 4, "does not take", "rotate-key")


async def test_the_version_is_that_of_the_package() -> None:
    assert f'\nversion = "{VERSION}"\n' in (ROOT / "pyproject.toml").read_text()
    assert (await wabase("--version")).said == f"wabase {VERSION}\n"
