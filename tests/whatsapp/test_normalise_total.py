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
from whatsapp.normalise import Normalised, normalise
from whatsapp.shaping import MEDIA_TYPES

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
ENDPOINTS = st.sampled_from([AT_NUMBER, AT_WABA, AT_META])
IDS = ("id", "from", "from_user_id", "timestamp")
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
                    assert len(row[key] or "") <= 512 or key in {"waba_id", "phone_number_id"}
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


def texts(value: Any) -> Iterator[str]:
    """Every text in a tree, keys apart."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)


def sent_messages(body: Any) -> list[dict[str, Any]]:
    return [
        message
        for change in changes(body)
        for key in ("messages", "message_echoes")
        for message in objects(change.value.get(key))
    ]


def lost(message: dict[str, Any], result: Normalised) -> set[str]:
    """The words of a message that are nowhere in what became of it."""
    kept = set(texts(result.messages)) | set(texts(result.numbers))
    kind = message.get("type")
    # A time is kept as one, not as it was written; an old name of a type is not; and the address of a file is dead
    # before anybody could use it.
    kept |= {word for word in (message.get("timestamp"), "voice") if isinstance(word, str)}
    part = message.get(kind) if isinstance(kind, str) and kind in MEDIA_TYPES else None
    if isinstance(part, dict):
        kept |= set(texts(part.get("url")))
    return {word for word in texts(message) if word} - kept


@pytest.mark.parametrize("name", names())
def test_no_word_of_a_payloads_messages_is_lost(name: str) -> None:
    result = normalise(1, AT_META, payload(name))
    if not result.problems:
        assert [words for message in sent_messages(payload(name)) if (words := lost(message, result))] == []


@given(st.dictionaries(PARTS | st.text(min_size=1), JSON, max_size=4), PARTS)
def test_no_word_of_a_message_is_lost_whatever_comes_with_it(parts: dict[str, Any], kind: str) -> None:
    body = payload("text")
    (message,) = sent_messages(body)
    message |= {**parts, **{key: message[key] for key in IDS}, "type": kind}
    result = normalise(1, AT_NUMBER, body)
    if not result.problems:
        assert lost(message, result) == set()
