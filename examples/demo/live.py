"""After the story: the inbox in the browser, what arrives printed, and whoever sits at the terminal plays on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from examples.demo.agent import Agent, Row
from examples.demo.narrator import Narrator, clock, ticked
from examples.demo.stage import NOA, OMER, YAEL, Stage
from examples.inbox.server import NotBuilt, serving

CUSTOMERS = (NOA, OMER, YAEL)
NAMES = {customer.phone: customer.name for customer in CUSTOMERS}


async def stay(stage: Stage) -> None:
    """Until cancelled."""
    async with _shown(stage) as shown:
        _addresses(stage, shown)
        endless = [_print_changes(stage)]
        if sys.stdin.isatty():
            endless.append(_play_typed_lines(stage))
        # Not a task group: its failures come wrapped, and the one that ends this is to be told as it is.
        await asyncio.gather(*endless)


@asynccontextmanager
async def inbox(stage: Stage) -> AsyncIterator[str]:
    """The address of Dana's inbox; demo.html there has her customers' phones beside it. Raises NotBuilt."""
    config = {
        "supabaseUrl": stage.settings.supabase_url,
        "supabaseKey": stage.settings.supabase_anon_key,
        "email": stage.agent.address,
        "password": stage.agent.password,
        "phoneNumberId": stage.number.phone_number_id,
        "customers": [{"name": customer.name, "phone": customer.phone} for customer in CUSTOMERS],
    }
    async with serving(config, stage.settings.provider_url) as address:
        yield address


@asynccontextmanager
async def _shown(stage: Stage) -> AsyncIterator[str]:
    """Where to look, or what to do so that there is something to see."""
    try:
        async with inbox(stage) as address:
            yield f"{address}/demo.html  ← open this in a browser: Dana's inbox, and her customers' phones"
    except NotBuilt as reason:
        yield str(reason)


def _addresses(stage: Stage, shown: str) -> None:
    narrator, settings = stage.narrator, stage.settings
    narrator.title("Still running: what arrives is printed here, Ctrl-C ends it")
    narrator.tell("inbox", shown)
    narrator.tell("Supabase", settings.supabase_url)
    narrator.tell("anon key", settings.supabase_anon_key)
    narrator.tell("service key", settings.supabase_service_role_key)
    narrator.tell("webhook", settings.webhook_url + stage.number.webhook_path())
    narrator.tell("WhatsApp", f"{settings.provider_url}/_control (simulated: docs/simulated-whatsapp.md)")
    if sys.stdin.isatty():
        narrator.tell("you", "type a line and Noa sends it; begin it with > and Dana answers her")


async def _print_changes(stage: Stage) -> None:
    """One line per message and status, whatever it was that rang."""
    known = {row["id"]: _state(row) for row in await stage.agent.messages()}
    while True:
        await stage.doorbell.look_again()
        names = await _names(stage.agent)
        for row in reversed(await stage.agent.messages()):
            if known.get(row["id"]) != _state(row):
                known[row["id"]] = _state(row)
                _print(stage.narrator, row, names.get(row["conversation_id"], "somebody"))


async def _names(agent: Agent) -> dict[str, str]:
    return {row["id"]: NAMES.get(row["phone"], str(row["phone"])) for row in await agent.conversations()}


def _state(row: Row) -> tuple[str, str | None]:
    return row["status"], row["media_status"]


def _print(narrator: Narrator, row: Row, customer: str) -> None:
    inbound = row["direction"] == "inbound"
    content = row["content"] if isinstance(row["content"], dict) else {}  # shared contacts are a list
    text = content.get("body") or content.get("caption") or content.get("name") or ""
    status = row["media_status"] if inbound else row["status"]
    line = f"{clock(row['occurred_at'])}  {row['type']}: {text}"
    narrator.tell(customer if inbound else "Dana", f"{line}  {ticked(status)}" if status else line)


async def _play_typed_lines(stage: Stage) -> None:
    """A terminal hands over whole lines, so reading what is there never blocks."""
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop, descriptor = asyncio.get_running_loop(), sys.stdin.fileno()

    def read() -> None:
        typed = os.read(descriptor, 65536)
        if not typed:  # Ctrl-D, and it would be reported for ever
            loop.remove_reader(descriptor)
        for line in typed.decode(errors="replace").splitlines():
            lines.put_nowait(line.strip())

    loop.add_reader(descriptor, read)
    try:
        while True:
            if line := await lines.get():
                await _play(stage, line)
    finally:
        loop.remove_reader(descriptor)


async def _play(stage: Stage, line: str) -> None:
    if not line.startswith(">"):
        await stage.number.receive_text(NOA, line)
    elif conversation := await stage.agent.conversation_with(NOA.phone):
        await stage.agent.send(conversation["id"], "text", {"body": line[1:].strip()})
