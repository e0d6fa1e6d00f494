"""Promise 2 as a property: whatever the order, the repetition and the batching, the same rows."""

from __future__ import annotations

import itertools
import json
import os
import random
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from whatsapp.envelope import Endpoint
from whatsapp.normalise import normalise

START = 1_760_000_000
PHONES = ("972501111111", "5511987654321", "551187654321", "972502222222")
BSUIDS = ("IL.aaa", "BR.bbb", "IL.ccc")
numbers = itertools.count(random.randrange(10**9) * 1000)

Body = dict[str, Any]


def connect() -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(os.environ["SUPABASE_DB_URL"], row_factory=dict_row, autocommit=True)


people = st.sampled_from(
    [
        {"from": PHONES[0], "from_user_id": BSUIDS[0]},
        {"from": PHONES[0]},
        {"from_user_id": BSUIDS[0]},
        {"from": PHONES[1]},
        {"from": PHONES[2], "from_user_id": BSUIDS[1]},
        {"from_user_id": BSUIDS[1]},
        {"from": PHONES[3]},
        {"from_user_id": BSUIDS[2]},
    ]
)
contents = st.sampled_from(
    [
        {"type": "text", "text": {"body": "shalom"}},
        {"type": "text", "text": {"body": "again"}},
        {"type": "image", "image": {"id": "m1", "mime_type": "image/png", "caption": "see"}},
        {"type": "location", "location": {"latitude": 32.1, "longitude": 34.8, "name": "Haifa"}},
        {"type": "reaction", "reaction": {"message_id": "wamid.1", "emoji": "👍"}},
        {"type": "revoke", "revoke": {"original_message_id": "wamid.0"}},
        {
            "type": "edit",
            "edit": {"original_message_id": "wamid.0", "message": {"type": "text", "text": {"body": "new"}}},
        },
        {"type": "brand_new", "brand_new": {"x": 1}},
    ]
)
changes = st.sampled_from(
    [
        {"known": (PHONES[0], BSUIDS[0]), "to": (PHONES[3], None)},
        {"known": (None, BSUIDS[0]), "to": (None, BSUIDS[2])},
    ]
)


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, Body]]:
    """A conversation as webhook changes. Every message has its own second, so order is decidable."""
    told: list[tuple[str, Body]] = []
    for place, (who, what) in enumerate(draw(st.lists(st.tuples(people, contents), min_size=1, max_size=7))):
        message = {"id": f"wamid.{place}", "timestamp": str(START + place), **who, **what}
        profile = {
            "wa_id": who.get("from"),
            "user_id": who.get("from_user_id"),
            "profile": {"name": f"Name {place % 3}"},
        }
        told.append(("messages", {"contacts": [profile], "messages": [message]}))
    for place, status in enumerate(
        draw(st.lists(st.sampled_from(["sent", "delivered", "read", "failed"]), max_size=3))
    ):
        told.append(
            ("messages", {"statuses": [{"id": "echo.0", "status": status, "timestamp": str(START + 100 + place)}]})
        )
    if draw(st.booleans()):
        echo = {
            "id": "echo.0",
            "from": "1",
            "to": PHONES[0],
            "timestamp": str(START + 50),
            "type": "text",
            "text": {"body": "e"},
        }
        told.append(("smb_message_echoes", {"message_echoes": [echo]}))
    for place, change in enumerate(draw(st.lists(changes, max_size=1))):
        (phone, bsuid), (new_phone, new_bsuid) = change["known"], change["to"]
        system = {"type": "user_changed", "wa_id": new_phone, "user_id": new_bsuid, "previous_user_id": bsuid}
        message = {"id": f"system.{place}", "timestamp": str(START + 200), "type": "system", "system": system}
        message |= {key: value for key, value in (("from", phone), ("from_user_id", bsuid)) if value}
        told.append(("messages", {"messages": [message]}))
    return told + draw(st.lists(asides, max_size=3, unique_by=str))


def _past(wamid: str, second: int, phone: str, how_far: str | None = None) -> tuple[str, Body]:
    """A message out of the phone's history; with `how_far` one of ours."""
    message = {"id": wamid, "timestamp": str(START + second), "type": "text", "text": {"body": "e"}}
    message |= {"from": phone} if how_far is None else {"from": "1", "to": phone}
    context = {"history_context": {"status": how_far or "READ"}}
    return "history", {"history": [{"threads": [{"id": phone, "messages": [message | context]}]}]}


# What comes beside the conversation: facts, the phone's history and address book, a group. Each with its own second.
asides = st.sampled_from(
    [
        (
            "user_id_update",
            {
                "user_id_update": [
                    {
                        "wa_id": PHONES[0],
                        "user_id": {"previous": BSUIDS[0], "current": "IL.new"},
                        "timestamp": START + 300,
                    }
                ]
            },
        ),
        (
            "user_preferences",
            {
                "user_preferences": [
                    {"wa_id": PHONES[0], "category": "marketing_messages", "value": "stop", "timestamp": START + 301}
                ]
            },
        ),
        (
            "user_preferences",
            {
                "user_preferences": [
                    {
                        "user_id": BSUIDS[0],
                        "category": "marketing_messages",
                        "value": "resume",
                        "timestamp": START + 302,
                    }
                ]
            },
        ),
        (
            "smb_app_state_sync",
            {
                "state_sync": [
                    {
                        "type": "contact",
                        "action": "add",
                        "metadata": {"timestamp": START + 303},
                        "contact": {"full_name": "Dana of the phone", "phone_number": PHONES[3]},
                    }
                ]
            },
        ),
        (
            "message_template_status_update",
            {
                "event": "APPROVED",
                "message_template_id": 7,
                "message_template_name": "hi",
                "message_template_language": "he",
            },
        ),
        ("account_review_update", {"decision": "APPROVED"}),
        _past("past.1", -5, PHONES[3]),
        _past("echo.0", 50, PHONES[0], "DELIVERED"),
        (
            "messages",
            {
                "messages": [
                    {
                        "id": "group.1",
                        "timestamp": str(START + 60),
                        "group_id": "g1",
                        "from": PHONES[1],
                        "type": "text",
                        "text": {"body": "all"},
                    }
                ]
            },
        ),
        (
            "messages",
            {
                "messages": [
                    {
                        "id": "parent.1",
                        "timestamp": str(START + 61),
                        "from_user_id": BSUIDS[2],
                        "from_parent_user_id": "IL.ENT.1",
                        "type": "text",
                        "text": {"body": "p"},
                    }
                ]
            },
        ),
        (
            "messages",
            {
                "messages": [
                    {
                        "id": "parent.2",
                        "timestamp": str(START + 62),
                        "from": PHONES[3],
                        "from_parent_user_id": "IL.ENT.1",
                        "type": "text",
                        "text": {"body": "q"},
                    }
                ]
            },
        ),
    ]
)


def record(db: psycopg.Connection[dict[str, Any]], number: str, batches: list[list[tuple[str, Body]]]) -> None:
    insert = (
        "insert into webhook_events (provider, body, received_at) values ('meta', %s, to_timestamp(%s)) returning id"
    )
    for batch in batches:
        results = []
        for field, told in batch:
            value = {"metadata": {"phone_number_id": number}, **told}
            body = {"entry": [{"id": f"waba{number}", "changes": [{"field": field, "value": value}]}]}
            row = db.execute(insert, [json.dumps(body), START]).fetchone()
            assert row is not None
            results.append(normalise(row["id"], Endpoint("meta"), body))
        parts = (
            [r.event() for r in results],
            *([x for r in results for x in getattr(r, part)] for part in ("messages", "statuses", "facts")),
        )
        db.execute("select record_inbound(%s, %s, %s, null, %s)", [json.dumps(part) for part in parts])


def rows(db: psycopg.Connection[dict[str, Any]], number: str) -> dict[str, Any]:
    """Everything but ids and arrival numbers, threads told apart by the messages in them."""
    one = "(select id from whatsapp_connections where phone_number_id = %(number)s)"
    queries = {
        "messages": f"""select wamid, type, content, status, reply_to_wamid, occurred_at, edited_at, revoked_at,
            original_content, direction, imported, media_status, sent_at, delivered_at, read_at, error
            from messages where connection_id = {one} order by wamid""",
        "threads": f"""select phone, bsuid, status, unread_count, last_customer_message_at, window_expires_at,
            last_message_at, last_message_preview, last_message_direction,
            (select array_agg(wamid order by wamid) from messages where conversation_id = c.id) as wamids,
            (select jsonb_build_array(phone_key, bsuid, profile_name) from contacts where id = c.contact_id) as contact
            from conversations c where connection_id = {one} order by wamids""",
        "statuses": f"select wamid, status from message_statuses where connection_id = {one} order by 1, 2",
        "contacts": """select bsuid, phone, profile_name, name, marketing_opted_out_at from contacts
            where workspace_id = (select workspace_id from whatsapp_connections where phone_number_id = %(number)s)
            order by 1, 2""",
        "templates": f"select name, status from message_templates where connection_id = {one}",
        "notices": f"select provider_notices #- '{{account_review_update,value,metadata}}' as notices from whatsapp_connections where id = {one}",
        "drift": f"""select c.unread_count, s.unread_count as unread_truth, c.last_message_preview,
            s.last_message_preview as preview_truth, c.window_expires_at, s.window_expires_at as window_truth,
            c.last_message_at, s.last_message_at as last_truth
            from conversations c, private.stats_of(array[c.id]) s where c.connection_id = {one}
            and (c.unread_count, c.last_message_at, c.last_message_preview, c.window_expires_at)
            is distinct from (s.unread_count, s.last_message_at, s.last_message_preview, s.window_expires_at)""",
        "events": "select state from webhook_events where body::text like '%%waba' || %(number)s || '%%' "
        "and state <> 'processed'",
    }
    return {name: db.execute(query, {"number": number}).fetchall() for name, query in queries.items()}


def play(batches: list[list[tuple[str, Body]]]) -> dict[str, Any]:
    number = str(next(numbers))
    with connect() as db:
        row = db.execute("insert into workspaces (name) values ('any order') returning id").fetchone()
        assert row is not None
        db.execute(
            # Paused: no other test's worker finds anything of it in its queues.
            "insert into whatsapp_connections (workspace_id, phone_number_id, waba_id, status)"
            " values (%s, %s, %s, 'paused')",
            [row["id"], number, f"waba{number}"],
        )
        record(db, number, batches)
        return rows(db, number)


def different(expected: list[Any], found: list[Any]) -> str:
    pairs = itertools.zip_longest(expected, found, fillvalue={})
    return "; ".join(
        f"{key}: {a.get(key)!s} became {b.get(key)!s}"
        for a, b in pairs
        for key in {**a, **b}
        if a.get(key) != b.get(key)
    )


@settings(
    max_examples=int(os.environ.get("ANY_ORDER_EXAMPLES", "40")),
    deadline=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)
@given(stories(), st.randoms(use_true_random=False))
def test_any_order_repetition_and_batching_gives_the_same_rows(
    story: list[tuple[str, Body]], chance: random.Random
) -> None:
    in_order = play([[event] for event in story])
    shuffled = story + chance.sample(story, k=chance.randint(0, len(story)))
    chance.shuffle(shuffled)
    cuts = sorted(chance.randint(0, len(shuffled)) for _ in range(3))
    batches = [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(shuffled)])]
    otherwise = play([batch for batch in batches if batch])
    for kind, expected in in_order.items():
        assert otherwise[kind] == expected, f"{kind}: {different(expected, otherwise[kind])}"
    assert in_order["drift"] == in_order["events"] == []
