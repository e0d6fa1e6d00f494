"""A number that WhatsApp has stopped: its queue waits, nothing fails, and it goes on where it was. Two real workers."""

from __future__ import annotations

import pytest

from tests.flows.shop import Shop
from tests.flows.tenant import digits
from tests.flows.waiting import until
from tests.worker.claims import people_of, tell
from whatsapp.errors import REMEDIES, ErrorClass

pytestmark = pytest.mark.usefixtures("workers")

# A code of each reason, and the class it is told with.
STOPPED = {
    131042: ("payment", ErrorClass.PAUSE),
    131031: ("restriction", ErrorClass.PAUSE),
    368: ("restriction", ErrorClass.PAUSE),
    133010: ("number", ErrorClass.PAUSE),
    190: ("credential", ErrorClass.AUTH),
    131005: ("credential", ErrorClass.AUTH),
}


async def connection_of(shop: Shop) -> dict[str, object]:
    (row,) = await shop.tenant.rows(
        "select status, status_reason, last_error, status_since from whatsapp_connections where id = %(connection)s"
    )
    return row


@pytest.mark.parametrize("code", STOPPED)
async def test_what_whatsapp_stops_waits_and_goes_on_where_it_was(shop: Shop, other: Shop, code: int) -> None:
    async def outbound_statuses() -> set[object]:
        return {row["status"] for row in await shop.tenant.messages() if row["direction"] == "outbound"}

    reason, error_class = STOPPED[code]
    await shop.business.fault("messages", {"error": code, "details": "because"})
    people = await people_of(shop.tenant, 5)
    messages = await tell(shop.tenant, people * 3)
    paused = await until(lambda: connection_of(shop), lambda row: row["status"] == "paused")
    error = paused["last_error"]
    assert isinstance(error, dict)
    assert (paused["status_reason"], error["code"], error["class"]) == (reason, code, error_class)
    assert (error["details"], error["remedy"]) == ("because", REMEDIES[error_class])
    bystander = await other.queue_text("another number's")
    await other.tenant.until_message(bystander, lambda row: row["status"] == "read")
    await until(outbound_statuses, lambda found: found == {"queued"})
    # The first of each conversation may have been on the wire together, and no second one.
    asked = await shop.sends()
    assert 1 <= asked <= 5
    explained = [await shop.explained(one) for one in messages]
    assert {told["reason"] for told in explained} == {"connection_paused"}
    assert {(told["detail"]["status_reason"], told["detail"]["error"]["code"]) for told in explained} == {
        (reason, code)
    }

    await shop.business.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": shop.business.id})
    if reason == "credential":
        await shop.tenant.set_credential(shop.business.api_key)
    else:
        # A key is not what it waits for.
        await shop.tenant.set_credential(shop.business.api_key)
        assert (await connection_of(shop))["status"] == "paused"
        await shop.tenant.rows("select resume_connection(%(connection)s)")
    await until(shop.sent, lambda sent: len(sent) == 15)
    for one in messages:
        await shop.tenant.until_message(one, lambda row: row["status"] == "read" and row["error"] is None)
    assert (await shop.sends(), (await connection_of(shop))["status"]) == (asked + 15, "active")
    heard = [row["body"]["biz_opaque_callback_data"] for row in await shop.sent()]
    for place in range(5):
        line = messages[place::5]
        assert [one for one in heard if one in line] == line


async def test_a_key_that_is_changed_while_messages_go_out_stops_nothing(shop: Shop) -> None:
    """The worker still holds the old one for half a minute: what is refused with it is sent with the new one."""
    await shop.business.behave(answer_delay_ms=100)
    people = await people_of(shop.tenant, 20)
    await tell(shop.tenant, people * 2)
    await until(shop.sent)
    before = await connection_of(shop)
    renewed = f"{shop.business.api_key}-{digits()}"
    await shop.tenant.set_credential(renewed)
    await shop.business.control("numbers", api_key=renewed)
    await tell(shop.tenant, people * 2)
    # By then 360dialog has taken the number's webhook away: nothing is reported any more.
    rows = await shop.tenant.until_messages(
        lambda rows: {row["status"] for row in rows} <= {"received", "sent", "delivered", "read"}, within=20
    )
    assert len(await shop.sent()) == 80 == sum(row["direction"] == "outbound" for row in rows)
    assert await connection_of(shop) == before
    requests = await shop.business.simulator.control("requests", operation="messages")
    assert any(row["status"] == 401 for row in requests["requests"]), "nobody met the old key"
