"""What was announced about a file, and whether it is what came."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from whatsapp.client import MediaUrl

# RFC 4648, 5: the other alphabet of base64.
_URL_SAFE = str.maketrans("-_", "+/")


class Corrupt(Exception):
    """What arrived is not what was announced."""


class TooLarge(Exception):
    """More than the limit."""


@dataclass(frozen=True, slots=True)
class Announced:
    """`size` in bytes, None if nobody said; `digests` are the SHA-256 of webhook and lookup, those that were told."""

    size: int | None
    digests: frozenset[bytes]

    @classmethod
    def of(cls, job: dict[str, Any], media: MediaUrl) -> Announced:
        told = (digest_of(sha256) for sha256 in (job["sha256"], media.sha256) if sha256)
        return cls(media.file_size, frozenset(digest for digest in told if digest is not None))

    def check(self, size: int, digest: bytes) -> None:
        """Raises Corrupt. Nothing at all is right only where it was announced."""
        if self.size is not None and size != self.size:
            raise Corrupt(f"{size} bytes instead of {self.size}")
        if any(digest != announced for announced in self.digests):
            raise Corrupt("the content does not match its SHA-256")
        if size == 0 and self.size is None and not self.digests:
            raise Corrupt("no content at all")


def digest_of(announced: str) -> bytes | None:
    """A SHA-256 in hex (media lookup) or base64 (webhook), 32 bytes; None for what is neither and so proves nothing."""
    written = announced.strip()
    try:
        if len(written) == 64:
            digest = bytes.fromhex(written)
        else:
            bare = written.rstrip("=").translate(_URL_SAFE)
            digest = base64.b64decode(bare + "=" * (-len(bare) % 4), validate=True)
    except (ValueError, binascii.Error):
        return None
    return digest if len(digest) == 32 else None
