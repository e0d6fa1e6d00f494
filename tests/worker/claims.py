"""What the tests of claiming set up and count."""

from __future__ import annotations

from typing import Any

from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, phones

PEOPLE = """
    with thread as (
      insert into conversations (workspace_id, connection_id, phone)
      select %(workspace)s, %(connection)s, phone from unnest(%(phones)s::text[]) as phone returning id
    ), written as (
      insert into messages (workspace_id, connection_id, conversation_id, direction, type, content, wamid)
      select %(workspace)s, %(connection)s, id, 'inbound', 'text', '{"body": "hi"}', 'wamid.in.' || id from thread
    )
    select id from thread"""
EACH = """
    insert into messages (workspace_id, conversation_id, type, content)
    select %(workspace)s, thread, 'text', jsonb_build_object('body', words)
    from unnest(%(threads)s::uuid[], %(words)s::text[]) with ordinality as told (thread, words, place)
    order by place returning id"""
TEMPLATES = """
    insert into messages (workspace_id, conversation_id, type, content)
    select %(workspace)s, thread, 'template', '{"name": "news", "language": {"code": "en_US"}}'
    from unnest(%(threads)s::uuid[]) as thread"""
OWN_REFUSALS = (130429, 131056)


async def allow(shop: Shop, per_second: int, simulated: int | None = None) -> None:
    """What the connection may send, and what WhatsApp lets pass."""
    await shop.business.control("numbers", messages_per_second=simulated or per_second)
    await shop.tenant.rows(
        "update whatsapp_connections set messages_per_second = %(rate)s where id = %(connection)s", rate=per_second
    )


async def people_of(tenant: Tenant, count: int) -> list[str]:
    """Conversations with so many who have just written."""
    return [str(row["id"]) for row in await tenant.rows(PEOPLE, phones=phones(count))]


async def tell(tenant: Tenant, threads: list[str], words: str = "hello") -> list[str]:
    """A text into each of these conversations, all in one statement and in this order."""
    rows = await tenant.rows(EACH, threads=threads, words=[f"{words} {place}" for place in range(len(threads))])
    return [str(row["id"]) for row in rows]


async def template_for(shop: Shop, threads: list[str]) -> None:
    """A campaign."""
    await shop.business.control("templates", name="news", components=[{"type": "BODY", "text": "News"}])
    await shop.tenant.rows(TEMPLATES, threads=threads)


async def refusals(shop: Shop) -> list[dict[str, Any]]:
    """What WhatsApp refused because it came too fast."""
    requests = await shop.business.seen("requests", operation="messages")
    return [row for row in requests if row["error"] in OWN_REFUSALS and "error" not in (row["fault"] or "")]


def most_in_a_second(sent: list[dict[str, Any]]) -> int:
    """The fullest second, wherever it begins."""
    moments = [row["accepted_at"] for row in sent]
    return max(sum(start <= moment < start + 1 for moment in moments) for start in moments)
