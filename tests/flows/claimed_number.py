"""A number that somebody has written down from a frontend, whoever has it."""

from __future__ import annotations

from dataclasses import replace

import httpx
from psycopg.rows import DictRow

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business
from tests.flows.tenant import Tenant, new_workspace
from tests.webhook.signups import Person, signed_up


class Claim:
    """What a person does from a frontend about a number, and what they then see of it."""

    def __init__(self, project: Project, http: httpx.AsyncClient, person: Person, tenant: Tenant) -> None:
        self._project, self._http, self._person = project, http, person
        self.tenant = tenant

    @classmethod
    async def new(
        cls,
        project: Project,
        http: httpx.AsyncClient,
        database: Connect,
        business: Business,
        **account: str,
    ) -> Claim:
        """By an admin of a workspace of their own. `account`: its provider, and its WABA as they write it down."""
        person = await signed_up(project, http)
        tenant = Tenant(database, await new_workspace(database), "", business.id, business.waba_id)
        await tenant.rows(
            "insert into workspace_members (workspace_id, user_id, role) values (%(workspace)s, %(user)s, 'admin')",
            user=person.user_id,
        )
        claim = cls(project, http, person, tenant)
        given = {"workspace_id": tenant.workspace_id, "phone_number_id": business.id, **account}
        made = await claim.call("add_connection", **given)
        claim.tenant = replace(tenant, connection_id=made)
        return claim

    async def call(self, function: str, **arguments: str) -> str:
        headers = {**self._project.headers(self._project.anon_key), **self._person.headers}
        answer = await self._http.post(f"{self._project.url}/rest/v1/rpc/{function}", json=arguments, headers=headers)
        told: str = answer.raise_for_status().json() if answer.content else ""
        return told

    async def set_credential(self, key: str) -> None:
        await self.call("set_connection_credential", connection_id=self.tenant.connection_id, credential=key)

    async def refusals(self) -> list[DictRow]:
        """What the provider has said to the key of now."""
        return await self.tenant.rows(
            "select chore.error from private.connection_chores as chore"
            " join private.connection_credentials as stored using (connection_id)"
            " where connection_id = %(connection)s and error is not null"
            " and started_at > updated_at"
        )

    async def number(self) -> dict[str, object]:
        (row,) = await self.tenant.rows("select * from whatsapp_connections where id = %(connection)s")
        return row
