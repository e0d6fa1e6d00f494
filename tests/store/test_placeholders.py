"""A phone's history tells of a file first and brings it later under the same id; the two may meet in one set."""

from __future__ import annotations

from typing import Any

import pytest

from tests.store.tenant import Row, Session, Tenant, call, rows

PLACEHOLDER: Row = {"type": "media_placeholder", "content": {}, "status": "played"}
FILE: Row = {"type": "audio", "content": {"voice": True}, "status": "sent", "media_id": "4711"}


@pytest.mark.parametrize("order", [(0, 1), (1, 0)], ids=str)
@pytest.mark.parametrize("together", [True, False], ids=["in one set", "one by one"])
async def test_the_file_takes_the_place_and_what_is_known_of_the_message_stays(
    order: tuple[int, int], together: bool, sessions: list[Session], tenant: Tenant
) -> None:
    past: dict[str, Any] = {"direction": "outbound", "imported": True}
    told = [tenant.message("wamid.file", "972501234567", **past, **(PLACEHOLDER, FILE)[place]) for place in order]
    for batch in [told] if together else [[row] for row in told]:
        await call(sessions[0], "record_inbound", [], batch, [])
    (left,) = await rows(
        sessions[0],
        "select type, status, media_id, media_status, (select count(*) from public.media_downloads as file"
        " where file.message_id = message.id) as files from public.messages as message where workspace_id = %s",
        tenant.workspace_id,
    )
    assert left == {"type": "audio", "status": "played", "media_id": "4711", "media_status": "pending", "files": 1}
