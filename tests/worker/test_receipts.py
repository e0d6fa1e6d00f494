"""Blue ticks when an agent reads, where the number says so, and the sign that somebody is typing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.shop import Shop
from tests.flows.waiting import until

pytestmark = pytest.mark.usefixtures("worker")


async def _marks(shop: Shop) -> list[dict[str, Any]]:
    """What WhatsApp was asked to show, by its bodies."""
    return [row["body"] for row in await shop.business.seen("requests", operation="mark_read")]


async def _written(shop: Shop, words: str = "hi") -> tuple[str, str]:
    """Somebody writes, as far as WhatsApp is concerned as well: the thread and the wamid."""
    wamid = await shop.business.receive({"type": "text", "text": {"body": words}})
    rows = await shop.tenant.until_messages(lambda rows: any(row["wamid"] == wamid for row in rows))
    return str(rows[-1]["conversation_id"]), wamid


async def _waiting(shop: Shop) -> list[Any]:
    return await shop.tenant.rows("select * from private.receipts where workspace_id = %(workspace)s")


async def _call(shop: Shop, function: str, conversation_id: str) -> None:
    await shop.tenant.rows(f"select {function}(%(id)s)", id=conversation_id)


async def _switch_on(shop: Shop) -> None:
    await shop.tenant.rows("update whatsapp_connections set send_read_receipts = true where id = %(connection)s")


async def test_a_conversation_that_an_agent_reads_gets_its_ticks_once(shop: Shop) -> None:
    await _switch_on(shop)
    conversation_id, wamid = await _written(shop)
    await _call(shop, "mark_as_read", conversation_id)
    marks = await until(lambda: _marks(shop))
    await until(lambda: _waiting(shop), lambda rows: not rows)
    await _call(shop, "mark_as_read", conversation_id)
    assert await _waiting(shop) == []
    assert marks == [{"messaging_product": "whatsapp", "status": "read", "message_id": wamid}]


async def test_a_number_that_does_not_say_so_shows_nothing(shop: Shop) -> None:
    conversation_id, _ = await _written(shop)
    await _call(shop, "mark_as_read", conversation_id)
    assert await _waiting(shop) == []


async def test_typing_is_shown_for_the_newest_message(shop: Shop) -> None:
    await _written(shop, "first")
    conversation_id, wamid = await _written(shop, "second")
    await _call(shop, "send_typing", conversation_id)
    (mark,) = await until(lambda: _marks(shop))
    assert (mark["message_id"], mark["typing_indicator"]) == (wamid, {"type": "text"})
    await until(lambda: _waiting(shop), lambda rows: not rows)


async def test_what_fails_three_times_is_dropped_and_holds_up_nothing(shop: Shop) -> None:
    await shop.business.fault("mark_read", {"error": 131000})
    conversation_id, _ = await _written(shop)
    await _call(shop, "send_typing", conversation_id)
    message_id = await shop.tenant.queue(conversation_id, "goes out meanwhile")
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    await until(lambda: _waiting(shop), lambda rows: not rows, within=20)
    assert len(await _marks(shop)) == 3
