"""What happens to bytes: cut off, flipped, spliced, in the wrong encoding."""

from __future__ import annotations

import random
from collections.abc import Callable

# Bytes that a separator, a terminator or a decoder might stumble over.
STRANGE = (
    b"\x1e",
    b"\x1f",
    b"\x00",
    b"\xff",
    b"\x80",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf5",
    b'"',
    b"\\",
    b"{",
    b"]",
    b",",
)

Breakage = Callable[[random.Random, bytes], bytes]


def truncate(dice: random.Random, raw: bytes) -> bytes:
    return raw[: dice.randrange(len(raw) + 1)]


def flip(dice: random.Random, raw: bytes) -> bytes:
    if not raw:
        return raw
    place = dice.randrange(len(raw))
    return raw[:place] + bytes([raw[place] ^ (1 << dice.randrange(8))]) + raw[place + 1 :]


def splice(dice: random.Random, raw: bytes) -> bytes:
    place = dice.randrange(len(raw) + 1)
    return raw[:place] + dice.choice(STRANGE) + raw[place:]


def surround(dice: random.Random, raw: bytes) -> bytes:
    """Still JSON, some of it: white space, a second body, a mark at the front."""
    before, after = dice.choice(
        (
            (b" \n\t\r", b" " * 1000),
            (b"\xef\xbb\xbf", b""),
            (b"\x1e", b""),
            (b"", b"\x1e360dialog\x1f1\x1f\x1f{}"),
            (b"", b"\x00"),
            (b"[", b"]"),
            (b"", raw),
            (b"\x0b", b""),
            (b"\xc2\xa0", b""),
            (b"", b" " * 4_200_000),
        )
    )
    return before + raw + after


def reencode(dice: random.Random, raw: bytes) -> bytes:
    text = raw.decode("utf-8", "replace")
    return text.encode(dice.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037")), "replace")


def hollow(dice: random.Random, _raw: bytes) -> bytes:
    return dice.choice((b"", b" ", b"{}", b"[]", b"null", b'""', b"0", b"{", b"{}{}", b'{"":{}}', b"true", b"\x00"))


BREAKAGES: tuple[Breakage, ...] = (truncate, flip, splice, splice, surround, reencode, hollow)


def break_bytes(dice: random.Random, raw: bytes) -> bytes:
    return dice.choice(BREAKAGES)(dice, raw)
