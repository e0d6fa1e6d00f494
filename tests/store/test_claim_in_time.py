"""A claim gives up before whoever asked for it does: what it leases has a worker."""

from __future__ import annotations

import pytest

from store.connect import connect
from store.errors import Unavailable
from store.rpc import Rpc
from tests.conftest import Project
from tests.store.tenant import Session, Tenant, rows


async def test_a_claim_that_has_to_wait_too_long_leases_nothing(
    sessions: list[Session], tenant: Tenant, project: Project
) -> None:
    thread = await tenant.thread(sessions[0], "972501234567")
    message_id = await tenant.queue(sessions[0], thread)
    async with connect(project.url, project.service_role_key, read_seconds=14.0) as http:
        async with sessions[1].transaction():
            # Somebody else's turn, which does not end.
            await sessions[1].execute("select pg_advisory_xact_lock('public.outbox'::regclass::bigint)")
            with pytest.raises(Unavailable) as late:
                await Rpc(http).claim_outbound(1000)
        assert late.value.code == "57014"
        (left,) = await rows(sessions[0], "select lease_token from public.outbox where message_id = %s", message_id)
        assert left["lease_token"] is None
        claimed = await Rpc(http).claim_outbound(1000)
        assert str(message_id) in {row["message_id"] for row in claimed}
        leases = [{key: row[key] for key in ("message_id", "lease_token")} for row in claimed]
        assert await Rpc(http).release_outbound(leases) == len(claimed)
