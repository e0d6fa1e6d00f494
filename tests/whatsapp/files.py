"""Little files, put together byte by byte as their formats' specifications say."""

from __future__ import annotations

import struct
import zlib


def png(width: int, height: int) -> bytes:
    """Of one colour, valid throughout."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\x00" + bytes(width)) * height)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def jpeg(width: int, height: int, *, exif: int = 0, frame: int = 0xC0) -> bytes:
    """As cameras begin one: EXIF of `exif` bytes with a thumbnail's frame header in it, tables, frame, a scan."""
    thumbnail = (b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x01\x00\x01\x01\x01\x11\x00" * (exif // 15 + 1))[:exif]
    segments = [
        (0xE0, b"JFIF\x00\x01\x02\x00\x00\x01\x00\x01\x00\x00"),
        *([(0xE1, b"Exif\x00\x00" + thumbnail)] if exif else []),
        (0xDB, bytes([0]) + bytes(range(1, 65))),
        (0xC4, bytes([0]) + bytes([1, *[0] * 15, 0])),
        (frame, struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"),
        (0xDA, b"\x01\x01\x00\x00\x3f\x00"),
    ]
    body = b"".join(b"\xff\xff" + bytes([mark]) + struct.pack(">H", len(data) + 2) + data for mark, data in segments)
    return b"\xff\xd8" + body + b"\x12\x34\xff\xd9"


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\x00\x00\x00;"


def webp(kind: bytes, width: int, height: int) -> bytes:
    """`kind` is VP8 (lossy, with its blank), VP8L or VP8X; what follows the sizes is left out."""
    body = {
        b"VP8 ": b"\x50\x00\x00\x9d\x01\x2a" + struct.pack("<HH", width | 0x4000, height),
        b"VP8L": b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14) + bytes(5),
        b"VP8X": b"\x12\x00\x00\x00" + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little"),
    }[kind]
    chunk = kind + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(chunk) + 4) + b"WEBP" + chunk


def ogg_page(serial: int, position: int, payload: bytes, flags: int = 0) -> bytes:
    lacing = [255] * (len(payload) // 255) + [len(payload) % 255]
    head = b"OggS\x00" + struct.pack("<BqIIIB", flags, position, serial, 0, 0, len(lacing))
    return head + bytes(lacing) + payload


def ogg(seconds: float, *, pre_skip: int = 312, serial: int = 77, pages: int = 3) -> bytes:
    """A voice note: the Opus header, its tags, pages of (senseless) sound of two thousand bytes each."""
    header = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, pre_skip, 16_000, 0, 0)
    tags = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", 0)
    end = round(seconds * 48_000) + pre_skip
    sound = [ogg_page(serial, end * (page + 1) // pages, b"\x08" * 2000) for page in range(pages)]
    return ogg_page(serial, 0, header, 2) + ogg_page(serial, 0, tags) + b"".join(sound)


def mp4(brand: bytes = b"isom") -> bytes:
    return struct.pack(">I", 20) + b"ftyp" + brand + bytes(4) + b"mp42" + struct.pack(">I", 8) + b"mdat"


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n"
ZIP = b"PK\x03\x04\x14\x00\x06\x00\x08\x00"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
AMR = b"#!AMR\n\x3c\x91"
WAV = b"RIFF\x24\x00\x00\x00WAVEfmt "
ADTS = b"\xff\xf1\x50\x80\x00\x1f\xfc"
MP3 = b"\xff\xfb\x90\x64\x00\x0f"
PAGE = b"<!DOCTYPE html><html><body>Sign in</body></html>"
