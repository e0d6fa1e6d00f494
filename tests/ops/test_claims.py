"""A number that somebody has only written down is nobody's obstacle: neither the operator's nor its owner's."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.claimed_number import Claim
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant
from tests.ops.hooks import HERE, here, row_of


@pytest.fixture
async def squatted(project: Project, database: Connect, http: httpx.AsyncClient, business: Business) -> str:
    """The id of a connection by which a stranger, admin of a workspace of their own, has this number."""
    claim = await Claim.new(project, http, database, business, provider="360dialog")
    await claim.set_credential("made up")
    return claim.tenant.connection_id


async def test_whoever_has_the_key_connects_it(
    database: Connect, squatted: str, business: Business, workspace: str
) -> None:
    command = ("connect", "360dialog", "--workspace", workspace, "--json")
    answer = await here(*command, typed=business.api_key, **HERE)
    assert (answer.status, "only written this number down" in answer.complained) == (0, True), answer.complained
    row = await row_of(database, business.id)
    assert row is not None
    assert (str(row["workspace_id"]), row["status"], row["credential"]) == (workspace, "active", business.api_key)
    left = await row_of(database, f"released {squatted}")
    assert left is not None
    assert (left["status"], left["credential"]) == ("disconnected", None)


async def test_a_wrong_key_takes_nothing_from_anybody(
    database: Connect, squatted: str, business: Business, simulator: Simulator, workspace: str
) -> None:
    other = await simulator.business()
    for key in ("wrong", other.api_key):
        await here("connect", "360dialog", "--workspace", workspace, typed=key, **HERE)
    row = await row_of(database, business.id)
    assert row is not None
    assert str(row["id"]) == squatted


async def test_a_number_moves_to_an_id_that_was_only_written_down(
    database: Connect, squatted: str, business: Business, simulator: Simulator
) -> None:
    shop = await Shop.new(database, simulator, None)
    moving = ("migrate", shop.business.id, "--to-provider", "360dialog", "--phone-number-id", business.id, "--yes")
    answer = await here(*moving, typed=business.api_key, **HERE)
    assert answer.status == 0, answer.complained
    row = await row_of(database, business.id)
    assert row is not None
    assert str(row["id"]) == shop.tenant.connection_id


async def test_the_operator_frees_any_number_and_its_threads_stay_where_they_are(
    database: Connect, business: Business, workspace: str
) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    await tenant.set_credential(business.api_key)
    await tenant.conversation()
    command = ("connect", "360dialog", "--workspace", workspace)
    refused = await here(*command, typed=business.api_key, **HERE)
    assert (refused.status, "disconnect NUMBER --free-id" in refused.complained) == (1, True)
    freed = await here("disconnect", business.id, "--free-id", "--yes", "--json", **HERE)
    assert (freed.status, freed.json["id_is_free"]) == (0, True), freed.complained
    assert (await here(*command, typed=business.api_key, **HERE)).status == 0
    (threads,) = await tenant.rows("select count(*) as here from conversations where connection_id = %(connection)s")
    assert threads["here"] == 1
    row = await row_of(database, business.id)
    assert row is not None
    assert (str(row["workspace_id"]), str(row["id"]) == tenant.connection_id) == (workspace, False)
