"""However a command is run and whatever stops it: sentences, a documented status, and answers alone on stdout."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.settings import Settings
from store.settings import SettingsError
from tests.conftest import Connect
from tests.devstack.provider.simulator import Business
from tests.flows.programs import ROOT
from tests.flows.tenant import Tenant, digits
from tests.ops.conftest import Answer
from tests.ops.every_command import COMMANDS, NOBODY, line_of
from tests.ops.hooks import HERE, here, row_of, webhook_of
from tests.whatsapp.scripted import answer, serving

# JSON, and of no shape that PostgREST gives.
SHAPES = ('"welcome"', "[[]]", '[{"welcome": null}]', '{"welcome": 1}', "5")
# They say what they find (doctor), or go on until they are stopped (tail).
TAKING_ANYTHING = ("inbound list", "inbound replay", "inbound show", "numbers")
ASKING = tuple(name for name in COMMANDS if name not in ("doctor", "tail"))


async def typed_in_a_shell(line: str) -> Answer:
    """A line of bash in which `wabase` is the command."""
    line = f'wabase() {{ {sys.executable} -m ops "$@"; }}; {line}'
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", line), cwd=ROOT, env={**os.environ, **HERE}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    said, complained = await asyncio.wait_for(process.communicate(), 60)
    return Answer(process.returncode or 0, said.decode(), complained.decode())


def sentences(found: Answer, status: int, said: str) -> None:
    assert (found.status, found.said) == (status, ""), found
    assert said in found.complained, found
    assert "Traceback" not in found.complained


@pytest.mark.parametrize("command", ASKING)
async def test_json_of_another_shape_is_no_answer_and_no_traceback(command: str, business: Business) -> None:
    for shape in SHAPES:
        arguments, typed = line_of(command, business)
        async with serving(*[answer(200, shape)] * 20) as server:
            found = await here(*arguments, typed=typed, **HERE, SUPABASE_URL=server.url)
        assert "Traceback" not in found.complained
        # What may be an empty table, or a count, is taken for one.
        assert found.status in (3, 1) or command in TAKING_ANYTHING, (shape, found)
        if found.status == 3:
            assert re.search("(makes no sense to|is not Supabase|cannot answer now)", found.complained), (shape, found)


async def test_a_closed_input_is_said() -> None:
    sentences(await typed_in_a_shell("wabase connect 360dialog <&-"), 2, "one line without blanks is expected")


async def test_whom_nobody_answers_is_told_of_yes_and_json_stays_json(
    database: Connect, tenant: Tenant, business: Business
) -> None:
    number = tenant.phone_number_id
    for closed in ("<&-", "</dev/null"):
        unasked = await typed_in_a_shell(f"wabase disconnect {number} --json {closed}")
        sentences(unasked, 2, "--yes goes on without asking")
    refused = await here("disconnect", number, "--json", typed="n\n", **HERE)
    sentences(refused, 1, "Nothing was done")
    row = await row_of(database, number)
    assert row is not None
    assert row["status"] == "active"
    assert (await here("disconnect", number, "--json", typed="y\n", **HERE)).json["status"] == "disconnected"


async def test_bytes_that_are_no_text_are_said(tenant: Tenant) -> None:
    found = await typed_in_a_shell(rf"wabase pause {tenant.phone_number_id} --reason $'a\xffb'")
    sentences(found, 2, "is no UTF-8")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only where there is one")
async def test_an_answer_that_cannot_be_written_is_said(tenant: Tenant) -> None:
    sentences(await typed_in_a_shell("wabase numbers > /dev/full"), 1, "The answer cannot be written")


async def test_a_reader_that_has_seen_enough_is_no_fault(tenant: Tenant) -> None:
    found = await typed_in_a_shell("wabase numbers --json | head -c 1; wabase doctor | head -n 1")
    assert (found.said[0], found.complained) == ("[", "")


@pytest.mark.parametrize("asked", ["connect 360dialog", "disconnect"])
async def test_ctrl_c_at_a_question_ends_at_once(database: Connect, business: Business, asked: str) -> None:
    await Tenant.new(database, business.id, business.waba_id)
    arguments = [*asked.split(), *([business.id] if asked == "disconnect" else [])]
    terminal, theirs = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ops", *arguments),
        cwd=ROOT,
        env={**os.environ, **HERE},
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=theirs,
        # Without a terminal of its own it would ask on that of whoever runs the tests.
        start_new_session=True,
    )
    try:
        shown = await asyncio.to_thread(_until_asked, terminal)
        process.send_signal(signal.SIGINT)
        said, _ = await asyncio.wait_for(process.communicate(), 60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        os.close(terminal)
        os.close(theirs)
    assert (process.returncode, said, "Traceback" in shown) == (1, b"", False), shown
    row = await row_of(database, business.id)
    assert row is not None
    assert row["status"] == "active"


def _until_asked(terminal: int) -> str:
    shown = ""
    while not re.search(r"(key|\[y/N\]): ?$", shown):
        ready, _, _ = select.select([terminal], [], [], 60)
        assert ready, shown
        shown += os.read(terminal, 4096).decode()
    return shown


async def test_ids_and_texts_that_the_database_has_no_room_for_are_usage(tenant: Tenant, business: Business) -> None:
    number, long = tenant.phone_number_id, "x" * 201
    for arguments in (
        ("inbound", "show", "9" * 20),
        ("inbound", "replay", "9" * 20),
        ("inbound", "replay", "--from", "5", "--to", "0"),
        ("inbound", "list", "--after-id", "9" * 20),
        ("pause", number, "--reason", long),
        ("pause", number, "--reason", " "),
        ("connect", "360dialog", "--create-workspace", " "),
        ("connect", "360dialog", "--create-workspace", long),
    ):
        sentences(await here(*arguments, typed=business.api_key, **HERE), 2, "Error: Invalid value for")
    assert await webhook_of(business) == (None, None)


async def test_what_is_not_there_ends_with_status_1(tenant: Tenant) -> None:
    gone = await here("inbound", "replay", "999999999", "--json")
    assert (gone.status, gone.json["sent_back"], "not there" in gone.complained) == (1, 0, True)
    for arguments in (("--number", digits()), ("--workspace", NOBODY)):
        sentences(await here("verify", *arguments), 1, "There is no such number")


def test_an_address_has_no_password_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPABASE_URL", "https://me:hunter2@x.supabase.co")
    with pytest.raises(SettingsError) as refused:
        Settings.load()
    assert str(refused.value) == "SUPABASE_URL: must not have a user or password in it"
