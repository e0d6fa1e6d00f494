"""What a file is by its first bytes. Pure and total: any bytes are taken, nothing is raised.

Sources: the formats' own specifications, named where they are read; the text signs are those of the WHATWG's MIME
Sniffing standard, section 7.1, which browsers follow.
"""

from __future__ import annotations

import re

OLE, ZIP = "application/x-ole-storage", "application/zip"

_STARTS = (
    (b"\xff\xd8\xff", "image/jpeg"),  # ITU-T T.81, B.2.1: SOI, then the next marker
    (b"\x89PNG\r\n\x1a\n", "image/png"),  # PNG specification, 5.2
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"II+\x00", "image/tiff"),  # BigTIFF
    (b"MM\x00+", "image/tiff"),
    (b"OggS\x00", "audio/ogg"),  # RFC 3533, 6: capture pattern and version
    (b"ID3", "audio/mpeg"),  # id3.org: a tag before the first frame
    (b"#!AMR", "audio/amr"),  # RFC 4867, 5.1; with -WB the wide band
    (b"fLaC", "audio/flac"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", ZIP),
    (b"PK\x05\x06", ZIP),  # an empty one
    (b"PK\x07\x08", ZIP),  # one of several parts
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),  # [MS-CFB] 2.2: doc, xls, ppt, and encrypted office files
    (b"\x1f\x8b\x08", "application/gzip"),  # RFC 1952
    (b"{\\rtf", "application/rtf"),
    (b"\x1aE\xdf\xa3", "video/webm"),  # EBML; Matroska looks the same
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
# ISO 14496-12, 4.3: the major brand. Whatever is not here is a film: isom, mp41, mp42, avc1, M4V, dash, …
_BRANDS = (
    (re.compile(rb"M4[ABP] "), "audio/mp4"),
    (re.compile(rb"3g2."), "video/3gpp2"),
    (re.compile(rb"3g.."), "video/3gpp"),
    (re.compile(rb"qt  "), "video/quicktime"),
    (re.compile(rb"avi[fs]"), "image/avif"),
    (re.compile(rb"hei[cxms]|hev[cxms]|mif1|msf1"), "image/heic"),
)
_HTML = re.compile(
    rb"<(!doctype html|html|head|script|iframe|h1|div|font|table|a|style|title|b|body|br|p)[ >\t\r\n\f/]|<!--", re.I
)
_SVG = re.compile(rb"<(!doctype )?svg[ >\t\r\n\f:/]", re.I)
_XML = re.compile(rb"<\?xml\b", re.I)
_BLANK = b" \t\r\n\f\x00"
# How far into a file a sign may begin: Acrobat takes a PDF's header there (ISO 32000-1, annex H.3.4.1).
NEAR = 1024


def signature(head: bytes) -> str | None:
    """The content type that a file's first bytes show, a kilobyte at best; None when they show none we know.

    A type of a whole family stands for all of it: `application/zip` also for office documents, `video/mp4` also for
    sound alone where the brand leaves it open.
    """
    for start, mime_type in _STARTS:
        if head.startswith(start):
            return mime_type
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if head[4:8] == b"ftyp" and len(head) >= 12:
        return next((shown for brand, shown in _BRANDS if brand.match(head[8:12])), "video/mp4")
    return _frames(head) or _markup(head) or ("application/pdf" if b"%PDF-" in head[:NEAR] else None)


def _frames(head: bytes) -> str | None:
    """Sound that begins with a frame of its own: eleven or twelve set bits, then fields with impossible values.

    ISO 11172-3, 2.4.2.3 (MPEG audio) and ISO 13818-7, 6.2 (ADTS). Layer I is left out: FF FE and FF FF are also how
    UTF-16 and padding begin.
    """
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer, rate = head[1] >> 3 & 3, head[1] >> 1 & 3, head[2]
    if layer == 0:
        return "audio/aac" if head[1] & 0xF0 == 0xF0 and rate >> 2 & 15 < 13 else None
    if layer == 3 or version == 1 or rate >> 4 in (0, 15) or rate >> 2 & 3 == 3:
        return None
    return "audio/mpeg"


def _markup(head: bytes) -> str | None:
    """Text that a browser would run, in any of the encodings that leave ASCII as it is, or in UTF-16."""
    near = head[:NEAR].removeprefix(b"\xef\xbb\xbf")
    if near[:2] in (b"\xff\xfe", b"\xfe\xff"):
        near = near[2:].replace(b"\x00", b"")
    near = near.lstrip(_BLANK)
    if _HTML.match(near):
        # A comment begins XML pictures, too.
        return "image/svg+xml" if near.startswith(b"<!--") and _SVG.search(near) else "text/html"
    if _SVG.match(near):
        return "image/svg+xml"
    if not _XML.match(near):
        return None
    if _SVG.search(near):
        return "image/svg+xml"
    return "application/xhtml+xml" if _HTML.search(near) else "text/xml"
