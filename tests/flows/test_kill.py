"""A conversation while webhook and worker are killed again and again: nothing lost, nothing twice, nothing half."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
from collections import Counter
from typing import Any

import httpx
from psycopg.rows import DictRow

from tests.conftest import Project
from tests.flows.crew import Crew
from tests.flows.programs import Programs
from tests.flows.shop import Shop, register_webhook
from tests.flows.stored_files import served
from tests.flows.tenant import Tenant, phones
from tests.flows.waiting import until

CUSTOMERS = 8
ROUNDS = 10
LEAST_KILLS = 3


async def test_a_conversation_survives_kills_at_any_moment(
    shop: Shop, programs: Programs, project: Project, http: httpx.AsyncClient
) -> None:
    seed = int(os.environ.get("KILL_SEED") or random.randrange(10**6))
    print(f"KILL_SEED={seed}")
    crew, over = Crew(programs, shop.tenant), asyncio.Event()
    await crew.start()
    await register_webhook(shop.business, crew.running["webhook"])
    await shop.business.behave(answer_delay_ms=100, status_delay_ms=30, retry_cap_ms=500)
    await shop.business.control("webhook_faults", duplicate=1, reorder=True, seed=seed)

    fire = asyncio.create_task(crew.under_fire(random.Random(seed), over))
    received, pictures = await customers_write(shop, random.Random(seed))
    await until(lambda: answered(crew), lambda count: count == len(received), within=30)
    over.set()
    await fire
    await until(lambda: unfinished(shop, crew), lambda what: what == [], within=30)

    messages = await shop.tenant.messages()
    inbound = [row for row in messages if row["direction"] == "inbound"]
    assert Counter(row["wamid"] for row in inbound) == Counter(received), "each acknowledged message, exactly once"
    await each_reply_ended_and_none_was_sent_twice(shop)
    for row in inbound:
        if row["wamid"] in pictures:
            await lies_whole_in_the_bucket(row, pictures[row["wamid"]], project, http)
    lost = sum(row["status"] == "failed" for row in messages)
    print(
        f"{len(received)} received, {len(pictures)} with a picture, {lost} replies never arrived, kills: {crew.kills}"
    )
    assert min(crew.kills.values()) >= LEAST_KILLS, f"too few kills to show anything: {crew.kills}"


async def customers_write(shop: Shop, dice: random.Random) -> tuple[list[str], dict[str, bytes]]:
    """Texts and pictures from several people: all wamids, and the pictures' bytes by wamid."""
    people = phones(CUSTOMERS)
    received: list[str] = []
    pictures: dict[str, bytes] = {}
    for place in range(ROUNDS):
        for phone in people:
            raw = dice.randbytes(dice.randrange(1_000, 300_000)) if dice.random() < 0.25 else b""
            wamid = await shop.business.receive(await message_of(shop, raw, f"{phone} {place}"), phone)
            received.append(wamid)
            if raw:
                pictures[wamid] = raw
            await asyncio.sleep(dice.uniform(0, 0.25))
    return received, pictures


async def message_of(shop: Shop, raw: bytes, words: str) -> dict[str, Any]:
    if not raw:
        return {"type": "text", "text": {"body": words}}
    media = await shop.business.media_from_user(raw)
    return {"type": "image", "image": {"id": media["id"], "caption": words}}


async def answered(crew: Crew) -> int:
    """Replies to whatever has not been replied to, as an agent does; how many replies there are now."""
    await crew.let_time_pass()
    await crew.tenant.rows(
        "insert into messages (workspace_id, conversation_id, type, content, client_reference)"
        " select workspace_id, conversation_id, 'text', jsonb_build_object('body', 're: ' || wamid), wamid"
        " from messages where workspace_id = %(workspace)s and direction = 'inbound' order by seq"
        " on conflict (workspace_id, client_reference) do nothing"
    )
    return len(await outbound(crew.tenant))


async def outbound(tenant: Tenant) -> list[DictRow]:
    return [row for row in await tenant.messages() if row["direction"] == "outbound"]


async def unfinished(shop: Shop, crew: Crew) -> list[str]:
    """What still has to happen before the conversation can be judged."""
    await crew.let_time_pass()
    accepted = {row["body"]["biz_opaque_callback_data"] for row in await shop.sent()}
    # Cut off before it reached WhatsApp: nobody will ever report on it, so it fails after 15 minutes.
    await shop.tenant.rows(
        "update outbox set uncertain_since = now() - interval '16 minutes' where uncertain_since is not null"
        " and workspace_id = %(workspace)s and message_id <> all (%(accepted)s::uuid[])",
        accepted=list(accepted),
    )
    events = [event["state"] for event in await shop.tenant.events() if event["state"] != "processed"]
    deliveries = await shop.business.seen("deliveries", state="pending")
    replies = [row["status"] for row in await outbound(shop.tenant) if row["status"] not in ("read", "failed")]
    files = [row["media_status"] for row in await shop.tenant.messages() if row["media_status"] not in (None, "stored")]
    return [*events, *("undelivered" for _ in deliveries), *replies, *files]


async def each_reply_ended_and_none_was_sent_twice(shop: Shop) -> None:
    sent = Counter(row["body"]["biz_opaque_callback_data"] for row in await shop.sent())
    assert set(sent.values()) == {1}, "sent twice"
    for row in await outbound(shop.tenant):
        if row["status"] == "failed":
            assert (row["error"]["code"], sent[str(row["id"])]) == ("outcome_unknown", 0)
        else:
            assert (row["status"], sent[str(row["id"])]) == ("read", 1)


async def lies_whole_in_the_bucket(message: DictRow, raw: bytes, project: Project, http: httpx.AsyncClient) -> None:
    stored = await served(project, http, message["media_path"])
    assert hashlib.sha256(stored.content).digest() == hashlib.sha256(raw).digest()
