"""Realtime is the doorbell, the poll is the postman: quick with it, and all the same without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx
from psycopg.types.json import Jsonb

from tests.flows.pictures import PICTURE, receive_picture, until_media
from tests.flows.programs import Programs, free_port
from tests.flows.scraping import until_scraped
from tests.flows.shop import Shop
from tests.worker.conftest import Unkind

# worker/loop.py looks by itself this often while the doorbell seems to work.
POLL_SECONDS = 5.0
# And once more so soon after a claim.
POLL_SECONDS_BUSY = 1.0


async def is_quick(measure: Callable[[], Awaitable[float]], below: float, tries: int = 3) -> bool:
    """Whether one of a few tries takes less: a busy machine may hold up any of them.

    No poll is quick by having been given several: each try but the first begins right after one that found nothing, so
    that the next one is almost POLL_SECONDS away.
    """
    for _ in range(tries - 1):
        taken = await measure()
        if taken < below:
            return True
        print(f"not quick: {taken:.2f} s")
        await asyncio.sleep(POLL_SECONDS_BUSY + 0.5)
    return await measure() < below


async def is_sent_within(seconds: float, shop: Shop, words: str) -> bool:
    return await is_quick(lambda: seconds_to_send(shop, words, within=3 * POLL_SECONDS), seconds)


async def seconds_to_send(shop: Shop, words: str, within: float) -> float:
    """From the insert to the answer of WhatsApp."""
    conversation_id = await shop.tenant.conversation()
    began = time.monotonic()
    message_id = await shop.tenant.queue(conversation_id, words)
    await shop.tenant.until_message(message_id, lambda row: row["wamid"], within)
    return time.monotonic() - began


async def seconds_to_store(shop: Shop) -> float:
    """From a picture's arrival to its place in the bucket."""
    media = await shop.business.media_from_user(PICTURE)
    began = time.monotonic()
    wamid = await shop.business.receive({"type": "image", "image": {"id": media["id"]}})
    await shop.tenant.until_messages(
        lambda rows: (wamid, "stored") in [(row["wamid"], row["media_status"]) for row in rows],
        within=3 * POLL_SECONDS,
    )
    return time.monotonic() - began


async def test_with_realtime_a_message_leaves_long_before_the_poll(shop: Shop, programs: Programs) -> None:
    await programs.worker()
    for place in range(4):
        assert await is_sent_within(POLL_SECONDS / 3, shop, f"quick {place}")


async def test_a_statement_rings_once_however_many_messages_it_queues(shop: Shop) -> None:
    """A campaign of 100,000 is no hundred thousand rings."""
    conversation_id = await shop.tenant.conversation()
    queued = await shop.tenant.rows(
        "insert into messages (workspace_id, conversation_id, type, content)"
        " select %(workspace)s, %(conversation)s, 'text', %(content)s from generate_series(1, 30) returning id::text",
        conversation=conversation_id,
        content=Jsonb({"body": "of thirty"}),
    )
    rings = await shop.tenant.rows(
        "select event from realtime.messages"
        " where topic = 'wabase:worker' and payload ->> 'message_id' = any (%(ids)s)",
        ids=[row["id"] for row in queued],
    )
    assert rings == [{"event": "outbox"}]


async def test_with_realtime_a_picture_is_stored_long_before_the_poll(shop: Shop, programs: Programs) -> None:
    await programs.worker()
    assert await is_quick(lambda: seconds_to_store(shop), POLL_SECONDS / 2)


async def test_with_realtime_gone_silent_the_poll_still_finds_the_picture(
    shop: Shop, programs: Programs, unkind: Unkind
) -> None:
    await programs.worker()
    await unkind("realtime", silent=True)
    await until_media(shop, await receive_picture(shop), "stored", within=POLL_SECONDS + 3)


async def test_with_realtime_gone_silent_the_poll_still_finds_the_message(
    shop: Shop, programs: Programs, unkind: Unkind
) -> None:
    await programs.worker()
    await unkind("realtime", silent=True)
    await seconds_to_send(shop, "nobody rang", within=POLL_SECONDS + 3)


async def test_a_doorbell_that_is_silent_is_found_out_and_the_poll_quickens(
    shop: Shop, programs: Programs, unkind: Unkind, http: httpx.AsyncClient
) -> None:
    port = free_port()
    worker = await programs.worker(WORKER_STATUS_HOST="127.0.0.1", WORKER_STATUS_PORT=str(port))
    worker.url = f"http://127.0.0.1:{port}"
    await until_scraped(http, worker, lambda seen: seen.value("wabase_doorbell_healthy"))
    await unkind("realtime", silent=True)
    await worker.until_said("doorbell.silent", within=20)
    seen = await until_scraped(http, worker, lambda seen: seen.value("wabase_doorbell_lost_total"))
    assert seen.value("wabase_doorbell_healthy") == 0
    for place in range(3):
        assert await is_sent_within(POLL_SECONDS / 2, shop, f"unheard {place}")
    await unkind("realtime", silent=False)
    await worker.until_said("doorbell.live", times=2, within=40)


async def test_without_realtime_the_worker_starts_and_looks_more_often(
    shop: Shop, programs: Programs, unkind: Unkind
) -> None:
    await unkind("realtime", refuse_connections=True)
    await unkind("realtime", drop_sockets=True)
    await programs.worker(ready="doorbell.down")
    for place in range(3):
        assert await is_sent_within(POLL_SECONDS / 2, shop, f"deaf {place}")


async def test_a_doorbell_that_is_torn_off_is_put_up_again(shop: Shop, programs: Programs, unkind: Unkind) -> None:
    worker = await programs.worker()
    await unkind("realtime", drop_sockets=True)
    await worker.until_said("doorbell.lost")
    await worker.until_said("doorbell.live", times=2)
    assert await is_sent_within(POLL_SECONDS / 3, shop, "rings again")
