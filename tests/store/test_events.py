"""Connections as programs read them."""

from __future__ import annotations

from store.connect import connect
from store.events import Events
from tests.conftest import Connect, Project
from tests.flows.tenant import Tenant


async def test_connections_are_read_with_what_it_takes_to_reach_them(project: Project, database: Connect) -> None:
    tenant = await Tenant.new(database, provider="meta")
    await Tenant.new(database)
    async with connect(project.url, project.service_role_key) as http:
        found = await Events(http).connections({"workspace_id": f"eq.{tenant.workspace_id}"})
    assert found == [
        {
            "id": tenant.connection_id,
            "workspace_id": tenant.workspace_id,
            "provider": "meta",
            "phone_number_id": tenant.phone_number_id,
            "waba_id": tenant.waba_id,
            "former_ids": [],
        }
    ]
