"""Realtime is the doorbell, the poll is the postman: quick with it, and all the same without."""

from __future__ import annotations

import time

import httpx
from psycopg.types.json import Jsonb

from tests.flows.pictures import receive_picture, until_media
from tests.flows.programs import Programs, free_port
from tests.flows.scraping import until_scraped
from tests.flows.shop import Shop
from tests.worker.conftest import Unkind

# worker/loop.py looks by itself this often while the doorbell seems to work.
POLL_SECONDS = 5.0


async def seconds_to_send(shop: Shop, words: str, within: float) -> float:
    """From the insert to the answer of WhatsApp."""
    conversation_id = await shop.tenant.conversation()
    began = time.monotonic()
    message_id = await shop.tenant.queue(conversation_id, words)
    await shop.tenant.until_message(message_id, lambda row: row["wamid"], within)
    return time.monotonic() - began


async def test_with_realtime_a_message_leaves_long_before_the_poll(shop: Shop, programs: Programs) -> None:
    await programs.worker()
    for place in range(4):
        assert await seconds_to_send(shop, f"quick {place}", within=POLL_SECONDS) < POLL_SECONDS / 3


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
    began = time.monotonic()
    await until_media(shop, await receive_picture(shop), "stored", within=POLL_SECONDS)
    assert time.monotonic() - began < POLL_SECONDS / 2


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
        assert await seconds_to_send(shop, f"unheard {place}", within=POLL_SECONDS) < POLL_SECONDS / 2
    await unkind("realtime", silent=False)
    await worker.until_said("doorbell.live", times=2, within=40)


async def test_without_realtime_the_worker_starts_and_looks_more_often(
    shop: Shop, programs: Programs, unkind: Unkind
) -> None:
    await unkind("realtime", refuse_connections=True)
    await unkind("realtime", drop_sockets=True)
    await programs.worker(ready="doorbell.down")
    for place in range(3):
        assert await seconds_to_send(shop, f"deaf {place}", within=POLL_SECONDS) < POLL_SECONDS / 2


async def test_a_doorbell_that_is_torn_off_is_put_up_again(shop: Shop, programs: Programs, unkind: Unkind) -> None:
    worker = await programs.worker()
    await unkind("realtime", drop_sockets=True)
    await worker.until_said("doorbell.lost")
    await worker.until_said("doorbell.live", times=2)
    assert await seconds_to_send(shop, "rings again", within=POLL_SECONDS) < POLL_SECONDS / 3
