"""Each documented code out of a real answer: what becomes of the message, of those behind it, and of its number."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.shop import Shop
from tests.flows.tenant import phones
from tests.whatsapp.test_error_rules import KNOWN
from whatsapp.errors import REMEDIES, ErrorClass

pytestmark = pytest.mark.usefixtures("workers")

OF_THE_NUMBER = {ErrorClass.PAUSE, ErrorClass.AUTH, ErrorClass.THROTTLE}
WAITING = {ErrorClass.RETRY, *OF_THE_NUMBER}
OF_MESSAGES = [(code, told) for code, told in KNOWN if told not in OF_THE_NUMBER or code == 131056]


async def test_a_code_of_the_message_ends_it_or_has_it_tried_again_and_touches_no_other(shop: Shop) -> None:
    few = asyncio.Semaphore(6)

    async def one(code: int, told: ErrorClass, phone: str) -> str | None:
        async with few:
            return await (passing if told in WAITING else final)(shop, code, told, phone)

    wrong = await asyncio.gather(
        *(one(code, told, phone) for (code, told), phone in zip(OF_MESSAGES, phones(len(OF_MESSAGES)), strict=True))
    )
    assert [said for said in wrong if said] == []
    (row,) = await shop.tenant.rows("select status from whatsapp_connections where id = %(connection)s")
    assert row["status"] == "active"


async def final(shop: Shop, code: int, told: ErrorClass, phone: str) -> str | None:
    """What is wrong with a message that has met a code that ends it."""
    await shop.business.fault("messages", {"error": code, "details": "because"}, to=phone, times=1)
    head, follower = await shop.tenant.queue_all(await shop.tenant.conversation(phone), "head", "follower")
    error = (await shop.tenant.until_message(head, lambda row: row["status"] == "failed", within=30))["error"]
    await shop.tenant.until_message(follower, lambda row: row["status"] == "read", within=30)
    found = tuple(error[key] for key in ("code", "class", "details", "remedy"))
    return None if found == (code, told, "because", REMEDIES[told]) else f"{code}: {error}"


async def passing(shop: Shop, code: int, told: ErrorClass, phone: str) -> str | None:
    """What is wrong with a message that is to be tried again."""
    await shop.business.fault("messages", {"error": code}, to=phone)
    head, follower = await shop.tenant.queue_all(await shop.tenant.conversation(phone), "head", "follower")
    error = (await shop.tenant.until_message(head, lambda row: row["error"], within=30))["error"]
    why, behind = [(await shop.explained(message_id))["reason"] for message_id in (head, follower)]
    # Its time may have come meanwhile.
    expected = {"pair_rate" if code == 131056 else "retry", "sending", "ready"}
    found = (error["code"], error["class"], why in expected, behind)
    return None if found == (code, told, True, "order") else f"{code}: {error}, {why}, {behind}"


@pytest.mark.parametrize("told", sorted(OF_THE_NUMBER))
async def test_a_code_of_the_number_holds_all_that_waits_for_it(
    told: ErrorClass, database: Connect, simulator: Simulator
) -> None:
    async def one(code: int) -> str | None:
        shop = await Shop.new(database, simulator, None)
        await shop.business.fault("messages", {"error": code}, times=1)
        head = await shop.queue_text()
        row = await shop.tenant.until_message(head, lambda row: row["error"], within=30)
        (number,) = await shop.tenant.rows("select * from whatsapp_connections where id = %(connection)s")
        why = (await shop.explained(head))["reason"]
        paused = told is not ErrorClass.THROTTLE
        found = (row["status"], row["error"]["code"], row["error"]["class"], number["status"], why)
        if paused:
            wanted = ("queued", code, told, "paused", "connection_paused")
            return None if found == wanted and number["last_error"]["code"] == code else f"{code}: {found}"
        if found[:4] != ("queued", code, told, "active"):
            return f"{code}: {found}"
        (pace,) = await shop.tenant.rows(
            "select narrowed_to from private.outbound_numbers where connection_id = %(connection)s"
        )
        return None if pace["narrowed_to"] == 40 else f"{code}: {pace}"

    codes = [code for code, known in KNOWN if known is told and code != 131056]
    assert [said for said in [await one(code) for code in codes] if said] == []
