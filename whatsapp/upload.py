"""Files on their way to WhatsApp: what they are called, and the multipart body they travel in, never held whole."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterable, AsyncIterator
from pathlib import PurePosixPath

from whatsapp.filetypes import OOXML, extension

# A stream's pieces leave in ones no larger, so that a slow line shows progress within the time a standstill may take.
PIECE = 256 * 1024

# The largest file of each kind that WhatsApp takes (Meta's media reference); animated stickers, still ones have 100 KB.
MEGABYTE = 1024 * 1024
MAX_BYTES = {
    "audio": 16 * MEGABYTE,
    "document": 100 * MEGABYTE,
    "image": 5 * MEGABYTE,
    "sticker": 500 * 1024,
    "video": 16 * MEGABYTE,
}

OGG_OPUS = "audio/ogg; codecs=opus"
# What WhatsApp takes (Meta's media reference).
_SENDABLE = (
    *("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", OGG_OPUS, "image/jpeg", "image/png", "image/webp"),
    *("video/mp4", "video/3gpp", "text/plain", "application/pdf"),
    *("application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint"),
    *(f"{OOXML}{name}" for name in ("wordprocessingml.document", "spreadsheetml.sheet", "presentationml.presentation")),
)
_OTHERWISE = {"audio/mpeg": (".mpga",), OGG_OPUS: (".oga",), "image/jpeg": (".jpeg",), "video/3gpp": (".3gpp",)}
# By type the extensions it may be called by, the usual one first.
EXTENSIONS = {mime_type: (extension(mime_type), *_OTHERWISE.get(mime_type, ())) for mime_type in _SENDABLE}
_TYPE_OF = {suffix: mime_type for mime_type, suffixes in EXTENSIONS.items() for suffix in suffixes}
_KNOWN_EXTENSIONS = {*_TYPE_OF, ".opus", ".webm"}
# Names that the same thing goes by elsewhere. Ogg without a codec is refused; as a rule it is Opus.
_ALIASES = {
    "audio/ogg": OGG_OPUS,
    "audio/opus": OGG_OPUS,
    "application/ogg": OGG_OPUS,
    "audio/mp3": "audio/mpeg",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
    "image/jpg": "image/jpeg",
}
_UNTOLD = ("", "application/octet-stream", "binary/octet-stream")


def media_name_and_type(filename: str, mime_type: str, *, voice: bool = False) -> tuple[str, str]:
    """The name and content type under which WhatsApp accepts a file; only labels: what the bytes are stays theirs.

    WhatsApp judges by the extension too, and refuses `audio/opus` and `audio/ogg` without a codec, after it has given
    out a wamid (131053; chatwoot#12713, sarrazola/openlivery#30). So Opus and Ogg, and voice notes of no told type,
    become `….ogg`, `audio/ogg; codecs=opus`. A type that nobody told is taken from the extension.
    """
    path = PurePosixPath(filename.replace("\\", "/")).name or "file"
    suffix = PurePosixPath(path).suffix
    bare, _, parameters = (part.strip().lower() for part in mime_type.partition(";"))
    if bare in _UNTOLD:
        bare = OGG_OPUS if voice or suffix.lower() == ".opus" else _TYPE_OF.get(suffix.lower(), bare)
    if bare in _ALIASES and not (bare.endswith("ogg") and _names_another_codec(parameters)):
        bare = _ALIASES[bare]
    wanted = EXTENSIONS.get(bare, ())
    if wanted and suffix.lower() not in wanted:
        stem = path[: -len(suffix)] if suffix.lower() in _KNOWN_EXTENSIONS else path
        path = (stem or "file") + wanted[0]
    return path, bare or "application/octet-stream"


def _names_another_codec(parameters: str) -> bool:
    return "codecs" in parameters and "opus" not in parameters


class Multipart:
    """The body of an upload: `messaging_product`, then the file in the pieces in which it comes.

    httpx streams only what can be read without waiting, hence this envelope of our own (RFC 7578). `error` is what the
    source itself raised: a transport wraps it into an error of its own.
    """

    def __init__(self, content: AsyncIterable[bytes], filename: str, mime_type: str, size: int | None) -> None:
        boundary = secrets.token_hex(16)
        self._content = content
        self._size = size
        self._head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\nwhatsapp\r\n'
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{_quoted(filename)}"\r\n'
            f"Content-Type: {_quoted(mime_type)}\r\n\r\n"
        ).encode(errors="replace")
        self._tail = f"\r\n--{boundary}--\r\n".encode()
        self.error: Exception | None = None
        self.headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        if size is not None:
            self.headers["Content-Length"] = str(len(self._head) + size + len(self._tail))

    async def pieces(
        self, deadline: asyncio.Timeout, stall_seconds: float, answer_seconds: float
    ) -> AsyncIterator[bytes]:
        """The body. Each piece that is fetched moves the deadline on; after the last there is one for the answer."""
        moment = asyncio.get_running_loop().time
        try:
            yield self._head
            async for piece in self._sized():
                deadline.reschedule(moment() + stall_seconds)
                yield piece
            yield self._tail
        except Exception as error:
            self.error = error
            raise
        deadline.reschedule(moment() + answer_seconds)

    async def _sized(self) -> AsyncIterator[bytes]:
        """The file's pieces, which must be as many bytes as was announced."""
        passed = 0
        async for piece in self._content:
            passed += len(piece)
            if self._size is not None and passed > self._size:
                raise ValueError(f"the file has more than the {self._size} bytes that were announced")
            for start in range(0, len(piece), PIECE):
                yield piece[start : start + PIECE]
        if self._size is not None and passed < self._size:
            raise ValueError(f"the file has {passed} bytes and not {self._size} as was announced")


def _quoted(value: str) -> str:
    """As browsers write it into a form: nothing can end the line or the quotation."""
    return value.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")
