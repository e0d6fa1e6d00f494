"""A picture for the customer to send: a sunset over the sea, drawn pixel by pixel and written as PNG."""

from __future__ import annotations

import math
import struct
import zlib

WIDTH, HEIGHT, HORIZON = 320, 200, 130
SUN = (220, 112, 34)  # x, y, radius

Colour = tuple[int, int, int]
NIGHT, GLOW, SUNLIGHT, DEEP = (38, 34, 98), (250, 140, 80), (255, 240, 190), (14, 28, 66)


def sunset() -> bytes:
    """The picture as a PNG file."""
    rows = (bytes(part for x in range(WIDTH) for part in _pixel(x, y)) for y in range(HEIGHT))
    # Every row begins with its filter: 0, none.
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows), 9)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)  # eight bits each of red, green, blue
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _pixel(x: int, y: int) -> Colour:
    return _sky(x, y) if y < HORIZON else _sea(x, y)


def _sky(x: int, y: int) -> Colour:
    sun_x, sun_y, radius = SUN
    distance = math.hypot(x - sun_x, y - sun_y)
    if distance <= radius:
        return SUNLIGHT
    evening = _mix(NIGHT, GLOW, (y / HORIZON) ** 1.5)
    return _mix(SUNLIGHT, evening, min(1.0, 0.4 + (distance - radius) / 90))


def _sea(x: int, y: int) -> Colour:
    """Waves, and the sun's path on them, wider towards the shore."""
    depth = (y - HORIZON) / (HEIGHT - HORIZON)
    wave = math.sin(y * 1.7 / (0.3 + depth) + math.sin(x / 9) * 0.8)
    path = max(0.0, 1 - abs(x - SUN[0]) / (16 + 50 * depth))
    return _mix(_mix(GLOW, DEEP, 0.45 + depth / 2), SUNLIGHT, path * max(0.0, wave))


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue
