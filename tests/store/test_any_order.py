"""Promise 2 as a property: whatever the order, the repetition and the batching, the same rows."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from tests.store.stories import START, Body, stories
from whatsapp.envelope import Endpoint
from whatsapp.normalise import normalise, together

Event = tuple[str, Body]
# A webhook's body: its entries, each of its changes.
Told = list[list[Event]]
Batches = list[list[Told]]

numbers = itertools.count(random.randrange(10**9) * 1000)


def connect() -> psycopg.Connection[dict[str, Any]]:
    return psycopg.connect(os.environ["SUPABASE_DB_URL"], row_factory=dict_row, autocommit=True)


def record(db: psycopg.Connection[dict[str, Any]], number: str, batches: Batches) -> None:
    insert = (
        "insert into webhook_events (provider, body, received_at) values ('meta', %s, to_timestamp(%s)) returning id"
    )
    for batch in batches:
        results = []
        for entries in batch:
            body = {"entry": [{"id": f"waba{number}", "changes": _changes(entry, number)} for entry in entries]}
            row = db.execute(insert, [json.dumps(body), START]).fetchone()
            assert row is not None
            results.append(normalise(row["id"], Endpoint("meta"), body))
        parts = (
            together(results),
            *([x for r in results for x in getattr(r, part)] for part in ("messages", "statuses", "facts")),
        )
        insist(db, [json.dumps(part) for part in parts])


def _changes(entry: list[Event], number: str) -> list[Body]:
    metadata = {"phone_number_id": number}
    return [{"field": field, "value": {"metadata": metadata, **told}} for field, told in entry]


def insist(db: psycopg.Connection[dict[str, Any]], parts: list[str]) -> None:
    """A recording that has waited too long for its turn is tried again, as receivers do."""
    while True:
        with contextlib.suppress(psycopg.errors.LockNotAvailable):
            db.execute("select record_inbound(%s, %s, %s, null, %s)", parts)
            return


def rows(db: psycopg.Connection[dict[str, Any]], number: str) -> dict[str, Any]:
    """Everything but ids and arrival numbers, threads told apart by the messages in them."""
    one = "(select id from whatsapp_connections where phone_number_id = %(number)s)"
    queries = {
        "messages": f"""select wamid, type, content, status, reply_to_wamid, occurred_at, edited_at, revoked_at,
            original_content, direction, imported, sent_at, delivered_at, read_at, played_at, failed_at, error,
            wa_id, bsuid, profile_name, media_id, media_mime_type, media_status
            from messages where connection_id = {one} order by wamid""",
        "threads": f"""select phone, bsuid, status, unread_count, last_customer_message_at, window_expires_at,
            last_message_at, last_message_preview, last_message_direction,
            (select array_agg(wamid order by wamid) from messages where conversation_id = c.id) as wamids,
            (select jsonb_build_array(phone_key, bsuid, profile_name) from contacts where id = c.contact_id) as contact
            from conversations c where connection_id = {one} order by wamids""",
        "files": f"""select message.wamid, file.media_id from media_downloads file join messages message
            on message.id = file.message_id where file.connection_id = {one} order by 1""",
        "statuses": f"""select wamid, status, participant, occurred_at, callback_data, errors, error, details
            from message_statuses where connection_id = {one} order by 1, 2, 3""",
        "contacts": """select bsuid, phone, profile_name, name, marketing_opted_out_at from contacts
            where workspace_id = (select workspace_id from whatsapp_connections where phone_number_id = %(number)s)
            order by 1, 2""",
        "templates": f"select name, status from message_templates where connection_id = {one}",
        "notices": f"""select provider_notices #- '{{account_review_update,value,metadata}}' as notices
            from whatsapp_connections where id = {one}""",
        "drift": f"""select c.unread_count, s.unread_count as unread_truth, c.last_message_preview,
            s.last_message_preview as preview_truth, c.window_expires_at, s.window_expires_at as window_truth,
            c.last_message_at, s.last_message_at as last_truth
            from conversations c, private.stats_of(array[c.id]) s where c.connection_id = {one}
            and (private.places_of(c), c.unread_count, c.last_message_at, c.last_message_preview, c.window_expires_at)
            is distinct from (1, s.unread_count, s.last_message_at, s.last_message_preview, s.window_expires_at)""",
        "events": "select state from webhook_events where body::text like '%%waba' || %(number)s || '%%' "
        "and state <> 'processed'",
    }
    return {name: db.execute(query, {"number": number}).fetchall() for name, query in queries.items()}


def new_number() -> str:
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
    return number


def play(*replicas: Batches) -> dict[str, Any]:
    """What is left when each replica has recorded its batches, one after the other and all replicas at once."""
    number, ready = new_number(), threading.Barrier(len(replicas))

    def work(batches: Batches) -> None:
        with connect() as db:
            ready.wait()
            record(db, number, batches)

    with ThreadPoolExecutor(len(replicas)) as pool:
        # A deadlock would be raised here.
        list(pool.map(work, replicas))
    with connect() as db:
        return rows(db, number)


def different(expected: list[Any], found: list[Any]) -> str:
    pairs = itertools.zip_longest(expected, found, fillvalue={})
    return "; ".join(
        f"{key}: {a.get(key)!s} became {b.get(key)!s}"
        for a, b in pairs
        for key in {**a, **b}
        if a.get(key) != b.get(key)
    )


def one_by_one(story: list[Event]) -> Batches:
    return [[[[event]]] for event in story]


def told_again(story: list[Event], chance: random.Random) -> Batches:
    """All of it in any order, some of it twice, in any bodies and batches."""
    shuffled = story + chance.sample(story, k=chance.randint(0, len(story)))
    chance.shuffle(shuffled)
    cuts = sorted(chance.randint(0, len(shuffled)) for _ in range(3))
    batches = [shuffled[a:b] for a, b in itertools.pairwise([0, *cuts, len(shuffled)])]
    return [in_bodies(batch, chance) for batch in batches if batch]


def in_bodies(events: list[Event], chance: random.Random) -> list[Told]:
    """Events as WhatsApp may group them: into bodies of several entries, of several changes, of several items."""
    bodies: list[Told] = []
    for event in events:
        beside = chance.choice(("a body", "an entry", "a change", "an item")) if bodies else "a body"
        if beside == "a body":
            bodies.append([[event]])
        elif beside == "an entry":
            bodies[-1].append([event])
        elif beside == "an item" and (joined := in_one(bodies[-1][-1][-1], event)):
            bodies[-1][-1][-1] = joined
        else:
            bodies[-1][-1].append(event)
    return bodies


def in_one(first: Event, second: Event) -> Event | None:
    """Two changes as one with the items of both; None where they are not made of lists, or would say something else.

    What `contacts` tells of a person holds for every message of the change: each person is told of once.
    """
    (field, one), (other_field, other) = first, second
    if field != other_field or not all(isinstance(items, list) for items in (*one.values(), *other.values())):
        return None
    if one.get("contacts") == other.get("contacts"):
        other = {key: items for key, items in other.items() if key != "contacts"}
    elif named(one) & named(other):
        return None
    return field, {key: one.get(key, []) + other.get(key, []) for key in {**one, **other}}


def named(told: Body) -> set[str]:
    """The ids of everybody whom a change speaks of."""
    contacts = [contact.get(key) for contact in told.get("contacts", ()) for key in ("wa_id", "user_id")]
    senders = [message.get(key) for message in told.get("messages", ()) for key in ("from", "from_user_id")]
    return {person for person in contacts + senders if person}


def agree(expected: dict[str, Any], found: dict[str, Any]) -> None:
    for kind, rows_of_kind in expected.items():
        assert found[kind] == rows_of_kind, f"{kind}: {different(rows_of_kind, found[kind])}"
    assert expected["drift"] == expected["events"] == []


EXAMPLES = int(os.environ.get("ANY_ORDER_EXAMPLES", "40"))
anything = settings(
    deadline=None, phases=[Phase.generate, Phase.shrink], suppress_health_check=list(HealthCheck), max_examples=EXAMPLES
)
chances = st.randoms(use_true_random=False)


@anything
@given(stories(), chances)
def test_any_order_repetition_and_batching_gives_the_same_rows(story: list[Event], chance: random.Random) -> None:
    agree(play(one_by_one(story)), play(told_again(story, chance)))


@settings(anything, max_examples=EXAMPLES // 4)
@given(stories(), chances)
def test_any_number_of_replicas_at_once_gives_the_same_rows(story: list[Event], chance: random.Random) -> None:
    """Each replica gets all of it in its own order, or a part; together they get everything."""
    replicas = [told_again(story, chance)]
    for _ in range(chance.randint(1, 3)):
        replicas.append(told_again(chance.sample(story, k=chance.randint(1, len(story))), chance))
    agree(play(one_by_one(story)), play(*replicas))
