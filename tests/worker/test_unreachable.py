"""WhatsApp cannot be reached for a while: whatever waits goes out when it can, however often nothing has left."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flows.programs import Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens, nor will."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


async def test_what_could_not_leave_still_has_all_its_tries(shop: Shop, programs: Programs, nowhere: str) -> None:
    worker = await programs.worker(WHATSAPP_360_BASE_URL=nowhere)
    head, follower = await shop.tenant.queue_all(await shop.tenant.conversation(), "head", "follower")
    assert await until(lambda: waiting(shop, head))
    await worker.kill()
    message = await shop.tenant.message(head)
    assert (message["status"], message["error"]["code"], message["error"]["class"]) == ("queued", "not_sent", "RETRY")
    assert (await shop.tenant.message(follower))["status"] == "queued"
    # Of two tries, and the second is taken.
    await shop.business.fault("messages", {"error": 135000}, times=1)
    await programs.worker()
    await shop.tenant.until_message(follower, lambda row: row["status"] == "read")
    assert ((await shop.tenant.message(head))["status"], await shop.sends()) == ("read", 3)
    assert await shop.sent_texts() == ["head", "follower"]


async def test_what_cannot_leave_is_tried_less_and_less_often_but_every_minute(
    shop: Shop, programs: Programs, nowhere: str
) -> None:
    await programs.worker(WHATSAPP_360_BASE_URL=nowhere)
    message_id = await shop.queue_text()
    waits: dict[int, float] = {}
    while len(waits) < 8:
        item = await until(lambda: waiting(shop, message_id), lambda row: row and row["unsent"] not in waits)
        waits[item["unsent"]] = item["wait"]
        explained = await shop.explained(message_id)
        assert (explained["reason"], explained["detail"]["code"]) == ("retry", "not_sent")
        await hurry(shop, message_id)
    for unsent, wait in waits.items():
        longest = min(2.0**unsent, 60)
        assert longest * 0.75 - 1 <= wait <= longest, (unsent, wait)


async def waiting(shop: Shop, message_id: str) -> dict[str, Any] | None:
    """Its place once it has been tried and waits for another time."""
    rows = await shop.tenant.rows(
        "select unsent, extract(epoch from available_at - now())::float8 as wait from outbox"
        " where message_id = %(id)s and lease_token is null and unsent > 0",
        id=message_id,
    )
    return rows[0] if rows else None


async def hurry(shop: Shop, message_id: str) -> None:
    """The time for which it waits is over."""
    rows = await shop.tenant.rows(
        "update outbox set available_at = now() where message_id = %(id)s and lease_token is null"
        " returning conversation_id",
        id=message_id,
    )
    for row in rows:
        await shop.tenant.rows("select private.set_heads(array[%(thread)s::uuid])", thread=row["conversation_id"])
    await shop.tenant.rows("select ring_doorbell()")
