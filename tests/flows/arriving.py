"""A file as it comes out of a download, without the line it came over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass
class Arriving:
    """Pieces, and the length in bytes that the answer named, if it did."""

    pieces: AsyncIterator[bytes]
    length: int | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self.pieces
