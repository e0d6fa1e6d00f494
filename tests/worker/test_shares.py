"""A number whose provider hangs holds many of a worker's slots and never all: another number's job begins at once."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from tests.conftest import Connect
from tests.flows.flaky_gateway import FlakyGateway
from tests.flows.pictures import PICTURE, receive_picture, until_media
from tests.flows.programs import Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.claims import people_of, tell
from worker.shares import asked, shares_of

SLOTS = 8
# Of eight slots.
MOST = 6


@pytest.fixture(autouse=True)
async def alone(database: Connect) -> None:
    """Whose work other tests have left has no part in who gets how much of a worker here."""
    async with database() as connection:
        await connection.execute("update whatsapp_connections set status = 'disconnected'")


def holding(**jobs: int) -> list[dict[str, str]]:
    return [{"connection_id": number} for number, count in jobs.items() for _ in range(count)]


def test_who_holds_little_is_not_named_and_who_holds_three_times_what_is_free_gets_nothing() -> None:
    assert shares_of([], 256) == {}
    assert shares_of(holding(a=64), 192) == {}
    # 150 and 37 more are not above three times 63, 150 and 38 more would be.
    assert shares_of(holding(a=150, b=1), 100) == {"a": 37}
    assert shares_of(holding(a=192, b=1), 63) == {"a": 0}
    assert shares_of(holding(a=1), 1) == {"a": 0}
    # A set of removals is of no number.
    assert shares_of([{"message_id": None}], 0) == {}


@pytest.mark.parametrize("slots", [1, 2, 3, 4, 6, 8, 64, 256, 1000])
def test_however_numbers_come_the_last_slot_is_for_one_that_has_none(slots: int) -> None:
    """Any number of them, all of which hang, claimed in any mixture."""
    chance = random.Random(slots)
    for _ in range(50):
        held = {str(number): 0 for number in range(chance.randint(1, 12))}
        for _ in range(200):
            free = slots - sum(held.values())
            most, shares = asked(free), shares_of(holding(**held), free)
            assert (most == 0) == (free == 0)
            wanted = [number for number in held for _ in range(shares.get(number, most))]
            for number in chance.sample(wanted, min(len(wanted), chance.randint(0, most))):
                held[number] += 1
                assert held[number] == 1 or sum(held.values()) < slots


def test_the_only_number_gets_three_of_four_slots() -> None:
    for slots, most in {1: 1, 2: 1, 4: 3, 6: 4, SLOTS: MOST, 256: 192}.items():
        held = 0
        while more := min(asked(slots - held), shares_of(holding(a=held), slots - held).get("a", slots)):
            held += more
        assert held == most


async def on_the_wire(shop: Shop, table: str = "outbox") -> int:
    (row,) = await shop.tenant.rows(
        f"select count(*) from {table} where connection_id = %(connection)s and lease_token is not null"
    )
    return int(row["count"])


async def recover(shop: Shop) -> None:
    """No further call hangs; those that do go on to their end."""
    await shop.business.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": shop.business.id})


async def test_a_number_whose_provider_hangs_leaves_slots_to_another(
    programs: Programs, shop: Shop, other: Shop
) -> None:
    await shop.business.fault("messages", {"hang": 12})
    await programs.worker(WORKER_SENDS=str(SLOTS))
    hanging = await tell(shop.tenant, await people_of(shop.tenant, 2 * SLOTS))
    await until(lambda: on_the_wire(shop), lambda count: count == MOST)
    for _ in range(2):
        began = time.monotonic()
        message_id = await other.queue_text()
        await other.tenant.until_message(message_id, lambda row: row["status"] == "read", within=5)
        print(f"another number's message was read after {time.monotonic() - began:.2f} s")
        assert await on_the_wire(shop) == MOST
    await recover(shop)
    for message_id in hanging:
        await shop.tenant.until_message(message_id, lambda row: row["status"] == "read", within=40)
    assert await shop.sends() == len(hanging)


async def test_a_number_with_its_share_is_not_asked_for_again_and_again(
    programs: Programs, shop: Shop, other: Shop, gateway: FlakyGateway
) -> None:
    await shop.business.fault("messages", {"hang": 30})
    # Through this gateway there is no Realtime: the poll does it all, once a second.
    await programs.worker(ready="doorbell.down", SUPABASE_URL=gateway.url, WORKER_SENDS=str(SLOTS))
    await tell(shop.tenant, await people_of(shop.tenant, 2 * SLOTS))
    await until(lambda: on_the_wire(shop), lambda count: count == MOST)
    gateway.seen.clear()
    await asyncio.sleep(3)
    asked_for = [path.rpartition("/")[2] for path in gateway.seen]
    assert 1 <= asked_for.count("claim_outbound") <= 5
    assert asked_for.count("next_outbound") <= 5
    # A number whose second is over soon is known to be.
    message_id = await other.queue_text()
    await other.tenant.until_message(message_id, lambda row: row["status"] == "read", within=15)
    await shop.tenant.rows("select pause_connection(%(connection)s)")


async def test_one_slot_is_enough(programs: Programs, shop: Shop, other: Shop) -> None:
    await programs.worker(WORKER_SENDS="1", WORKER_DOWNLOADS="1")
    people = await people_of(shop.tenant, 3)
    await tell(shop.tenant, people * 2)
    picture = await receive_picture(other)
    await until(shop.sends, lambda count: count == 6)
    await until_media(other, picture, "stored")


async def test_files_of_a_number_whose_provider_hangs_leave_slots_to_another(
    programs: Programs, shop: Shop, other: Shop
) -> None:
    await shop.business.fault("media_lookup", {"hang": 10})
    await programs.worker(WORKER_DOWNLOADS="4")
    media = await shop.business.media_from_user(PICTURE)
    for _ in range(6):
        await shop.business.receive({"type": "image", "image": {"id": media["id"]}})
    await until(lambda: on_the_wire(shop, "media_downloads"), lambda count: count == 3)
    began = time.monotonic()
    await until_media(other, await receive_picture(other), "stored", within=5)
    print(f"another number's picture was stored after {time.monotonic() - began:.2f} s")
    assert await on_the_wire(shop, "media_downloads") == 3
    await recover(shop)
    await shop.tenant.until_messages(lambda rows: {row["media_status"] for row in rows} == {"stored"}, within=40)
