"""The files that the provider keeps: ids with a lifetime, signed five-minute URLs, bytes on disk."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlencode

from devstack.provider.clock import DAY, Clock
from devstack.provider.errors import unknown_object
from devstack.provider.limits import MEDIA_LIMITS

INBOUND_LIFE = 7 * DAY
UPLOAD_LIFE = 30 * DAY
URL_LIFE = 5 * 60
DOWNLOAD_PATH = "/whatsapp_business/attachments/"


@dataclass
class Media:
    """One file. `sha256` and `file_size` are what is told about it, which a test may make a lie."""

    id: str
    phone_number_id: str
    mime_type: str
    path: Path
    sha256: str
    file_size: int
    expires_at: float
    filename: str | None = None
    truncate: int | None = None

    @property
    def base64_sha256(self) -> str:
        """How webhooks carry the hash; a lookup carries hexadecimal digits."""
        try:
            return base64.b64encode(bytes.fromhex(self.sha256)).decode()
        except ValueError:
            return self.sha256

    def fault_for(self, kind: str) -> str | None:
        """Why a message of this kind cannot carry the file: found out only after the message was accepted."""
        bare = self.mime_type.partition(";")[0].strip().lower()
        types, limit = MEDIA_LIMITS[kind]
        if kind != "document" and bare not in types:
            return f"Unsupported {kind} mime type {self.mime_type}"
        if self.file_size > limit:
            return f"The file of {self.file_size} bytes is larger than the {limit} bytes allowed for {kind}"
        return None


class Spool:
    """A file while it arrives: hashed and counted on its way to the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._file: BinaryIO = path.open("wb")
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def finish(self) -> str:
        """The hash of what arrived, in hexadecimal digits."""
        self._file.close()
        return self._hash.hexdigest()

    def discard(self) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)


class MediaStore:
    """All media by id."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._directory = directory
        self._clock = clock
        self._media: dict[str, Media] = {}
        self._ids = itertools.count(700_000_000_000_001)
        self._secret = secrets.token_bytes(32)

    def spool(self) -> Spool:
        return Spool(self._directory / secrets.token_hex(16))

    def keep(self, spool: Spool, phone_number_id: str, mime_type: str, life: float, filename: str | None) -> Media:
        """Gives the arrived file an id."""
        media = Media(
            id=str(next(self._ids)),
            phone_number_id=phone_number_id,
            mime_type=mime_type,
            path=spool.path,
            sha256=spool.finish(),
            file_size=spool.size,
            expires_at=self._clock.now(phone_number_id) + life,
            filename=filename,
        )
        self._media[media.id] = media
        return media

    def owner_of(self, media_id: str) -> str | None:
        media = self._media.get(media_id)
        return media.phone_number_id if media else None

    def find(self, media_id: str, phone_number_ids: set[str], method: str = "get") -> Media:
        """A living file of these numbers. Raises ApiError (100/33): foreign, unknown and expired look the same."""
        media = self._media.get(media_id)
        if media is None or media.phone_number_id not in phone_number_ids:
            raise unknown_object(media_id, method)
        if media.expires_at <= self._clock.now(media.phone_number_id):
            raise unknown_object(media_id, method)
        return media

    def drop(self, media: Media) -> None:
        del self._media[media.id]
        media.path.unlink(missing_ok=True)

    def signed_url(self, media: Media, base: str, **extra: str) -> str:
        """A download address that is good for five minutes."""
        expires = str(int(self._clock.now(media.phone_number_id)) + URL_LIFE)
        query = {"mid": media.id, **extra, "ext": expires, "hash": self._sign(media.id, expires)}
        return f"{base}{DOWNLOAD_PATH}?{urlencode(query)}"

    def opens(self, media: Media, expires: str, signature: str) -> bool:
        """Whether a download address is ours and not older than five minutes."""
        return hmac.compare_digest(signature.encode(), self._sign(media.id, expires).encode()) and int(
            expires
        ) > self._clock.now(media.phone_number_id)

    def _sign(self, media_id: str, expires: str) -> str:
        return hmac.new(self._secret, f"{media_id}.{expires}".encode(), hashlib.sha256).hexdigest()

    def forget(self, phone_number_id: str | None) -> None:
        for media in list(self._media.values()):
            if phone_number_id in (None, media.phone_number_id):
                self.drop(media)
