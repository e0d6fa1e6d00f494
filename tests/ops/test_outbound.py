"""`wabase outbound`: what waits or failed, why, once more, and numbers that stop and go on."""

from __future__ import annotations

from uuid import uuid4

import pytest

from ops.explained import in_words
from tests.flows.tenant import Tenant
from tests.ops.conftest import wabase

WORDS, PHONE = "a word to be kept", "972541112222"
REASONS = {
    "ended": {"status": "failed", "error": {"code": 131026, "title": "Undeliverable", "remedy": "Correct it."}},
    "uncertain": {"code": "uncertain", "title": "x"},
    "sending": None,
    "connection_paused": {"status_reason": "payment", "error": {"code": 131042, "title": "Payment"}},
    "connection_disconnected": {},
    "scheduled": None,
    "order": {"behind": "another", "status": "sending"},
    "retry": {"code": 131016, "title": "Overloaded"},
    "pair_rate": None,
    "number_rate": {"ahead": 7, "messages_per_second": 80},
    "ready": {"ahead": 0, "messages_per_second": 80},
}


async def _queued(tenant: Tenant, count: int = 3) -> list[str]:
    """Messages in one conversation, none of them claimed: no worker runs here."""
    return await tenant.queue_all(await tenant.conversation(PHONE), *[f"{WORDS} {place}" for place in range(count)])


async def _fail(tenant: Tenant, *message_ids: str) -> None:
    await tenant.rows("delete from outbox where message_id = any (%(ids)s)", ids=list(message_ids))
    await tenant.rows(
        "update messages set status = 'failed', failed_at = now(),"
        ' error = \'{"code": 131026, "title": "Undeliverable", "class": "PERMANENT"}\' where id = any (%(ids)s)',
        ids=list(message_ids),
    )


async def test_what_waits_is_listed_oldest_first_then_what_failed_without_words_or_phones(tenant: Tenant) -> None:
    failed, *waiting = await _queued(tenant)
    await _fail(tenant, failed)
    answer = await wabase("outbound", "list", "--number", tenant.phone_number_id)
    lines = [line.split() for line in answer.said.splitlines()[1:]]
    assert (answer.status, [line[0] for line in lines]) == (0, [*waiting, failed])
    assert [line[2:] for line in lines[1:]] == [
        [tenant.phone_number_id, "text", "queued", "0", "-"],
        [tenant.phone_number_id, "text", "failed", "-", "131026", "PERMANENT"],
    ]
    in_full = await wabase("outbound", "list", "--number", tenant.phone_number_id, "--json")
    assert [row["id"] for row in in_full.json] == [*waiting, failed]
    for said in (answer.said, in_full.said):
        assert WORDS not in said
        assert PHONE not in said


async def test_a_list_can_be_narrowed(tenant: Tenant) -> None:
    failed, first, second = await _queued(tenant)
    await _fail(tenant, failed)
    number = ("--number", tenant.phone_number_id, "--json")

    async def listed(*options: str) -> list[str]:
        return [row["id"] for row in (await wabase("outbound", "list", *number, *options)).json]

    assert await listed("--status", "failed") == [failed]
    assert await listed("--status", "queued") == [first, second]
    assert await listed("--status", "uncertain") == []
    assert await listed("--status", "canceled") == []
    assert await listed("--limit", "1") == [first]
    assert await listed("--since", "2020-01-01") == [first, second, failed]
    assert await listed("--since", "2020-01-01", "--until", "2020-01-02") == []
    assert (await wabase("outbound", "list", "--number", "0")).said.splitlines()[1:] == []
    assert (await wabase("outbound", "list", "--status", "read")).status == 2


async def test_a_message_says_why_it_waits(tenant: Tenant) -> None:
    head, follower, *_ = await _queued(tenant)
    ready = await wabase("outbound", "explain", head)
    assert (ready.status, ready.said.splitlines()[0].split()) == (0, ["reason", "ready"])
    behind = await wabase("outbound", "explain", follower)
    assert f"It waits for {head} of the same conversation, which is queued." in behind.said
    assert (await wabase("outbound", "explain", follower, "--json")).json == {
        "reason": "order",
        "until": None,
        "detail": {"behind": head, "status": "queued"},
    }
    unknown = str(uuid4())
    nobody = await wabase("outbound", "explain", unknown)
    assert (nobody.status, nobody.complained) == (1, f"There is no message {unknown}.\n")
    assert (await wabase("outbound", "explain", "4711")).status == 2


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_its_words(reason: str) -> None:
    words = in_words({"reason": reason, "until": None, "detail": REASONS[reason]})
    assert words.endswith(".")
    assert "None" not in words


async def test_what_failed_is_queued_once_more_and_what_has_not_is_said_so(tenant: Tenant) -> None:
    first, second, waiting = await _queued(tenant)
    await _fail(tenant, first, second)
    answer = await wabase("outbound", "retry", first, second, first)
    assert (answer.status, answer.said, answer.complained) == (0, "2 messages queued once more.\n", "")
    assert [row["status"] for row in (await tenant.messages())[1:]] == ["queued"] * 3
    unknown = str(uuid4())
    refused = await wabase("outbound", "retry", waiting, unknown)
    assert (refused.status, refused.said) == (1, "0 messages queued once more.\n")
    assert refused.complained.splitlines() == [
        f"Message {waiting} has not failed; `wabase outbound explain {waiting}` says how it stands.",
        f"There is no message {unknown}, or its conversation is gone.",
    ]
    as_json = await wabase("outbound", "retry", waiting, "--json")
    assert (as_json.status, as_json.json) == (1, {"queued": [], "refused": [waiting]})
    assert (await wabase("outbound", "retry")).status == 2


async def test_after_the_24_hours_only_templates_are_tried_again(tenant: Tenant) -> None:
    (message_id,) = await _queued(tenant, 1)
    await _fail(tenant, message_id)
    await tenant.rows("update conversations set window_expires_at = now() where workspace_id = %(workspace)s")
    answer = await wabase("outbound", "retry", message_id)
    assert answer.status == 1
    assert "24 hours" in answer.complained
    assert (await tenant.message(message_id))["status"] == "failed"


async def test_a_number_is_paused_and_goes_on(tenant: Tenant) -> None:
    (message_id,) = await _queued(tenant, 1)
    paused = await wabase("outbound", "pause", tenant.phone_number_id, "--reason", "moving house")
    assert (paused.status, paused.said) == (0, f"{tenant.phone_number_id} is paused.\n")
    why = await wabase("outbound", "explain", message_id)
    assert "connection_paused" in why.said
    assert "Its number is paused (moving house)." in why.said
    resumed = await wabase("outbound", "resume", tenant.phone_number_id, "--json")
    assert (resumed.status, resumed.json) == (
        0,
        {"number": tenant.phone_number_id, "status": "active", "status_reason": None},
    )
    assert (await wabase("outbound", "explain", message_id, "--json")).json["reason"] == "ready"


async def test_a_number_that_nobody_has_connected_is_neither_paused_nor_resumed(tenant: Tenant) -> None:
    for command in ("pause", "resume"):
        answer = await wabase("outbound", command, "0")
        assert answer.status == 1
        assert answer.complained.startswith("There is no number 0, or it is disconnected.\n")
        assert (await wabase("outbound", command)).status == 2
    await tenant.rows("update whatsapp_connections set status = 'disconnected' where id = %(connection)s")
    assert (await wabase("outbound", "resume", tenant.phone_number_id)).status == 1
    assert (await tenant.rows("select status from whatsapp_connections where id = %(connection)s"))[0] == {
        "status": "disconnected"
    }
