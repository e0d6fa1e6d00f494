"""As much as Meta puts into one body, a thousand updates in 3 MB: what is good becomes rows, what is bad is named."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, phones
from tests.webhook.posting import post, post_signed, text_from_customer
from tests.whatsapp.payload import payload

UPDATES = 500
MEGABYTE = 1_000_000
# As long as WhatsApp takes a text, and nearly two bytes a letter.
WORDS = "שלום " * 800
ENDLESS = "9" * 513

# What is done to which item, and what is said of it.
BAD_MESSAGES: dict[int, tuple[Any, str]] = {
    0: ({"id": None}, "has no id"),
    7: ({"from": ""}, "names nobody"),
    100: ({"id": ENDLESS}, "id is longer than 512 characters"),
    101: ({"from": ENDLESS}, "from is longer than 512 characters"),
    250: ({"type": "image", "image": {"id": ENDLESS}}, "its media id is longer than 512 characters"),
    499: ("a word", "is not an object"),
}
BAD_STATUSES: dict[int, tuple[Any, str]] = {
    0: ({"id": None}, "has no id or no status"),
    250: ({"status": ""}, "has no id or no status"),
    498: ({"status": ENDLESS}, "status is longer than 512 characters"),
    499: (None, "is not an object"),
}


def spoilt(items: list[Any], bad: dict[int, tuple[Any, str]]) -> list[Any]:
    for place, (change, _) in bad.items():
        items[place] = items[place] | change if isinstance(change, dict) else change
    return items


async def test_a_thousand_updates_in_three_megabytes_are_rows_but_for_the_bad_which_are_named(
    webhook: Program, tenant: Tenant
) -> None:
    body = text_from_customer(tenant)
    value = body["entry"][0]["changes"][0]["value"]
    customers = phones(100)
    value["contacts"] = [{"wa_id": phone, "profile": {"name": f"Customer {phone}"}} for phone in customers]
    (text,) = value["messages"]
    del text["from_user_id"]
    messages = [
        text | {"id": f"wamid.{place}", "from": customers[place % 100], "text": {"body": f"{place} {WORDS}"}}
        for place in range(UPDATES)
    ]
    statuses = [{"id": f"ours.{place}", "status": "read", "timestamp": "1794132000"} for place in range(UPDATES)]
    value |= {"messages": spoilt(messages, BAD_MESSAGES), "statuses": spoilt(statuses, BAD_STATUSES)}
    raw = json.dumps(body, ensure_ascii=False).encode()
    assert 3 * MEGABYTE < len(raw) < 4 * MEGABYTE

    assert await post(webhook, tenant, raw) == 200
    (event,) = await tenant.until_events("failed", within=30)
    assert event["error"].split("\n") == [
        *(f"change 0 message {place}: {reason}" for place, (_, reason) in BAD_MESSAGES.items()),
        *(f"change 0 status {place}: {reason}" for place, (_, reason) in BAD_STATUSES.items()),
    ]
    assert event["kinds"] == ["messages.text", "statuses.read"]
    assert [(row["wamid"], row["wa_id"], row["content"], row["profile_name"]) for row in await tenant.messages()] == [
        (message["id"], message["from"], message["text"], f"Customer {message['from']}")
        for place, message in sorted(enumerate(messages), key=lambda numbered: f"wamid.{numbered[0]}")
        if place not in BAD_MESSAGES
    ]
    reports = await tenant.rows("select wamid, status from message_statuses where workspace_id = %(workspace)s")
    assert {(row["wamid"], row["status"]) for row in reports} == {
        (f"ours.{place}", "read") for place in range(UPDATES) if place not in BAD_STATUSES
    }


# Random, since what repeats is pressed until an index takes it; and more different words than a tsvector holds.
UNINDEXED = secrets.token_hex(3000)
DIFFERENT = " ".join(secrets.token_hex(8) for _ in range(80_000))


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"id": UNINDEXED}, "the id of its WABA is longer than 512 characters"),
        ({"metadata": {"phone_number_id": UNINDEXED}}, "the id of its number is longer than 512 characters"),
        ({"message_template_name": UNINDEXED}, "message_template_name is longer than 512 characters"),
        ({"message_template_language": UNINDEXED}, "message_template_language is longer than 512 characters"),
    ],
    ids=["WABA", "number", "template", "language"],
)
async def test_what_no_index_takes_is_named_and_its_neighbours_are_rows(
    webhook: Program, tenant: Tenant, entry: dict[str, Any], reason: str
) -> None:
    body, bad = text_from_customer(tenant), payload("template_update")["entry"][0] | {"id": tenant.waba_id}
    if "id" in entry:
        bad |= entry
    else:
        bad["changes"][0]["value"] |= entry
    body["entry"].append(bad)
    assert await post_signed(webhook, json.dumps(body).encode()) == 200
    (event,) = await tenant.until_events("failed")
    assert event["error"] == f"change 1: {reason}"
    assert [message["content"] for message in await tenant.messages()] == [{"body": "hello"}]
    assert await tenant.rows("select 1 from message_templates where workspace_id = %(workspace)s") == []


async def test_more_words_than_can_be_searched_are_kept_all_the_same(webhook: Program, tenant: Tenant) -> None:
    body = text_from_customer(tenant, DIFFERENT)
    value = body["entry"][0]["changes"][0]["value"]
    value["contacts"][0]["profile"]["name"] = DIFFERENT
    assert await post(webhook, tenant, body) == 200
    await tenant.until_events("processed")
    (message,) = await tenant.messages()
    assert (message["content"], message["profile_name"]) == ({"body": DIFFERENT}, DIFFERENT)
