"""Real shapes, bent and broken, as WhatsApp might send them on its worst day. Body n of a seed is always the same."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.attack.breakage import break_bytes
from tests.whatsapp.payload import CUSTOMER, NUMBER, WABA, names, payload

# In every text that somebody wrote, and in nothing else.
CANARY = "canary"
WRITTEN = frozenset({"body", "caption", "name", "title", "text", "description", "filename", "address"})

Container = Any
Mutation = Callable[[random.Random, Container, Any], None]


@dataclass(frozen=True)
class Raw:
    """Stands for a piece of text that `json` would not write."""

    text: str


ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**31,
        2**63,
        10**30,
        "",
        " ",
        "0",
        "null",
        "-1",
        [],
        {},
        [[]],
        [None],
        {"": None},
    ),
    *(f"{CANARY}\u0000", f"\ud83d{CANARY}", f"{CANARY}\udc00\ud800", "\u202e\u2028\ufeff\uffff", "\x1e\x1f\x7f"),
    *("9" * 600, f"{CANARY} " * 200, "٣", "'; drop table messages; --", "%s%n{0}", "\\u0000", "<b>", "1e5", "١٢٣"),
    *("9999999999999", "-62135596801", "253402300800", "1794132000.5", "2026-11-20T12:00:00Z", 1794132000, -(2**63)),
    *(Raw("1e999"), Raw("-1e999"), Raw("1e-999"), Raw("-0"), Raw("0.1e+1"), Raw("1" * 300), Raw(r'"\ud800"')),
    *(Raw(r'"\u0000\u001e\u001F\/"'), Raw('{"a":1,"a":2}'), Raw('{"id":"x","id":null}'), Raw("[" * 60 + "]" * 60)),
    # No JSON from here on.
    *(Raw("NaN"), Raw("-Infinity"), Raw("Infinity"), Raw("01"), Raw("+1"), Raw("1."), Raw(".5"), Raw("0x1"), Raw("")),
    *(Raw('"\x1e"'), Raw('"\x1f"'), Raw('"\n"'), Raw('"\x00"'), Raw(r'"\x"'), Raw(r'"\u12"'), Raw("'x'"), Raw("nul")),
    *(
        Raw("[1,]"),
        Raw('{"a":1,}'),
        Raw('{"a"}'),
        Raw("{1:2}"),
        Raw("/**/null"),
        Raw("[1 2]"),
        Raw("]"),
        Raw("undefined"),
    ),
)
# Too large or too deep to be sent often.
HEAVY: tuple[Callable[[], Any], ...] = (
    lambda: CANARY * 20_000,
    lambda: "\U0001f642\u0000" * 20_000,
    lambda: ["x"] * 20_000,
    lambda: {f"key {place}": place for place in range(5_000)},
    lambda: Raw("[" * 400 + "]" * 400),
    lambda: Raw("[" * 1_500 + "]" * 1_500),
    lambda: Raw('{"a":' * 100_000 + "1" + "}" * 100_000),
    lambda: Raw("1" * 10_000),
    lambda: Raw("[" * 300_000),
    lambda: CANARY * 500_000,
    lambda: CANARY * 900_000,
)


def mutant(seed: int, place: int) -> bytes:
    """Body number `place`: still with the ids of the payload files, see `addressed`."""
    dice = random.Random(f"{seed}:{place}")
    body = signed_by_canary(payload(dice.choice(names())), f"{CANARY} {place}")
    for _ in range(dice.choice((0, 1, 1, 1, 2, 2, 3, 5, 10))):
        mutate(dice, body)
    raw = encode(body)
    return break_bytes(dice, raw) if dice.random() < 0.15 else raw


def addressed(raw: bytes, number: str, waba: str, customer: str, place: int) -> bytes:
    """The same body about this number, WABA and customer, with message ids of its own in two of three cases."""
    for before, after in ((NUMBER, number), (WABA, waba), (CUSTOMER, customer)):
        raw = raw.replace(before.encode(), after.encode())
    return raw if place % 3 == 0 else raw.replace(b"wamid.", f"wamid.{place}.".encode())


def signed_by_canary(value: Any, words: str) -> Any:
    if isinstance(value, dict):
        return {
            key: words if key in WRITTEN and isinstance(item, str) else signed_by_canary(item, words)
            for key, item in value.items()
        }
    return [signed_by_canary(item, words) for item in value] if isinstance(value, list) else value


def encode(body: Any) -> bytes:
    text = json.dumps(body, default=lambda raw: {"raw": raw.text})
    pieces = text.split('{"raw": ')
    decoder = json.JSONDecoder()
    written = [pieces[0]]
    for piece in pieces[1:]:
        raw, end = decoder.raw_decode(piece)
        written.append(raw + piece[end + 1 :] if isinstance(raw, str) else '{"raw": ' + piece)
    return "".join(written).encode("utf-8", "surrogatepass")


def mutate(dice: random.Random, body: Container) -> None:
    """One change at one place, anywhere in the tree."""
    places = list(walk(body))
    if places:
        container, key = dice.choice(places)
        dice.choice(MUTATIONS)(dice, container, key)


def walk(value: Any) -> Any:
    """Every place in a tree: its container and its key or index."""
    if isinstance(value, dict | list):
        for key, item in list(value.items()) if isinstance(value, dict) else list(enumerate(value)):
            yield value, key
            yield from walk(item)


def replace(dice: random.Random, container: Container, key: Any) -> None:
    container[key] = dice.choice(HEAVY)() if dice.random() < 0.01 else copy.deepcopy(dice.choice(ODD))


def drop(_dice: random.Random, container: Container, key: Any) -> None:
    del container[key]


def rename(dice: random.Random, container: Container, key: Any) -> None:
    if isinstance(container, dict):
        name = dice.choice(
            ("", "id", "type", "messages", "statuses", str(key).upper(), f"{key}\u0000", f"{key} ", "\ud800")
        )
        container[name] = container.pop(key)


def repeat(dice: random.Random, container: Container, key: Any) -> None:
    """The same item again: a few times, or as often as fits into a body."""
    item = container[key]
    times = dice.choice((1, 1, 2, 5)) if dice.random() < 0.98 else dice.choice((100, 1_000))
    if len(json.dumps(item, default=str)) * times > 2_000_000:
        return
    if isinstance(container, list):
        container[key:key] = [copy.deepcopy(item) for _ in range(times)]
    else:
        container[key] = [copy.deepcopy(item) for _ in range(times)]


def wrap(dice: random.Random, container: Container, key: Any) -> None:
    item = container[key]
    container[key] = dice.choice(([item], {"value": item}, {str(key): item}, [[item]], [item, item]))


def retype(dice: random.Random, container: Container, key: Any) -> None:
    """Text for structure and numbers for text, with the same meaning to a lenient eye."""
    item = container[key]
    if isinstance(item, str) and item.isascii() and item.isdigit():
        container[key] = dice.choice((int(item), Raw(f"{item}.0"), Raw(f"-{item.lstrip('0') or 0}"), [item]))
    else:
        container[key] = json.dumps(item, default=lambda raw: raw.text)


def transplant(dice: random.Random, container: Container, key: Any) -> None:
    """Something from elsewhere in this place: the right shape where it does not belong."""
    other = payload(dice.choice(names()))
    source, place = dice.choice(list(walk(other)))
    container[key] = source[place]


MUTATIONS: tuple[Mutation, ...] = (replace, replace, replace, drop, rename, repeat, wrap, retype, transplant)
