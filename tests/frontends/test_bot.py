"""The example bot as its owner runs it, against webhook, worker and the simulated WhatsApp."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import ROOT, programs_in
from tests.flows.shop import Shop
from tests.flows.tenant import phones
from tests.flows.waiting import until

HOURS = "We are open from nine to five."


async def test_the_bot_answers_once_whoever_wrote_while_it_was_away_too(
    tmp_path: Path, database: Connect, project: Project
) -> None:
    noa, omer, yael = phones(3)
    async with programs_in(tmp_path) as programs, aiohttp.ClientSession() as session:
        await programs.worker()
        shop = await Shop.new(database, Simulator(project.provider_url, session), await programs.webhook())
        own = {"BOT_WORKSPACE_ID": shop.tenant.workspace_id}

        async def says(phone: str, words: str) -> None:
            await shop.business.receive({"type": "text", "text": {"body": words}}, phone)

        await says(omer, "I want a human")
        await says(noa, "When are you open?")
        await shop.tenant.until_messages(lambda rows: len(rows) == 2)
        # Two of them: who answers is a race, how often is not.
        bots = [await programs.start("examples.bot", **own) for _ in range(2)]
        for bot in bots:
            await bot.until_said("The bot listens.", within=30)
        await until(shop.sent_texts, lambda texts: texts == [HOURS], within=20)
        await says(yael, "And when do you open tomorrow?")
        await until(shop.sent_texts, lambda texts: texts == [HOURS, HOURS], within=20)
        outgoing = [row for row in await shop.tenant.messages() if row["direction"] == "outbound"]
        assert len(outgoing) == 2
        query = "select phone from conversations where workspace_id = %(workspace)s and unread_count > 0"
        # Who asked for a human waits for one.
        await until(lambda: shop.tenant.rows(query), lambda rows: [row["phone"] for row in rows] == [omer])


def test_the_bot_names_the_settings_it_lacks() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "examples.bot"],
        cwd=ROOT,
        check=False,
        env={"SUPABASE_URL": "http://x"},
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 1
    assert ended.stderr == (
        "Not set: SUPABASE_SERVICE_ROLE_KEY, BOT_WORKSPACE_ID. Export them and start the bot again.\n"
    )
