"""Every command against what is wrong with settings, key, network and address: a sentence, a remedy, its status."""

from __future__ import annotations

import jwt
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business
from tests.ops.every_command import COMMANDS, line_of
from tests.ops.hooks import HERE, NOWHERE, here, row_of, webhook_of
from tests.whatsapp.scripted import answer, serving

# What the doctor finds is its answer, and its own tests look at that.
ASKING = tuple(name for name in COMMANDS if name != "doctor")
WRONG_KEYS = {
    "sb_publishable_x": "a publishable key",
    "sb_secret_revoked": "another project's, or revoked",
    jwt.encode({"role": "service_role", "exp": 1}, "y" * 32): "has expired",
}


async def refused(command: str, business: Business, status: int, said: str, **environment: str) -> None:
    """It ends with this status, two sentences and no answer, and shows no key."""
    arguments, typed = line_of(command, business)
    found = await here(*arguments, typed=typed, **HERE | environment)
    assert (found.status, found.said) == (status, ""), (command, found)
    wrong, remedy = found.complained.splitlines()[-2:]
    assert said in wrong, (command, found.complained)
    assert remedy
    for key in (business.api_key, business.access_token, environment.get("SUPABASE_SERVICE_ROLE_KEY") or "-" * 9):
        assert key not in found.complained, command


@pytest.mark.parametrize("command", ASKING)
async def test_without_settings(command: str, business: Business) -> None:
    await refused(command, business, 2, "SUPABASE_URL: is missing", SUPABASE_URL="")


@pytest.mark.parametrize("command", ASKING)
async def test_without_a_network(command: str, business: Business) -> None:
    await refused(command, business, 3, "Nobody answers at 127.0.0.1:9", SUPABASE_URL=NOWHERE)


@pytest.mark.parametrize("command", ASKING)
async def test_with_a_key_of_each_wrong_kind(command: str, project: Project, business: Business) -> None:
    for key, said in {**WRONG_KEYS, project.anon_key: "the key of the role anon"}.items():
        await refused(command, business, 3, said, SUPABASE_SERVICE_ROLE_KEY=key)


@pytest.mark.parametrize("command", ASKING)
async def test_at_an_address_that_is_no_projects(command: str, database: Connect, business: Business) -> None:
    async with serving(*[answer(200, "<html>Welcome</html>")] * 3) as server:
        await refused(command, business, 3, "is not Supabase", SUPABASE_URL=server.url)
    assert (await row_of(database, business.id), await webhook_of(business)) == (None, (None, None))
