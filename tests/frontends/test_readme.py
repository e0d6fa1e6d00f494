"""The README's way to connect a number from a frontend, as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.flows.tenant import digits
from tests.frontends import tutorial
from tests.frontends.member import Member

(CONNECT,) = re.findall(
    r"^```js\n(.*?create_workspace.*?)^```", (tutorial.ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
)


async def test_an_owner_connects_a_number(
    tmp_path: Path, project: Project, database: Connect, http: httpx.AsyncClient
) -> None:
    if not tutorial.LIBRARY.exists():
        pytest.skip("supabase-js is not installed: run `make inbox`")
    somebody = await Member.join(None, database, project, http)
    number = {"phoneNumberId": digits(), "wabaId": digits(), "apiKey": "a key"}
    script = f"""
import {{ readFileSync }} from 'node:fs'
import {{ runInThisContext }} from 'node:vm'
runInThisContext(readFileSync({json.dumps(str(tutorial.LIBRARY))}, 'utf8'))
const headers = {json.dumps(somebody.headers)}
const client = globalThis.supabase.createClient({json.dumps(project.url)}, headers.apikey, {{ global: {{ headers }} }})
const {{ phoneNumberId, wabaId, apiKey }} = {json.dumps(number)}
{{
const supabase = client
{CONNECT}
}}
process.exit(0)
"""
    (tmp_path / "connect.mjs").write_text(script)
    await tutorial.node(str(tmp_path / "connect.mjs"))
    url = f"{project.url}/rest/v1/whatsapp_connections?select=phone_number_id,waba_id,status"
    assert (await http.get(url, headers=somebody.headers)).json() == [
        {"phone_number_id": number["phoneNumberId"], "waba_id": number["wabaId"], "status": "active"}
    ]
