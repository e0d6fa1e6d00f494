"""Every SQL function of the backend, once, by its own name. A test compares this list with the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from store.calls import Row, expected
from store.errors import Unavailable
from store.rpc_numbers import NumberCalls

RECORD_SEPARATOR = b"\x1e"
UNIT_SEPARATOR = b"\x1f"


class Rpc(NumberCalls):
    """Calls functions through PostgREST. Every method raises StoreError and nothing else."""

    # inbound

    async def receive_inbound(self, events: Sequence[tuple[str, str | None, str | None, bytes]]) -> list[int]:
        """Commits `(provider, phone_number_id, waba_id, body)`; gives journal ids in the same order.

        The bodies go as they came, between control characters that no JSON text contains.
        """
        records = (
            UNIT_SEPARATOR.join((provider.encode(), (number or "").encode(), (waba or "").encode(), body))
            for provider, number, waba, body in events
        )
        answer = await self._post(
            "receive_inbound", content=RECORD_SEPARATOR.join(records), headers={"content-type": "text/plain"}
        )
        ids: list[int] = expected(answer, list)
        if len(ids) != len(events):
            raise Unavailable("shape", "an answer of another length")
        return ids

    async def claim_inbound(self, max_events: int = 200, lease_seconds: int = 30) -> list[Row]:
        return await self._rows("claim_inbound", max_events=max_events, lease_seconds=lease_seconds)

    async def record_inbound(
        self,
        events: Sequence[Row],
        messages: Sequence[Row],
        statuses: Sequence[Row],
        default_workspace_id: str | None = None,
        facts: Sequence[Row] = (),
    ) -> int:
        return await self._count(
            "record_inbound",
            events=events,
            messages=messages,
            statuses=statuses,
            default_workspace_id=default_workspace_id,
            facts=facts,
        )

    async def release_inbound(self, event_ids: Sequence[int]) -> int:
        return await self._count("release_inbound", event_ids=list(event_ids))

    async def sweep_inbound(self, max_attempts: int = 5) -> int:
        return await self._count("sweep_inbound", max_attempts=max_attempts)

    async def sweep_journal(self, keep_days: int = 30, max_events: int = 1000) -> int:
        """Removes processed events older than `keep_days`, at most `max_events`; gives how many."""
        return await self._count("sweep_journal", keep_days=keep_days, max_events=max_events)

    async def verify_inbound(
        self,
        connection_id: str,
        messages: Sequence[Row],
        statuses: Sequence[Row],
        facts: Sequence[Row],
        since: str | None,
    ) -> list[Row]:
        """Differences between live rows and rows rebuilt from these: {table, key, column, live, rebuilt}."""
        told = {"messages": messages, "statuses": statuses, "facts": facts}
        return await self._rows("verify_inbound", connection_id=connection_id, **told, since=since)

    async def verify_stats(self, connection_id: str, after: str, max_conversations: int) -> Row:
        """A page of conversations held against their messages: {after, conversations, differences}."""
        page = await self._call(
            "verify_stats", connection_id=connection_id, after=after, max_conversations=max_conversations
        )
        return expected(page, dict)

    # outbound

    async def claim_outbound(
        self, max_messages: int, lease_seconds: int = 60, shares: Mapping[str, int] | None = None
    ) -> list[Row]:
        """At most so many of each number as `shares` says, by connection_id; of those not named any."""
        told = {"lease_seconds": lease_seconds, "shares": shares}
        return await self._rows("claim_outbound", max_messages=max_messages, **told)

    async def record_outbound(self, results: Sequence[Row]) -> int:
        return await self._count("record_outbound", results=results)

    async def release_outbound(self, leases: Sequence[Row]) -> int:
        return await self._count("release_outbound", leases=leases)

    async def extend_outbound(
        self, leases: Sequence[Row], lease_seconds: int = 60, preparing: bool | None = None
    ) -> int:
        """How many are still held. `preparing` says whether their sending has yet to begin; None: as before."""
        return await self._count("extend_outbound", leases=leases, lease_seconds=lease_seconds, preparing=preparing)

    async def next_outbound(self, shares: Mapping[str, int] | None = None) -> float | None:
        """In how many seconds such a claim may find something, as far as can be known now; None: nothing waits."""
        return await self._seconds("next_outbound", shares=shares)

    async def ring_doorbell(self) -> str:
        """Puts a canary into the outbox; gives the message_id that Realtime will tell."""
        return expected(await self._call("ring_doorbell"), str)

    async def sweep_outbound(self, uncertain_seconds: int = 900) -> int:
        return await self._count("sweep_outbound", uncertain_seconds=uncertain_seconds)

    # outgoing files

    async def get_uploaded_media(self, connection_id: str, path: str, version: str) -> str | None:
        """WhatsApp's id of a file that was uploaded before, or None."""
        media_id = await self._call("get_uploaded_media", connection_id=connection_id, path=path, version=version)
        return None if media_id is None else expected(media_id, str)

    async def record_uploaded_media(self, connection_id: str, path: str, version: str, media_id: str) -> int:
        told = {"path": path, "version": version, "media_id": media_id}
        return await self._count("record_uploaded_media", connection_id=connection_id, **told)

    async def release_uploaded_media(self, connection_id: str, media_ids: Sequence[str]) -> bool:
        """Forgets ids that WhatsApp does not know; whether uploading anew is worth a try."""
        told = await self._call("release_uploaded_media", connection_id=connection_id, media_ids=list(media_ids))
        return expected(told, bool)

    # incoming files

    async def claim_media(
        self, max_files: int, lease_seconds: int = 300, shares: Mapping[str, int] | None = None
    ) -> list[Row]:
        return await self._rows("claim_media", max_files=max_files, lease_seconds=lease_seconds, shares=shares)

    async def record_media(self, results: Sequence[Row]) -> int:
        return await self._count("record_media", results=results)

    async def release_media(self, leases: Sequence[Row]) -> int:
        return await self._count("release_media", leases=leases)

    async def extend_media(self, leases: Sequence[Row], lease_seconds: int = 300) -> int:
        return await self._count("extend_media", leases=leases, lease_seconds=lease_seconds)

    async def next_media(self, shares: Mapping[str, int] | None = None) -> float | None:
        """In how many seconds such a claim may find something; None: nothing waits."""
        return await self._seconds("next_media", shares=shares)

    async def sweep_media(self, max_files: int = 1000) -> int:
        """Frees and ends what is overdue, at most `max_files` of each; gives how many."""
        return await self._count("sweep_media", max_files=max_files)

    async def verify_media(self, after: str | None, max_rows: int, workspace_id: str | None = None) -> Row:
        """A page of messages with a file, held against queue and bucket: {after, checked, differences, files}."""
        page = await self._call("verify_media", after=after, max_rows=max_rows, workspace_id=workspace_id)
        return expected(page, dict)

    async def verify_media_objects(self, after: str | None, max_rows: int, workspace_id: str | None = None) -> Row:
        """A page of the bucket's objects, held against whatever may name them: {after, checked, differences}."""
        page = await self._call("verify_media_objects", after=after, max_rows=max_rows, workspace_id=workspace_id)
        return expected(page, dict)

    async def record_lost_media(self, losses: Sequence[Row]) -> list[Row]:
        """Repairs differences that are still there: {message_id, problem, repair} of each."""
        return await self._rows("record_lost_media", losses=losses)

    # files to be removed

    async def claim_removals(self, max_objects: int, lease_seconds: int = 60) -> list[Row]:
        """Prefixes with the next names under each: {prefix, lease_token, names}; one token for all."""
        return await self._rows("claim_removals", max_objects=max_objects, lease_seconds=lease_seconds)

    async def record_removals(self, results: Sequence[Row]) -> int:
        return await self._count("record_removals", results=results)

    async def release_removals(self, leases: Sequence[Row]) -> int:
        return await self._count("release_removals", leases=leases)

    async def next_removals(self) -> float | None:
        """In how many seconds a claim may find something; None: nothing waits."""
        return await self._seconds("next_removals")

    async def sweep_media_retention(self, max_files: int = 500) -> int:
        """Marks files that are too old for their workspace as expired, at most `max_files`; gives how many."""
        return await self._count("sweep_media_retention", max_files=max_files)

    async def sweep_workspaces(self, max_rows: int = 5000) -> int:
        """Deletes at most `max_rows` rows of a workspace that its owner has deleted; gives how many, 0 at the end."""
        return await self._count("sweep_workspaces", max_rows=max_rows)

    # receipts

    async def claim_receipts(
        self, max_receipts: int, lease_seconds: int = 60, shares: Mapping[str, int] | None = None
    ) -> list[Row]:
        told = {"lease_seconds": lease_seconds, "shares": shares}
        return await self._rows("claim_receipts", max_receipts=max_receipts, **told)

    async def record_receipts(self, results: Sequence[Row]) -> int:
        return await self._count("record_receipts", results=results)
