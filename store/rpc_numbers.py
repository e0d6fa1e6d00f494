"""The backend's functions beside messages: numbers, their chores, templates, keys, signups; what is installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from store.calls import Calls, Row, expected


class NumberCalls(Calls):
    """A part of `store.rpc.Rpc`."""

    # watching

    async def get_queue_health(self, max_rows: int = 20_000, max_numbers: int = 50) -> Row:
        """How far behind the queues are, and which numbers are paused."""
        return expected(await self._call("get_queue_health", max_rows=max_rows, max_numbers=max_numbers), dict)

    # chores: what is asked about a number beside its messages

    async def claim_chores(
        self, max_chores: int, lease_seconds: int = 600, shares: Mapping[str, int] | None = None
    ) -> list[Row]:
        return await self._rows("claim_chores", max_chores=max_chores, lease_seconds=lease_seconds, shares=shares)

    async def record_chores(self, results: Sequence[Row]) -> int:
        return await self._count("record_chores", results=results)

    async def record_templates(
        self, connection_id: str, templates: Sequence[Row], as_of: str, complete: bool = True
    ) -> Row:
        """Templates as listed at that time; counts of what came of it: {listed, added, changed, deleted}."""
        told = {"templates": templates, "as_of": as_of, "complete": complete}
        return expected(await self._call("record_templates", connection_id=connection_id, **told), dict)

    async def record_number_health(self, connection_id: str, health: Row, as_of: str) -> str | None:
        """What the provider says of a number at that time; the status it has now, None when it is gone."""
        status = await self._call("record_number_health", connection_id=connection_id, health=health, as_of=as_of)
        return None if status is None else expected(status, str)

    # connections

    async def get_connection_credential(self, connection_id: str) -> str | None:
        """The key of a number out of Vault, or None."""
        credential = await self._call("get_connection_credential", connection_id=connection_id)
        return None if credential is None else expected(credential, str)

    async def get_onboarding(
        self,
        workspace_id: str,
        user_id: str,
        phone_number_id: str | None = None,
        waba_id: str | None = None,
        display_phone_number: str | None = None,
    ) -> str:
        """The role by which a user may connect this number. Rejected with WA002, WA004, WA034 or WA035: may not."""
        told = {"phone_number_id": phone_number_id, "waba_id": waba_id, "display_phone_number": display_phone_number}
        return expected(await self._call("get_onboarding", workspace_id=workspace_id, user_id=user_id, **told), str)

    async def record_onboarding(
        self,
        workspace_id: str,
        user_id: str,
        *,
        provider: str,
        phone_number_id: str,
        waba_id: str | None,
        display_phone_number: str | None,
        credential: str,
    ) -> str:
        """Connects a number in a user's name, its key into Vault; gives the connection's id. Rejected as above."""
        told = {"phone_number_id": phone_number_id, "waba_id": waba_id, "display_phone_number": display_phone_number}
        who = {"workspace_id": workspace_id, "user_id": user_id, "provider": provider}
        return expected(await self._call("record_onboarding", **who, **told, credential=credential), str)

    async def record_migration(  # noqa: PLR0917 - as the function in the database
        self,
        connection_id: str,
        provider: str,
        phone_number_id: str,
        credential: str,
        waba_id: str | None = None,
        display_phone_number: str | None = None,
    ) -> bool:
        """Moves a number elsewhere, paused as `migration`; False: it is there. Rejected: WA004, WA006, WA032, WA035."""
        place = {"provider": provider, "phone_number_id": phone_number_id, "waba_id": waba_id}
        place |= {"display_phone_number": display_phone_number, "credential": credential}
        return expected(await self._call("record_migration", connection_id=connection_id, **place), bool)

    async def sweep_migration(self, connection_id: str, max_conversations: int = 10000) -> int:
        """Tells at most `max_conversations` threads of a moved number its new id; gives how many."""
        return await self._count("sweep_migration", connection_id=connection_id, max_conversations=max_conversations)

    async def release_connection(self, connection_id: str) -> bool:
        """Disconnects a number and forgets its credential; whether it was connected. Rejected with WA004."""
        return expected(await self._call("release_connection", connection_id=connection_id), bool)

    async def release_number(self, connection_id: str) -> str:
        """Disconnects a number and gives its ids up to whoever connects it next; its id. Rejected with WA004."""
        return expected(await self._call("release_number", connection_id=connection_id), str)

    async def release_claims(
        self, phone_number_id: str, waba_id: str | None = None, workspace_id: str | None = None
    ) -> int:
        """Undoes what members of other workspaces have only written down; of how many numbers.

        For whoever has shown the provider's key of this number. `workspace_id`: whose it is to be.
        """
        of_number = {"phone_number_id": phone_number_id, "waba_id": waba_id, "workspace_id": workspace_id}
        return await self._count("release_claims", **of_number)

    # the installation

    async def get_installation(self) -> Row:
        """What is installed: {at, postgres, release, migrations, objects}; the function's comment says more."""
        return expected(await self._call("get_installation"), dict)
