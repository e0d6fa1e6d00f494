"""Arbitrary JSON, alone and planted in real payloads: never an exception, never a row that cannot be stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.calls import to_json
from tests.whatsapp.payload import AT_META, AT_NUMBER, AT_WABA, names, payload
from whatsapp.envelope import changes, objects
from whatsapp.history import HOW_FAR
from whatsapp.normalise import Normalised, normalise
from whatsapp.scalars import moment
from whatsapp.shaping import MEDIA_TYPES

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
ENDPOINTS = st.sampled_from([AT_NUMBER, AT_WABA, AT_META])
# Keys of ids and names that have a column.
IDS = frozenset(
    {
        *("id", "type", "group_id", "message_id", "original_message_id", "mime_type", "sha256", "filename"),
        *(f"{end}{which}" for end in ("from", "to") for which in ("", "_user_id", "_parent_user_id")),
    }
)
KEYS = {
    "event": {"id", "numbers", "wabas", "kinds", "problem"},
    "message": {
        *("event_id", "phone_number_id", "wamid", "wa_id", "bsuid", "parent_bsuid", "group_id", "profile_name"),
        *("direction", "status", "imported", "type", "content", "reply_to_wamid", "occurred_at"),
        *("media_id", "media_mime_type", "media_sha256", "media_filename"),
    },
    "status": {
        *("event_id", "phone_number_id", "wamid", "status", "participant", "occurred_at"),
        *("callback_data", "errors", "error", "details"),
    },
    "fact": {
        *("event_id", "kind", "phone_number_id", "waba_id", "display_phone_number", "occurred_at"),
        *("wa_id", "bsuid", "parent_bsuid", "new_wa_id", "new_bsuid", "new_parent_bsuid"),
        *("template_id", "name", "language", "details"),
    },
}
STRANGE = (None, True, -7, 0.5, "", "9" * 600, [], {}, [[], None, {}], {"id": {"id": 1}})
PARTS = st.sampled_from(
    [
        *("text", "image", "voice", "document", "location", "contacts", "button", "interactive", "reaction", "order"),
        *("system", "unsupported", "edit", "revoke", "hologram", "context", "referral", "group_id", "to", "mood"),
        *("from", "from_parent_user_id", "timestamp"),
    ]
)


def check(result: Normalised) -> None:
    """Every row has the keys it may have, its ids are text that an index takes, and JSON can say it."""
    rows = {"event": [result.event()], "message": result.messages, "status": result.statuses, "fact": result.facts}
    for name, made in rows.items():
        for row in made:
            assert row.keys() <= KEYS[name]
            for key in row.keys() - {"id", "event_id", "imported", "numbers", "wabas", "kinds", "problem"}:
                if key not in {"content", "details", "errors", "error"}:
                    assert row[key] is None or isinstance(row[key], str)
                if key.endswith(("_id", "wamid", "bsuid")):
                    assert len(row[key] or "") <= 512
    assert all(row["wamid"] and (row["wa_id"] or row["bsuid"] or row["parent_bsuid"]) for row in result.messages)
    assert all(row["type"] and row["type"].isprintable() and len(row["type"]) <= 64 for row in result.messages)
    assert all(isinstance(row["content"], list if row["type"] == "contacts" else dict) for row in result.messages)
    to_json([*rows.values()])


@given(st.dictionaries(st.sampled_from(["object", "entry", "event", "data"]) | st.text(), JSON), ENDPOINTS)
def test_arbitrary_json_is_normalised(body: dict[str, Any], endpoint: Any) -> None:
    check(normalise(1, endpoint, body))


@given(st.sampled_from(names()), st.data(), ENDPOINTS)
def test_a_payload_with_anything_changed_anywhere_is_normalised(name: str, data: st.DataObject, endpoint: Any) -> None:
    body = payload(name)
    for _ in range(data.draw(st.integers(1, 4))):
        change(body, data)
    check(normalise(1, endpoint, body))


@pytest.mark.parametrize("name", names())
def test_every_node_of_a_payload_may_be_anything_or_nothing(name: str) -> None:
    """Hypothesis looks at combinations; this one leaves no node out."""
    body = payload(name)
    for node, key in list(nodes(body)):
        whole = node[key]
        for value in STRANGE:
            node[key] = value
            check(normalise(1, AT_META, body))
        if isinstance(node, dict):
            del node[key]
            check(normalise(1, AT_META, body))
        node[key] = whole


def nodes(tree: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree that holds a value: its container and its key."""
    for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        yield tree, key
        if isinstance(value, dict | list):
            yield from nodes(value)


def change(body: Any, data: st.DataObject) -> None:
    """Replaces, drops, doubles or renames one node somewhere in the tree."""
    node = body
    while True:
        keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, dict | list) or data.draw(st.integers(0, 5)) == 0:
            break
        node = inner
    what = data.draw(st.sampled_from(["replace", "drop", "double", "rename"]))
    if what == "replace":
        node[key] = data.draw(JSON)
    elif what == "drop":
        del node[key]
    elif isinstance(node, list):
        node.append(inner)
    else:
        node[data.draw(PARTS | st.text(max_size=5))] = inner if what == "double" else node.pop(key)


Said = tuple[str, str]


def said(value: Any, key: str = "") -> Iterator[Said]:
    """Every text in a tree, whatever its key; every number and every yes or no with the key it answers."""
    if isinstance(value, str):
        yield "", value
    elif isinstance(value, bool | int | float):
        # Of two alike the second is kept with a `_` behind its key.
        yield key.rstrip("_"), repr(value)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from said(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from said(inner, key)


def sent_messages(body: Any) -> list[dict[str, Any]]:
    lists = [
        message
        for change in changes(body)
        for key in ("messages", "message_echoes")
        for message in objects(change.value.get(key))
    ]
    past = [
        message
        for change in changes(body)
        for chunk in objects(change.value.get("history"))
        for thread in objects(chunk.get("threads"))
        for message in objects(thread.get("messages"))
    ]
    return lists + past


def lost(message: dict[str, Any], result: Normalised) -> set[Said]:
    """What a message says and nothing of what became of it does."""
    kept = set(said(result.messages)) | set(said(result.numbers)) | {("", "")}
    # What is not kept as it was written: a time that is one, how far a message of the past had come, an old name of a
    # type, and the address of a file, which is dead before anybody could use it.
    kind, time, context = message.get("type"), message.get("timestamp"), message.get("history_context")
    kept.add(("", "voice"))
    if moment(time) is not None:
        kept |= set(said(time, "timestamp"))
    if isinstance(context, dict) and str(context.get("status")).upper() in HOW_FAR:
        kept |= set(said(context["status"], "status"))
    part = message.get(kind) if isinstance(kind, str) and kind in MEDIA_TYPES else None
    if isinstance(part, dict):
        kept |= set(said(part.get("url"), "url"))
    # Ids are text, also where they came as numbers.
    return {
        (key, word)
        for key, word in said(message)
        if (key, word) not in kept and not (key in IDS and ("", word) in kept)
    }


@pytest.mark.parametrize("name", names())
def test_nothing_that_a_payloads_messages_say_is_lost(name: str) -> None:
    result = normalise(1, AT_META, payload(name))
    if not result.problems:
        assert [words for message in sent_messages(payload(name)) if (words := lost(message, result))] == []


@given(st.dictionaries(PARTS | st.text(min_size=1), JSON, max_size=4), PARTS)
def test_nothing_that_a_message_says_is_lost_whatever_comes_with_it(parts: dict[str, Any], kind: str) -> None:
    body = payload("text")
    (message,) = sent_messages(body)
    message |= {**parts, **{key: message[key] for key in ("id", "from_user_id")}, "type": kind}
    result = normalise(1, AT_NUMBER, body)
    if not result.problems:
        assert lost(message, result) == set()


@given(st.dictionaries(PARTS | st.just("history_context") | st.text(min_size=1), JSON, max_size=4), PARTS)
def test_nor_is_it_out_of_a_phones_history(parts: dict[str, Any], kind: str) -> None:
    body = payload("history")
    message = sent_messages(body)[-1]
    message |= {**parts, **{key: message[key] for key in ("id", "from")}, "type": kind}
    result = normalise(1, AT_NUMBER, body)
    if not result.problems:
        assert lost(message, result) == set()


@pytest.mark.parametrize("scalar", [0, 1, 0.0, 1.5, True, False], ids=repr)
def test_no_number_and_no_yes_or_no_is_lost_wherever_it_stands(scalar: Any) -> None:
    """Hypothesis seldom puts one where a column is; this one leaves no place out."""
    for name in ("image", "audio_voice", "text_reply", "group_text", "echo_text", "history", "referral_ad"):
        body = payload(name)
        for node, key in [place for message in sent_messages(body) for place in nodes(message)]:
            whole, node[key] = node[key], scalar
            result = normalise(1, AT_META, body)
            if not result.problems:
                assert [words for message in sent_messages(body) if (words := lost(message, result))] == [], (name, key)
            node[key] = whole
