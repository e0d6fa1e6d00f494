"""docs/client.md: its programs run as they stand there, and it leaves nothing out."""

from __future__ import annotations

import asyncio
import inspect
import os
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business
from tests.flows.tenant import Tenant
from whatsapp.client import WhatsAppClient
from whatsapp.errors import ErrorClass

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/client.md").read_text()
WITH_SUPABASE, BY_HAND = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


USE = """
import asyncio

async def main():
    async with client:
        print((await client.send_text_message("972501234567", "hi")).wa_id)

asyncio.run(main())
"""


async def run(program: str, project: Project) -> str:
    environment = {
        "WHATSAPP_360_BASE_URL": project.provider_url,
        "META_GRAPH_BASE_URL": f"{project.provider_url}/v25.0",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "error", "-c", program),
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 30)
    return said.decode()


async def test_the_first_program_sends(database: Connect, project: Project, business: Business) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    said = await run(WITH_SUPABASE.replace("<workspace id>", tenant.workspace_id), project)
    (sent,) = await business.seen("sent")
    assert said == f"accepted, not yet delivered: {sent['wamid']}\n"


async def test_the_first_program_tells_a_refusal(database: Connect, project: Project, business: Business) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    await business.fault("messages", {"error": 131056})
    said = await run(WITH_SUPABASE.replace("<workspace id>", tenant.workspace_id), project)
    assert said == "131056 (#131056) (Business Account, Consumer Account) pair rate limit hit THROTTLE 6\n"


async def test_a_client_built_by_hand_sends(project: Project, business: Business) -> None:
    program = BY_HAND.replace("https://graph.facebook.com", project.provider_url)
    program = program.replace("<phone number id>", business.id).replace(
        "<access token or API key>", business.access_token
    )
    program += USE
    assert await run(program, project) == "972501234567\n"


def test_every_method_is_on_the_page() -> None:
    methods = [name for name, _ in inspect.getmembers(WhatsAppClient, callable) if not name.startswith("_")]
    assert [name for name in methods if not re.search(rf"`{name}[`(]", PAGE)] == []


@pytest.mark.parametrize("error_class", ErrorClass)
def test_every_class_is_on_the_page(error_class: ErrorClass) -> None:
    assert f"\n| `{error_class}` |" in PAGE
