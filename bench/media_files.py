"""The files of a run, each a function of its number and size: provider and proof know them without keeping them."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

PIECE = 256 * 1024
KINDS = {"image": ("image/jpeg", b"\xff\xd8\xff\xe0"), "document": ("application/pdf", b"%PDF-1.7")}
# What no compression makes smaller, the same in every process.
_NOISE = random.Random(0).randbytes(PIECE)


@dataclass(frozen=True)
class File:
    """`kind` is the message's type. The media id says all three, in digits only as Meta's are."""

    kind: str
    size: int
    number: int

    @classmethod
    def of(cls, media_id: str) -> File:
        return cls(list(KINDS)[int(media_id[1])], int(media_id[2:12]), int(media_id[12:]))

    @property
    def id(self) -> str:
        return f"1{list(KINDS).index(self.kind)}{self.size:010d}{self.number:08d}"

    @property
    def wamid(self) -> str:
        return f"wamid.HBgMOTcyNTAxMjM0NTY3FQIAEhgWMEDIA{self.id}AA=="

    @property
    def mime_type(self) -> str:
        return KINDS[self.kind][0]

    def pieces(self) -> Iterator[bytes]:
        """Its bytes: the signature of its type, its id, noise."""
        mark = KINDS[self.kind][1] + self.id.encode()
        yield (mark + _NOISE)[: min(self.size, PIECE)]
        whole, rest = divmod(max(0, self.size - PIECE), PIECE)
        for _ in range(whole):
            yield _NOISE
        yield _NOISE[:rest]

    def digest(self) -> bytes:
        return _digest(self)


@lru_cache(maxsize=10_000)
def _digest(file: File) -> bytes:
    digest = hashlib.sha256()
    for piece in file.pieces():
        digest.update(piece)
    return digest.digest()


def files(kind: str, size: int, count: int, first: int = 0) -> list[File]:
    return [File(kind, size, first + number) for number in range(count)]


def body(number: str, waba: str, arrived: list[File], people: int) -> bytes:
    """One webhook with a message for each file, from so many people in turn."""
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "97235551234", "phone_number_id": number},
        "contacts": [_contact(person) for person in sorted({file.number % people for file in arrived})],
        "messages": [_message(file, file.number % people) for file in arrived],
    }
    entry = {"id": waba, "changes": [{"value": value, "field": "messages"}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}, separators=(",", ":")).encode()


def _contact(person: int) -> dict[str, object]:
    return {"profile": {"name": f"Customer {person}"}, "wa_id": f"97252{person:07d}"}


def _message(file: File, person: int) -> dict[str, object]:
    told = {"id": file.id, "mime_type": file.mime_type, "sha256": base64.b64encode(file.digest()).decode()}
    return {
        "from": f"97252{person:07d}",
        "id": file.wamid,
        "timestamp": str(int(time.time())),
        "type": file.kind,
        file.kind: told,
    }
