"""`wabase tail`: what arrives and leaves is seen within a moment, and nobody's words unless they are asked for."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import STARTS_WITHIN, Program, Programs, programs_in
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, digits, phones
from tests.flows.waiting import until
from tests.ops.conftest import wabase
from tests.webhook.posting import post, text_from_customer

WORDS = "nobody else is to read this"
SILENT = "Realtime is silent, trying again"


@pytest.fixture
async def programs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Programs]:
    async with programs_in(tmp_path_factory.mktemp("tail")) as programs:
        yield programs


async def _tail(programs: Programs, *options: str) -> Program:
    program = await programs.start("ops", "tail", *options)
    await program.until_said("Live; Ctrl-C ends it.", STARTS_WITHIN)
    return program


async def _ended_by_ctrl_c(program: Program) -> list[str]:
    """The lines about messages that it has shown."""
    program.signal(signal.SIGINT)
    assert await program.ended() == 0
    assert "Traceback" not in program.said
    # On a busy machine Realtime may seem silent for a while, and be tried again.
    return [line for line in program.said.splitlines() if not line.startswith(("Live;", SILENT))]


async def test_what_arrives_is_shown_without_words_and_with_the_end_of_the_number(
    webhook: Program, programs: Programs, tenant: Tenant, database: Connect
) -> None:
    program = await _tail(programs, "--number", tenant.phone_number_id)
    other = await Tenant.new(database)
    assert await post(webhook, other, text_from_customer(other, WORDS)) == 200
    await other.until_messages(len)
    assert await post(webhook, tenant, text_from_customer(tenant, WORDS)) == 200
    (message,) = await tenant.until_messages(len)
    await program.until_said(str(message["id"]))
    (line,) = await _ended_by_ctrl_c(program)
    assert re.search(rf"\d\d:\d\d:\d\d  +\+\d+\.\ds  {tenant.phone_number_id}  ◀ …{message['wa_id'][-4:]} ", line)
    assert re.search(rf"  text +received +{message['id']}$", line)
    assert message["wa_id"] not in line
    assert WORDS not in program.said


async def test_each_step_of_what_leaves_is_shown_once_and_for_programs(
    webhook: Program, programs: Programs, database: Connect, project: Project
) -> None:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        shop = await Shop.new(database, Simulator(project.provider_url, session), webhook)
        await programs.worker()
        program = await _tail(programs, "--number", shop.tenant.phone_number_id, "--json")
        (phone,) = phones(1)
        message_id = await shop.tenant.queue(await shop.tenant.conversation(phone), WORDS)
        # Anything else about the message is no step of it.
        await shop.tenant.rows("update messages set client_reference = %(id)s where id = %(id)s", id=message_id)
        await shop.tenant.until_message(message_id, lambda row: row["status"] == "read", within=30)
        await until(lambda: _said(program), lambda text: '"status": "read"' in text)
    lines = [json.loads(line) for line in await _ended_by_ctrl_c(program)]
    ours = [line for line in lines if line["id"] == message_id]
    states = [line["status"] for line in ours]
    assert (states[0], states[-1]) == ("queued", "read")
    assert len(states) == len(set(states))
    assert {line["phone"] for line in ours} == {f"…{phone[-4:]}"}
    assert all(line["seconds_ago"] < 30 and "content" not in line for line in ours)
    assert WORDS not in program.said


async def test_words_numbers_and_errors_are_shown_when_asked_for(programs: Programs, tenant: Tenant) -> None:
    program = await _tail(programs, "--texts")
    (phone,) = phones(1)
    message_id = await tenant.queue(await tenant.conversation(phone), f"{WORDS}\nin two lines")
    await tenant.rows(
        "update messages set status = 'failed', error = '{\"code\": 131026}' where id = %(id)s", id=message_id
    )
    await program.until_said("failed 131026")
    lines = [line for line in await _ended_by_ctrl_c(program) if message_id in line]
    assert all(phone in line and line.endswith(f"{WORDS} in two lines") for line in lines)
    assert [line.split()[6] for line in lines] == ["queued", "failed"]


async def test_a_silent_realtime_is_said_and_tried_again(
    programs: Programs, tenant: Tenant, project: Project, http: httpx.AsyncClient
) -> None:
    async def unkind(**how: Any) -> None:
        answer = await http.post(f"{project.url}/_devstack/realtime", json=how)
        answer.raise_for_status()

    program = await _tail(programs, "--number", tenant.phone_number_id)
    await unkind(silent=True)
    try:
        await program.until_said(SILENT, within=30)
    finally:
        await unkind(reset=True)
    await program.until_said("Live; Ctrl-C ends it.", within=40, times=2)
    assert await _ended_by_ctrl_c(program) == []
    told = [line for line in program.said.splitlines() if line.startswith(SILENT)]
    assert all("wabase inbound list" in line for line in told)


async def test_a_number_that_is_not_there_and_a_wrong_key_are_said() -> None:
    unknown = await wabase("tail", "--number", digits())
    assert (unknown.status, unknown.said) == (1, "")
    assert "There is no number" in unknown.complained
    assert (await wabase("tail", SUPABASE_SERVICE_ROLE_KEY="wrong")).status == 3


async def _said(program: Program) -> str:
    return program.said
