"""Arbitrary JSON, alone and planted in real payloads: never an exception, never a row that cannot be stored."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from store.rpc import to_json
from tests.whatsapp.payload import AT_META, AT_NUMBER, AT_WABA, names, payload
from whatsapp.normalise import Normalised, normalise

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
ENDPOINTS = st.sampled_from([AT_NUMBER, AT_WABA, AT_META])


def storable(result: Normalised) -> bytes:
    return to_json([result.event(), result.messages, result.statuses, result.facts])


@given(st.dictionaries(st.sampled_from(["object", "entry"]) | st.text(), JSON), ENDPOINTS)
def test_arbitrary_json_is_normalised(body: dict[str, Any], endpoint: Any) -> None:
    storable(normalise(1, endpoint, body))


@given(st.sampled_from(names()), st.data(), ENDPOINTS)
def test_a_payload_with_anything_planted_anywhere_is_normalised(name: str, data: st.DataObject, endpoint: Any) -> None:
    body = payload(name)
    for _ in range(data.draw(st.integers(1, 4))):
        plant(body, data)
    storable(normalise(1, endpoint, body))


def plant(body: Any, data: st.DataObject) -> None:
    """Replaces one value somewhere in the tree."""
    node = body
    while True:
        keys = sorted(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        inner = node[key]
        if not isinstance(inner, dict | list) or data.draw(st.integers(0, 5)) == 0:
            node[key] = data.draw(JSON)
            return
        node = inner
