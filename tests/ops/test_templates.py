"""`wabase templates`: synced now, listed, and shown with what each has to be sent with; no worker runs here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, digits
from tests.ops.conftest import wabase

HEADER = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["https://scontent.example/a.jpg"]}}
ORDER = [
    HEADER,
    {"type": "BODY", "text": "Hi {{1}},\norder {{2}} is ready", "example": {"body_text": [["Dana", "17"]]}},
    {"type": "FOOTER", "text": "Cohen's"},
    {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"}]},
]
PLAIN = [{"type": "BODY", "text": "News"}]


@pytest.fixture
async def simulator(project: Project) -> AsyncIterator[Simulator]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Simulator(project.provider_url, session)


@pytest.fixture
async def shop(database: Connect, simulator: Simulator) -> Shop:
    return await Shop.new(database, simulator, webhook=None)


async def approve(shop: Shop, name: str = "order_ready", components: Any = None, **fields: Any) -> None:
    await shop.business.control("templates", **{"name": name, "components": components or ORDER, **fields})


async def sync(shop: Shop) -> dict[str, Any]:
    answer = await wabase("templates", "sync", "--number", shop.business.id, "--json")
    assert (answer.status, answer.complained) == (0, "")
    (counts,) = answer.json
    assert counts.pop("number") == shop.business.id
    return counts


async def known(tenant: Tenant) -> list[tuple[str, str]]:
    rows = await tenant.rows("select * from message_templates where connection_id = %(connection)s order by name")
    return [(row["name"], row["status"]) for row in rows]


def told(**counts: int) -> dict[str, Any]:
    return {"listed": 0, "added": 0, "changed": 0, "deleted": 0, "complete": True} | counts


async def test_what_is_new_changed_and_gone_is_counted(shop: Shop) -> None:
    assert await sync(shop) == told()
    await approve(shop)
    await approve(shop, "news", PLAIN)
    assert await sync(shop) == told(listed=2, added=2)
    assert await sync(shop) == told(listed=2)
    await approve(shop, "news", PLAIN, status="PAUSED")
    answer = await shop.business.call("DELETE", "/message_templates", params={"name": "order_ready"})
    assert answer.status == 200
    in_words = await wabase("templates", "sync", "--number", shop.business.id)
    assert in_words.said.splitlines()[1].split() == [shop.business.id, "1", "0", "1", "1"]
    assert await known(shop.tenant) == [("news", "PAUSED"), ("order_ready", "DELETED")]


async def test_three_hundred_templates_come_over_their_pages(shop: Shop) -> None:
    for place in range(240):
        await approve(shop, f"t{place}", PLAIN)
    for place in range(60):
        await approve(shop, f"t{place}", PLAIN, language="he")
    assert await sync(shop) == told(listed=300, added=300)


async def test_a_number_of_metas_is_asked_by_its_account(database: Connect, simulator: Simulator) -> None:
    business = await simulator.business()
    tenant = await Tenant.new(database, business.id, business.waba_id, "meta")
    await tenant.set_credential(business.access_token)
    meta = Shop(tenant, business)
    await approve(meta)
    assert await sync(meta) == told(listed=1, added=1)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"http": 200, "body": "<html>"}, "360dialog answers too late, or what makes no sense"),
        ({"http": 200, "body": {"data": "x"}}, "360dialog answers too late, or what makes no sense"),
        ({"http": 502, "body": "Bad gateway"}, "360dialog answers too late, or what makes no sense"),
        ({"cut": "before"}, "360dialog answers too late, or what makes no sense"),
        ({"error": 80007}, "360dialog is too busy: 80007"),
        ({"error": 190}, "360dialog does not take the key: 190"),
        ({"error": 200, "status": 403}, "does not let this key do it"),
    ],
)
async def test_a_provider_that_fails_changes_nothing_and_is_named(fault: dict[str, Any], said: str, shop: Shop) -> None:
    await approve(shop)
    await sync(shop)
    await shop.business.fault("templates", fault)
    answer = await wabase("templates", "sync", "--number", shop.business.id)
    assert (answer.status, answer.said.splitlines()[1:]) == (4, [])
    assert answer.complained.startswith(f"{shop.business.id}: ")
    assert said in answer.complained
    assert "Traceback" not in answer.complained
    assert shop.business.api_key not in answer.complained
    assert await known(shop.tenant) == [("order_ready", "APPROVED")]


async def test_pages_that_come_twice_take_nothing_for_gone(shop: Shop) -> None:
    await approve(shop, "news", PLAIN)
    await approve(shop, "other", PLAIN)
    await sync(shop)
    item = {"name": "news", "language": "en_US", "status": "APPROVED", "category": "UTILITY", "components": PLAIN}
    paging = {"cursors": {"after": "x"}, "next": "http://next.example/"}
    await shop.business.fault("templates", {"http": 200, "body": {"data": [item], "paging": paging}})
    answer = await wabase("templates", "sync", "--number", shop.business.id, "--json")
    assert (answer.status, answer.json) == (0, [{"number": shop.business.id} | told(listed=1) | {"complete": False}])
    assert "nothing was taken for deleted" in answer.complained
    assert len(await known(shop.tenant)) == 2


async def test_numbers_that_cannot_be_asked_say_what_to_do(tenant: Tenant, shop: Shop) -> None:
    unknown = digits()
    answer = await wabase("templates", "sync", "--number", unknown)
    assert (answer.status, answer.said) == (1, "")
    assert f"There is no number {unknown}" in answer.complained
    keyless = await wabase("templates", "sync", "--number", tenant.phone_number_id)
    assert keyless.status == 1
    assert f"`wabase rotate-key {tenant.phone_number_id}` sets one." in keyless.complained
    await shop.tenant.set_credential("wrong")
    refused = await wabase("templates", "sync", "--number", shop.business.id, "--json")
    assert (refused.status, refused.json[0]["error"]) == (4, refused.complained.strip())
    await tenant.rows("update whatsapp_connections set provider = 'meta', waba_id = null where id = %(connection)s")
    await tenant.set_credential("token")
    nameless = await wabase("templates", "sync", "--number", tenant.phone_number_id)
    assert (nameless.status, "which WhatsApp Business account" in nameless.complained) == (1, True)


async def test_they_are_listed_with_what_each_leaves_open(shop: Shop) -> None:
    await approve(shop, category="MARKETING")
    await approve(shop, "news", PLAIN, language="he", status="PAUSED")
    await sync(shop)
    answer = await wabase("templates", "list", "--number", shop.business.id)
    lines = [line.split(maxsplit=6) for line in answer.said.splitlines()[1:]]
    number = shop.business.id
    assert lines == [
        [number, "news", "he", "PAUSED", "UTILITY", "UNKNOWN", "-"],
        [number, "order_ready", "en_US", "APPROVED", "MARKETING", "UNKNOWN", "header image; body 1, 2; button 0 1"],
    ]
    paused = await wabase("templates", "list", "--number", number, "--status", "paused", "--json")
    assert [(row["name"], row["variables"], row["content"]["language"]) for row in paused.json] == [
        ("news", [], {"code": "he"})
    ]
    assert (await wabase("templates", "list", "--number", digits(), "--json")).json == []


async def test_one_is_shown_with_the_row_that_sends_it(shop: Shop) -> None:
    await approve(shop)
    await sync(shop)
    answer = await wabase("templates", "show", "order_ready", "--number", shop.business.id)
    assert (answer.status, answer.complained) == (0, "")
    assert "Hi {{1}}, order {{2}} is ready" in answer.said
    assert [line.split() for line in answer.said.splitlines() if "body " in line and "Hi" not in line][:2] == [
        ["1", "body", "text", "Dana"],
        ["2", "body", "text", "17"],
    ]
    # What it says is what one runs.
    statement = answer.said[answer.said.index("insert into messages") :]
    conversation_id = await shop.tenant.conversation()
    await shop.tenant.rows(statement.replace("<conversation id>", conversation_id).replace("<body 1>", "Cohen''s"))
    (row,) = await shop.tenant.rows(
        "select content from messages where conversation_id = %(id)s and type = 'template'", id=conversation_id
    )
    sent = await shop.business.send("972501234567", row["content"], "template")
    assert sent.status == 200, sent.body


async def test_one_that_cannot_be_sent_or_is_not_known_says_so(shop: Shop) -> None:
    await approve(shop, "news", PLAIN, status="REJECTED")
    await sync(shop)
    rejected = await wabase("templates", "show", "news", "--number", shop.business.id)
    assert "It cannot be sent while it is REJECTED." in rejected.said
    shown = await wabase("templates", "show", "news", "--language", "en_US", "--number", shop.business.id, "--json")
    assert shown.json[0]["content"] == {"name": "news", "language": {"code": "en_US"}}
    unknown = await wabase("templates", "show", "news", "--language", "xx", "--number", shop.business.id)
    assert (unknown.status, unknown.said) == (1, "")
    assert unknown.complained.startswith("No template news in xx is known. `wabase templates sync`")
    assert (await wabase("templates", "show")).status == 2
