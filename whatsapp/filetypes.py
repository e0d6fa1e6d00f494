"""Under which type and name a file is kept, and what can be read off it: pixels, seconds.

Pure and total: announced types are any text, bytes are any bytes, nothing is raised.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from whatsapp.signatures import OLE, ZIP, signature

UNKNOWN = "application/octet-stream"
MAX_TYPE = 100

OOXML, _ODF = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
_EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/heic": ".heic",
    "image/avif": ".avif",
    "image/tiff": ".tif",
    "image/bmp": ".bmp",
    "video/mp4": ".mp4",
    "video/3gpp": ".3gp",
    "video/3gpp2": ".3g2",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-msvideo": ".avi",
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/aac": ".aac",
    "audio/amr": ".amr",
    "audio/wav": ".wav",
    "audio/flac": ".flac",
    "application/pdf": ".pdf",
    "application/msword": ".doc",
    "application/vnd.ms-excel": ".xls",
    "application/vnd.ms-powerpoint": ".ppt",
    f"{OOXML}wordprocessingml.document": ".docx",
    f"{OOXML}spreadsheetml.sheet": ".xlsx",
    f"{OOXML}presentationml.presentation": ".pptx",
    f"{_ODF}text": ".odt",
    f"{_ODF}spreadsheet": ".ods",
    f"{_ODF}presentation": ".odp",
    "application/rtf": ".rtf",
    "application/zip": ".zip",
    "application/gzip": ".gz",
    "application/vnd.rar": ".rar",
    "application/x-7z-compressed": ".7z",
    "application/json": ".json",
    "text/plain": ".txt",
    "text/csv": ".csv",
    "text/vcard": ".vcf",
    "text/calendar": ".ics",
}
# Names that phones and mail programs use for the same.
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/heif": "image/heic",
    "video/3gp": "video/3gpp",
    "audio/3gpp": "video/3gpp",
    "application/ogg": "audio/ogg",
    "audio/opus": "audio/ogg",
    "video/ogg": "audio/ogg",
    "audio/mp3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/amr-wb": "audio/amr",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "application/x-gzip": "application/gzip",
    "text/rtf": "application/rtf",
    "text/x-vcard": "text/vcard",
}
_FILM = ("video/mp4", "video/3gpp", "video/3gpp2", "video/quicktime", "audio/mp4")
_PACKED: set[str | None] = {ZIP, OLE}  # an office file with a password is an OLE container, [MS-OFFCRYPTO] 2.3
# What the bytes of an announced type show. None: the format also begins in ways that nothing tells from noise.
_SHOWS: dict[str, set[str | None]] = {
    **{name: {name} for name in ("image/jpeg", "image/png", "image/webp", "image/gif", "image/tiff")},
    **{name: {"image/heic", "image/avif"} for name in ("image/heic", "image/avif")},
    **{name: {*_FILM} for name in _FILM},
    "video/quicktime": {*_FILM, None},  # older than the brand: any atom may come first
    "video/webm": {"video/webm"},
    "audio/ogg": {"audio/ogg"},
    "audio/mpeg": {"audio/mpeg", "audio/aac", None},  # junk before the first frame is common
    "audio/aac": {"audio/aac", "audio/mpeg", *_FILM, None},  # ADTS, ID3 before it, in MP4, or ADIF
    "audio/amr": {"audio/amr"},
    "audio/wav": {"audio/wav"},
    "application/pdf": {"application/pdf"},
    "application/zip": {ZIP},
    "application/gzip": {"application/gzip"},
    **{name: _PACKED for name in _EXTENSIONS if name.startswith(OOXML)},
    **{name: _PACKED for name in _EXTENSIONS if name.startswith(_ODF)},
}
# RFC 3533, 6: header, 255 segments of 255 bytes.
_MAX_PAGE = 27 + 255 + 255 * 255
# Two days, more than 100 MB of speech: what tells more is damaged.
_MAX_SAMPLES = 48 * 3600 * 48_000
# The classes a message's own type allows; what a user sends as a document may be anything.
# Sound and film share containers, and which of the two one holds its first bytes leave open.
_PICTURE, _RECORDING = ("image",), ("audio", "video")
_CLASSES = {"image": _PICTURE, "sticker": _PICTURE, **dict.fromkeys(("audio", "voice", "video"), _RECORDING)}

# RFC 9110, 8.3.1, without the asterisk: `*/*` is no type.
_WORD = r"[a-z0-9!#$%&'+.^_`|~-]+"
_TYPE = re.compile(rf'({_WORD}/{_WORD})(?:[ \t]*;[ \t]*{_WORD}=(?:{_WORD}|"[ !#-\[\]-~]*"))*', re.I | re.A)
# What a browser runs when it is led to a file: markup, and scripts where they are loaded (WHATWG MIME Sniffing, 4.6).
# It guesses where a type says unknown (7.1), and takes a multipart apart.
_ACTIVE = re.compile(
    r"text/html|[^/]+/(?:[^/]+\+)?xml|text/xml-.*|text/xsl|application/xml-.*|image/svg|multipart/.*|message/.*"
    r"|(?:text|application)/(?:x-)?(?:java|ecma|j|live)script[0-9.]*|(?:application|unknown)/unknown"
)


@dataclass(frozen=True, slots=True)
class Settled:
    """The type a file is to be kept under, and whether its bytes contradict what was announced.

    Where they do, `mime_type` is what the bytes show, `application/octet-stream` when that is nothing we know.
    """

    mime_type: str
    contradicted: bool


def extension(mime_type: str) -> str:
    """`.jpg` for `image/jpeg`, parameters or not; empty for what is not in the table, active content above all."""
    return _EXTENSIONS.get(_bare(mime_type) or "", "")


def settle(announced: str | None, head: bytes, kind: str) -> Settled:
    """Holds an announced type against the first kilobyte of a file (more does no harm).

    `kind` is the message's type. A type that says nothing (none, garbage, application/octet-stream) gives way to what
    the bytes show. Types with a signature have to show it, or one of their family. Those outside `_SHOWS`, text among
    them, cannot be contradicted in a document; in any other message the bytes may not be of another class, such as a
    page in place of a picture.
    """
    shown, said = signature(head), (announced or "").strip()
    bare = _bare(said)
    allowed = _SHOWS.get(bare or "")
    contradicted = _foreign(shown, kind) if allowed is None else shown not in allowed
    if contradicted or bare in (None, UNKNOWN):
        return Settled(shown or UNKNOWN, contradicted)
    return Settled(said if _well_formed(said) else said.partition(";")[0].strip(), contradicted)


def _foreign(shown: str | None, kind: str) -> bool:
    classes = _CLASSES.get(kind)
    return shown is not None and classes is not None and shown.partition("/")[0] not in classes


def stored_type(mime_type: str) -> str:
    """The content type for Storage, whose addresses a browser opens: never one that runs, never a malformed one."""
    found = _well_formed(mime_type)
    return UNKNOWN if found is None or _ACTIVE.fullmatch(found[1].lower()) else mime_type


def _bare(mime_type: str | None) -> str | None:
    """Type and subtype alone, under the usual name; None for what is no content type."""
    bare = (mime_type or "").partition(";")[0].strip().lower()
    return _ALIASES.get(bare, bare) if _well_formed(bare) else None


def _well_formed(mime_type: str) -> re.Match[str] | None:
    return _TYPE.fullmatch(mime_type) if len(mime_type) <= MAX_TYPE else None


def dimensions(head: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a JPEG, PNG, GIF or WebP by its first bytes (64 kB do); None when unreadable.

    As stored: a JPEG's EXIF orientation is not applied, so a phone's upright photo may be told as lying.
    """
    found = next(_sizes(head), None)
    return found if found and all(0 < pixels < 2**31 for pixels in found) else None


def _sizes(head: bytes) -> Iterator[tuple[int, int]]:
    if head[:8] == b"\x89PNG\r\n\x1a\n" and head[12:16] == b"IHDR" and len(head) >= 24:  # PNG specification, 11.2.2
        yield _big(head[16:20]), _big(head[20:24])
    elif head[:6] in (b"GIF87a", b"GIF89a") and len(head) >= 10:  # GIF89a, 18: logical screen descriptor
        yield _little(head[6:8]), _little(head[8:10])
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP" and len(head) >= 30:
        yield from _webp(head)
    elif head[:2] == b"\xff\xd8":
        yield from _jpeg(head)


def _webp(head: bytes) -> Iterator[tuple[int, int]]:
    """RFC 9649, 2.5-2.7; RFC 6386, 9.1 for the lossy frame. An animated sticker is VP8X: its canvas."""
    match head[12:16]:
        case b"VP8X":
            yield _little(head[24:27]) + 1, _little(head[27:30]) + 1
        case b"VP8L" if head[20] == 0x2F:
            bits = _little(head[21:25])
            yield (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8 " if head[23:26] == b"\x9d\x01\x2a":
            yield _little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF


def _jpeg(head: bytes) -> Iterator[tuple[int, int]]:
    """ITU-T T.81, B.1.1.4 and B.2.2: from segment to segment to the frame header; the image data ends the search."""
    at = 2
    while at + 9 <= len(head) and head[at] == 0xFF:
        marker = head[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD7:  # stand alone
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            yield _big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7])
            return
        elif marker in (0x00, 0xD8, 0xD9, 0xDA):
            return
        else:
            at += 2 + _big(head[at + 2 : at + 4])


def ogg_duration(head: bytes, tail: bytes) -> float | None:
    """Seconds of a voice note, an Ogg file with one Opus stream; None when it is not that, or tells nonsense.

    `head` begins the file, `tail` ends it (64 kB do: a page is never longer). RFC 7845, 4: the last page's granule
    position counts samples at 48 kHz whatever the sound was made at, the pre-skip with them. Recordings that do not
    begin at zero, as cut-outs of a live stream may, are told too long.
    """
    packet = 27 + head[26] if len(head) > 27 else 0
    if head[:5] != b"OggS\x00" or head[packet : packet + 8] != b"OpusHead" or len(head) < packet + 12:
        return None
    end = _last_position(tail[-_MAX_PAGE:], serial=head[14:18])
    samples = end - _little(head[packet + 10 : packet + 12])
    return samples / 48_000 if 0 < samples <= _MAX_SAMPLES else None


def _last_position(tail: bytes, serial: bytes) -> int:
    """The granule position of the stream's last page on which a packet ends (RFC 3533, 6); -1 without one."""
    at = tail.rfind(b"OggS\x00")
    while at >= 0:
        page = tail[at : at + 27]
        position = int.from_bytes(page[6:14], "little", signed=True)
        # "OggS" may also occur in the sound itself: then the serial number is hardly right.
        if len(page) == 27 and page[14:18] == serial and position >= 0:
            return position
        at = tail.rfind(b"OggS\x00", 0, at)
    return -1


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")
