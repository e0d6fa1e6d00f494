"""Content that is JSON to Postgres and a trial to every other reader: it harms nobody who is claimed beside it."""

from __future__ import annotations

import psycopg
import pytest

from tests.flows.programs import Program
from tests.flows.shop import Shop
from tests.flows.waiting import until

STRANGE = {
    "a number of 5,001 digits": "[1e5000]",
    "a number that no float holds": f'{{"a": -{"9" * 400}.5}}',
    "many levels": "[" * 1500 + "]" * 1500,
}
INSERT = (
    "insert into messages (workspace_id, conversation_id, type, content)"
    " values (%(workspace)s, %(thread)s, 'text', jsonb_build_object('body', 'x', 'more', %(more)s::jsonb)) returning id"
)


@pytest.mark.parametrize("more", STRANGE.values(), ids=STRANGE)
async def test_it_is_refused_at_insert(shop: Shop, more: str) -> None:
    thread = await shop.tenant.conversation()
    with pytest.raises(psycopg.Error) as refused:
        await shop.tenant.rows(INSERT, thread=thread, more=more)
    assert (refused.value.sqlstate, refused.value.diag.message_detail) == ("WA014", "content")


async def test_a_number_that_got_in_all_the_same_ends_its_own_message_and_no_other(
    shop: Shop, other: Shop, worker: Program
) -> None:
    for one in (shop, other):
        await one.tenant.rows("select pause_connection(%(connection)s)")
    strange, innocent = await shop.queue_text(), await other.queue_text()
    # As if it had been there before anybody looked: a change is checked by nobody.
    await shop.tenant.rows(
        "update messages set content = content || '{\"more\": 1e5000}' where id = %(id)s", id=strange
    )
    await shop.tenant.rows(
        "update whatsapp_connections set status = 'active', status_reason = null"
        " where id in (%(connection)s, %(other)s)",
        other=other.tenant.connection_id,
    )
    await other.tenant.until_message(innocent, lambda row: row["status"] == "read")
    told = "select status, error ->> 'code' as code from messages where id = %(id)s"

    async def ended() -> list[object]:
        return [row for row in await shop.tenant.rows(told, id=strange) if row["status"] == "failed"]

    assert await until(ended) == [{"status": "failed", "code": "100"}]
    assert worker.process.returncode is None
    # No test after this one has to read it.
    await shop.tenant.rows("delete from messages where id = %(id)s", id=strange)
