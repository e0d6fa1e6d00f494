"""Promise 2 as a property: however events are ordered, repeated and batched, the same rows are left."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.conftest import Connect
from tests.store.tenant import UNTRUE, Row, Session, Tenant, backend_sessions, call, rows

START = datetime(2026, 11, 1, tzinfo=UTC)
TYPES = ("text", "image", "reaction", "unsupported", "system")
STATUSES = ("sent", "delivered", "read", "played", "failed", "warned")
OURS = 4


@dataclass(frozen=True)
class Person:
    """One user as WhatsApp may show them: always by the phone or always by the user id, the other now and then."""

    phone: str
    bsuid: str
    by_phone: bool

    def identifiers(self, both: bool) -> Row:
        if both:
            return {"wa_id": self.phone, "bsuid": self.bsuid}
        return {"wa_id": self.phone if self.by_phone else None, "bsuid": None if self.by_phone else self.bsuid}


people = st.lists(st.booleans(), min_size=1, max_size=3).map(
    lambda kinds: [Person(f"97250000000{n}", f"IL.user{n}", by_phone) for n, by_phone in enumerate(kinds)]
)


@st.composite
def conversations(draw: st.DrawFn) -> list[Row]:
    """Messages at different seconds, and reports about messages of ours, known by wamid or by our echoed id."""
    persons = draw(people)
    seconds = draw(st.lists(st.integers(0, 90_000), unique=True, min_size=1, max_size=8))
    messages = [
        {
            "kind": "message",
            "wamid": f"wamid.{second}",
            "second": second,
            "type": draw(st.sampled_from(TYPES)),
            **draw(st.sampled_from(persons)).identifiers(draw(st.booleans())),
        }
        for second in seconds
    ]
    reports = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "kind": st.just("status"),
                    "ours": st.integers(0, OURS - 1),
                    "status": st.sampled_from(STATUSES),
                    "participant": st.sampled_from(["", "", "one", "two"]),
                }
            ),
            max_size=8,
        )
    )
    return messages + reports


@st.composite
def deliveries(draw: st.DrawFn, items: list[Row]) -> list[list[Row]]:
    """Every item at least once, in some order, some twice, in some batches."""
    again = draw(st.lists(st.sampled_from(items), max_size=len(items)))
    ordered = draw(st.permutations(items + again))
    cuts = sorted(draw(st.lists(st.integers(0, len(ordered)), max_size=4)))
    return [ordered[start:end] for start, end in zip([0, *cuts], [*cuts, len(ordered)], strict=True)]


stories = conversations().flatmap(lambda items: st.tuples(st.just(items), deliveries(items)))


async def _deliver(session: Session, batches: list[list[Row]]) -> tuple[Tenant, list[Row]]:
    tenant = await Tenant.create(session)
    await tenant.rest(session)
    thread = await tenant.thread(session, "4915100000000")
    ours = [str(await tenant.queue(session, thread, f"ours {n}")) for n in range(OURS)]
    for batch in batches:
        messages = [_message(tenant, item) for item in batch if item["kind"] == "message"]
        statuses = [_status(tenant, item, ours) for item in batch if item["kind"] == "status"]
        await call(session, "record_inbound", [], messages, statuses)
    return tenant, await _left(session, tenant)


def _message(tenant: Tenant, item: Row) -> Row:
    media = {"media_id": item["wamid"]} if item["type"] == "image" else {}
    at = (START + timedelta(seconds=item["second"])).isoformat()
    fields = {"bsuid": item["bsuid"], "type": item["type"], "occurred_at": at}
    return tenant.message(item["wamid"], item["wa_id"], **fields, **media)


def _status(tenant: Tenant, item: Row, ours: list[str]) -> Row:
    at = (START + timedelta(seconds=STATUSES.index(item["status"]))).isoformat()
    number = item["ours"]
    return tenant.status(
        f"wamid.ours.{number}",
        item["status"],
        participant=item["participant"],
        occurred_at=at,
        callback_data=ours[number],
        errors=[{"code": 131000}] if item["status"] == "failed" else None,
    )


# Everything a person or a frontend could see, by names that two tenants share.
LEFT = {
    "threads": """
        select phone, bsuid, status, unread_count, last_customer_message_at, window_expires_at, last_message_at,
          last_message_preview, last_message_direction,
          (select phone from public.contacts where id = contact_id) as contact
        from public.conversations where workspace_id = %s and phone is distinct from '4915100000000'
        order by phone, bsuid""",
    "messages": """
        select message.wamid, type, content, message.status, occurred_at, media_status, thread.phone, thread.bsuid,
          exists (select from public.media_downloads where message_id = message.id) as waits
        from public.messages as message join public.conversations as thread on thread.id = conversation_id
        where message.workspace_id = %s and direction = 'inbound' and thread.phone is distinct from '4915100000000'
        order by wamid""",
    "ours": """
        select wamid, status, delivered_at, read_at, played_at, failed_at, sent_at, error, content,
          exists (select from public.outbox where message_id = message.id) as queued
        from public.messages as message where workspace_id = %s and direction = 'outbound' order by seq""",
    "reports": """
        select wamid, status, participant, occurred_at, errors from public.message_statuses where workspace_id = %s
        order by wamid, status, participant""",
    "contacts": "select phone, profile_name from public.contacts where workspace_id = %s order by phone",
}


async def _left(session: Session, tenant: Tenant) -> list[Row]:
    assert await rows(session, UNTRUE, tenant.workspace_id) == []
    return [{name: await rows(session, query, tenant.workspace_id)} for name, query in LEFT.items()]


@given(story=stories)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_order_repetition_and_batching_leaves_the_same_rows(
    story: tuple[list[Row], list[list[Row]]], database: Connect
) -> None:
    items, batches = story
    async with backend_sessions(database, 1) as (session,):
        _, expected = await _deliver(session, [[item] for item in items])
        tenant, left = await _deliver(session, batches)
        assert left == expected
        # And once more, all of it, backwards: nothing moves.
        await _again(session, tenant, items[::-1])
        assert await _left(session, tenant) == expected


async def _again(session: Session, tenant: Tenant, items: list[Row]) -> None:
    found = await rows(
        session,
        "select id::text from public.messages where workspace_id = %s and direction = 'outbound' order by seq",
        tenant.workspace_id,
    )
    ours = [row["id"] for row in found]
    messages = [_message(tenant, item) for item in items if item["kind"] == "message"]
    statuses = [_status(tenant, item, ours) for item in items if item["kind"] == "status"]
    await call(session, "record_inbound", [], messages, statuses)


async def test_a_thousand_messages_are_the_same_in_one_batch_and_in_many(database: Connect) -> None:
    generator = random.Random(7)
    items: list[dict[str, Any]] = [
        {
            "kind": "message",
            "wamid": f"wamid.{second}",
            "second": second,
            "type": TYPES[second % len(TYPES)],
            "wa_id": f"9725000{second % 90:05}",
            "bsuid": f"IL.{second % 90}" if second % 3 == 0 else None,
        }
        for second in range(1000)
    ]
    shuffled = generator.sample(items, len(items))
    async with backend_sessions(database, 1) as (session,):
        _, expected = await _deliver(session, [items])
        _, left = await _deliver(session, [shuffled[start : start + 37] for start in range(0, 1000, 37)])
    assert left == expected
