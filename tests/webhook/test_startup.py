"""Settings and ports: every problem in one message, nothing started, no secret shown."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.conftest import Project
from tests.flows.programs import Programs

ROOT = Path(__file__).parents[2]


async def test_missing_and_wrong_settings_are_all_named_at_once(programs: Programs) -> None:
    program = await programs.start(
        "webhook",
        SUPABASE_URL="localhost",
        SUPABASE_SERVICE_ROLE_KEY="",
        WHATSAPP_WEBHOOK_SECRET="",
        WHATSAPP_DEFAULT_WORKSPACE_ID="the shop",
        WEBHOOK_PORT="99999",
    )
    assert await program.ended() == 2
    named = [line.partition(":")[0] for line in program.said.splitlines()]
    assert named == [
        "SUPABASE_SERVICE_ROLE_KEY",
        "SUPABASE_URL",
        "WEBHOOK_PORT",
        "WHATSAPP_DEFAULT_WORKSPACE_ID",
        "WHATSAPP_WEBHOOK_SECRET",
    ]
    assert "SUPABASE_URL: is not an http(s) address" in program.said
    assert "WHATSAPP_WEBHOOK_SECRET: is missing" in program.said


async def test_check_shows_settings_with_secrets_masked(programs: Programs, project: Project) -> None:
    former = dict.fromkeys(("WHATSAPP_WEBHOOK_SECRET_PREVIOUS", "META_APP_SECRET_PREVIOUS"), "the one before")
    program = await programs.start("webhook", "--check", **former)
    assert await program.ended() == 0
    assert f"SUPABASE_URL={project.url}" in program.said
    assert "Supabase answers." in program.said
    for name in ("SUPABASE_SERVICE_ROLE_KEY", "WHATSAPP_WEBHOOK_SECRET", "META_APP_SECRET"):
        assert f"{name}=**********" in program.said
        assert os.environ[name] not in program.said
    for name in former:
        assert f"{name}=**********" in program.said
    assert "the one before" not in program.said


async def test_check_says_when_supabase_does_not_answer_as_it_should(programs: Programs, project: Project) -> None:
    program = await programs.start("webhook", "--check", SUPABASE_SERVICE_ROLE_KEY=project.anon_key)
    assert await program.ended() == 1
    assert "Supabase does not answer as it should: 42501" in program.said


async def test_a_taken_port_is_told_in_one_sentence(programs: Programs) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = await programs.start("webhook", WEBHOOK_PORT=str(port))
        assert await program.ended() == 1
    assert program.said.splitlines() == [
        f"Cannot listen on 127.0.0.1:{port} (Address already in use): free it or set WEBHOOK_PORT."
    ]


def test_a_process_that_is_done_waits_for_no_thread() -> None:
    """As one that looks up a name at a server that is silent, which nobody can call off."""
    program = (
        "import asyncio, time; from store.startup import start; from webhook.settings import Settings\n"
        "async def run(settings):\n"
        "    asyncio.get_running_loop().run_in_executor(None, time.sleep, 60)\n"
        "    return 3\n"
        "start('webhook', '', Settings, run)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, timeout=20).returncode == 3
