"""What WhatsApp reports as failed later reads as what it refuses at once: the same code, class and remedy."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.shop import Shop

pytestmark = pytest.mark.usefixtures("worker")


async def failure(shop: Shop, action: dict[str, Any]) -> dict[str, Any]:
    await shop.business.fault("messages", action, times=1)
    message_id = await shop.queue_text()
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    error: dict[str, Any] = message["error"]
    return error


@pytest.mark.parametrize("code", [131047, 131049, 131053, 131026, 130472, 131050, 132015, 999_999])
async def test_a_failure_reads_alike_at_once_and_later(shop: Shop, code: int) -> None:
    at_once = await failure(shop, {"error": code, "details": "because"})
    later = await failure(shop, {"failed": code, "details": "because"})
    assert at_once.keys() == later.keys() == {"code", "title", "details", "class", "remedy"}
    # Graph puts the code before the title; a report does not.
    assert at_once.pop("title") == f"(#{code}) {later.pop('title')}"
    assert at_once == later


@pytest.mark.parametrize("how", ["error", "failed"])
async def test_who_wants_no_marketing_is_spared_however_whatsapp_says_so(shop: Shop, how: str) -> None:
    (person,) = await shop.tenant.rows(
        "insert into contacts (workspace_id, phone) values (%(workspace)s, '+972501112233') returning id"
    )
    conversation_id = await shop.tenant.conversation("972501112233")
    await shop.tenant.rows(
        "update conversations set contact_id = %(id)s where id = %(thread)s", id=person["id"], thread=conversation_id
    )
    await shop.business.fault("messages", {how: 131050}, times=1)
    message_id = await shop.tenant.queue(conversation_id, "news")
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    query = "select marketing_opted_out_at from contacts where id = %(id)s"
    assert (await shop.tenant.rows(query, id=person["id"]))[0]["marketing_opted_out_at"]
