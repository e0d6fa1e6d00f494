"""What a receiver should answer to a body, decided without any of its parts: a small recogniser of JSON (RFC 8259)."""

from __future__ import annotations

import re

LIMIT = 4 * 1024 * 1024
# Beyond these a parser may refuse what is JSON all the same; WhatsApp comes nowhere near.
DEEP = 500
LONG_NUMBER = 4000

TOKEN = re.compile(
    r"[ \t\n\r]*(?:"
    r'(?P<string>"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
    r"|(?P<number>-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<word>true|false|null)"
    r"|(?P<mark>[\[\]{},:])"
    r"|(?P<end>\Z))"
)
GOOD = frozenset({200, 403})
BAD = frozenset({400})
# What may follow: V a value, K a key, C a colon, A what comes after a value, E the end; ] and } close an empty one.
OPENING = {"[": "V]", "{": "K}"}


def statuses_for(raw: bytes) -> frozenset[int]:
    """The answers that are right for a rightly authenticated body."""
    if len(raw) > LIMIT:
        return frozenset({413})
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return BAD
    depth = depth_of_object(text)
    if depth is None:
        return BAD
    return GOOD | BAD if depth > DEEP or re.search(rf"[0-9]{{{LONG_NUMBER}}}", text) else GOOD


def depth_of_object(text: str) -> int | None:
    """How deep a JSON object is nested; None for what is none."""
    open_marks: list[str] = []
    place, awaited, deepest = 0, "V", 0
    while found := TOKEN.match(text, place):
        place = found.end()
        if found.lastgroup == "end":
            return deepest if awaited == "E" and text.lstrip(" \t\n\r").startswith("{") else None
        following = step(found[found.lastgroup or 0], found.lastgroup, awaited, open_marks)
        if following is None:
            return None
        awaited, deepest = following, max(deepest, len(open_marks))
    return None


def step(token: str, kind: str | None, awaited: str, open_marks: list[str]) -> str | None:
    """What may come after this token; None if the token itself may not come here."""
    if kind == "mark":
        return mark(token, awaited, open_marks)
    if kind == "string" and "K" in awaited:
        return "C"
    return after(open_marks) if "V" in awaited else None


def mark(token: str, awaited: str, open_marks: list[str]) -> str | None:
    if token in "[{" and "V" in awaited:
        open_marks.append(token)
        return OPENING[token]
    if token in "]}" and open_marks and open_marks[-1] == {"]": "[", "}": "{"}[token]:
        if awaited == "A" or token in awaited:
            open_marks.pop()
            return after(open_marks)
        return None
    if token == "," and awaited == "A":
        return "V" if open_marks[-1] == "[" else "K"
    return "V" if token == ":" and awaited == "C" else None


def after(open_marks: list[str]) -> str:
    return "A" if open_marks else "E"
