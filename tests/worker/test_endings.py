"""A worker that is stopped or killed in the middle of a send: it ends as it should, and nothing is sent twice."""

from __future__ import annotations

import asyncio
import signal
import time

from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.flaky_gateway import HANGS, FlakyGateway
from tests.flows.programs import Program, Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until


async def test_a_send_cut_off_by_sigkill_becomes_uncertain_and_is_settled_by_the_echo(
    shop: Shop, programs: Programs
) -> None:
    await shop.business.behave(statuses=[])
    await shop.business.fault("messages", {"delay_ms": 5000})
    worker = await programs.worker()
    message_id = await shop.queue_text()
    await until(shop.sent)
    await worker.kill()
    assert (await shop.tenant.message(message_id))["status"] == "sending"
    await expire_lease(shop, message_id)
    await programs.worker()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "uncertain")
    await shop.report("sent")
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "sent")
    assert (message["wamid"], await shop.sends()) == ((await shop.sent())[0]["wamid"], 1)


async def test_a_send_that_never_arrived_before_sigkill_fails_and_is_not_repeated(
    shop: Shop, programs: Programs
) -> None:
    await shop.business.fault("messages", {"hang": 60})
    worker = await programs.worker()
    message_id = await shop.queue_text()
    await until(shop.sends)
    await worker.kill()
    await expire_lease(shop, message_id)
    await programs.worker()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "uncertain")
    await shop.tenant.rows(
        "update outbox set uncertain_since = now() - interval '16 minutes' where message_id = %(id)s", id=message_id
    )
    message = await shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert (message["error"]["code"], await shop.sends()) == ("outcome_unknown", 1)


async def test_sigterm_finishes_what_is_in_flight_and_claims_no_more(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("messages", {"delay_ms": 1000})
    worker = await programs.worker()
    message_id = await shop.queue_text("in flight")
    await until(shop.sent)
    worker.signal(signal.SIGTERM)
    late = await shop.queue_text("too late")
    assert await worker.ended() == 0
    assert (await shop.tenant.message(message_id))["wamid"] == (await shop.sent())[0]["wamid"]
    assert (await shop.tenant.message(late))["status"] == "queued"


async def test_a_send_that_outlasts_the_grace_is_written_down_as_uncertain(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("messages", {"hang": 60})
    worker = await programs.worker(WORKER_GRACE_SECONDS="0.2")
    message_id = await shop.queue_text()
    await until(shop.sends)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    message = await shop.tenant.message(message_id)
    assert (message["status"], message["error"]["code"]) == ("uncertain", "uncertain")


async def test_a_refusal_that_is_known_is_written_down_whoever_is_cut_off(
    shop: Shop, programs: Programs, gateway: FlakyGateway
) -> None:
    """It is refused for sure: only whether there is another key by now could not be asked any more."""
    await shop.business.fault("messages", {"delay_ms": 2000, "http": 401})
    worker = await programs.worker(ready="doorbell.down", SUPABASE_URL=gateway.url, WORKER_GRACE_SECONDS="0.2")
    message_id = await shop.queue_text()
    await until(shop.sends)
    # The send has its key, and no answer yet: who asks for a key from now on waits for it. Chores may ask as well, so
    # the refusal comes first, and a moment to ask after it.
    gateway.troubles["rpc/get_connection_credential"] = HANGS
    await shop.business.until_asked("messages", status=401)
    await asyncio.sleep(1)
    assert await asked_for_a_key(gateway)
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 0
    message = await shop.tenant.message(message_id)
    assert (message["status"], message["error"]["class"], await shop.sends()) == ("queued", "AUTH", 1)


async def test_a_second_signal_exits_at_once(shop: Shop, programs: Programs) -> None:
    await shop.business.fault("messages", {"hang": 60})
    worker = await programs.worker()
    await shop.queue_text()
    await until(shop.sends)
    worker.signal(signal.SIGTERM)
    await until_draining(worker, shop)
    began = time.monotonic()
    worker.signal(signal.SIGTERM)
    assert await worker.ended() == 1
    assert time.monotonic() - began < 2


async def test_two_workers_share_the_work_and_send_everything_once_and_in_order(
    shop: Shop, programs: Programs, database: Connect, simulator: Simulator
) -> None:
    await shop.business.behave(answer_delay_ms=20)
    await asyncio.gather(programs.worker(), programs.worker())
    conversations = [await shop.tenant.conversation() for _ in range(6)]
    for place in range(5):
        for number, conversation_id in enumerate(conversations):
            await shop.tenant.queue(conversation_id, f"{number}: {place}")
    texts = await until(shop.sent_texts, lambda texts: len(texts) == 30, within=20)
    for number in range(6):
        assert [text for text in texts if text.startswith(f"{number}:")] == [f"{number}: {place}" for place in range(5)]


async def asked_for_a_key(gateway: FlakyGateway) -> int:
    return gateway.seen.count("/rest/v1/rpc/get_connection_credential")


async def expire_lease(shop: Shop, message_id: str) -> None:
    """A send's lease is 90 seconds; nobody here waits that long."""
    await shop.tenant.rows("update outbox set lease_expires_at = now() where message_id = %(id)s", id=message_id)


async def until_draining(worker: Program, shop: Shop) -> None:
    """The first signal has been heard: what is queued now is not claimed."""
    while True:
        message_id = await shop.queue_text("is anybody claiming?")
        try:
            await shop.tenant.until_message(message_id, lambda row: row["status"] != "queued", within=0.5)
        except AssertionError:
            return
