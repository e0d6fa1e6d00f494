"""docs/media.md: what it tells frontends to write shows a file to members, live and by address, and to nobody else."""

from __future__ import annotations

import json
from pathlib import Path

import aiohttp
import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.programs import programs_in
from tests.flows.shop import Shop
from tests.flows.tenant import phones
from tests.frontends import tutorial
from tests.frontends.test_frontend_page import PASSWORD, signed_up
from tests.whatsapp.files import PDF


async def test_the_code_of_the_page_runs_for_members_and_shows_strangers_nothing(
    tmp_path: Path, database: Connect, project: Project, http: httpx.AsyncClient
) -> None:
    if not tutorial.LIBRARY.exists():
        pytest.skip("supabase-js is not installed: run `make inbox`")
    async with programs_in(tmp_path) as programs, aiohttp.ClientSession() as session:
        await programs.worker()
        simulator = Simulator(project.provider_url, session)
        shop, other = [await Shop.new(database, simulator, await programs.webhook()) for _ in range(2)]
        told = {
            "url": project.url,
            "key": project.publishable_key or project.anon_key,
            "email": await signed_up(project, http, shop, "agent"),
            "other": await signed_up(project, http, other, "owner"),
            "password": PASSWORD,
            "workspace": shop.tenant.workspace_id,
            "phone": phones(1)[0],
            "number": shop.business.id,
            "documentId": (await shop.business.media_from_user(PDF, "application/pdf"))["id"],
            "provider": project.provider_url,
        }
        driver, page = Path(__file__).with_name("media.mjs"), tutorial.ROOT / "docs/media.md"
        said = await tutorial.node(str(driver), str(tutorial.LIBRARY), json.dumps(told), str(page))
    assert said.splitlines()[-1] == "done", said
