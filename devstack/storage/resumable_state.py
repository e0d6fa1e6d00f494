"""What is known of a resumable upload that is under way: a file that grows and a note beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devstack.storage.errors import StorageError
from devstack.storage.keys import Location

EXPIRY = timedelta(hours=24)


@dataclass(frozen=True)
class PartialUpload:
    """Survives a restart of the stack. `version` names its files: what has come, a note, and the MD5 of each part."""

    folder: Path
    version: str
    location: Location
    length: int
    metadata: dict[str, str]
    begun_at: datetime

    @classmethod
    def begin(cls, folder: Path, location: Location, length: int, metadata: dict[str, str]) -> PartialUpload:
        upload = cls(folder, str(uuid.uuid4()), location, length, metadata, datetime.now(UTC))
        note = {"bucket": location.bucket_id, "name": location.name, "length": length, "metadata": metadata}
        upload.path.touch()
        upload._note.write_text(json.dumps({**note, "begun_at": upload.begun_at.isoformat()}))
        return upload

    @classmethod
    def at(cls, folder: Path, address: str) -> PartialUpload | None:
        """The upload of an address, None if there is none or it is over."""
        try:
            path = base64.urlsafe_b64decode(f"{address}{'=' * (-len(address) % 4)}").decode()
            version = str(uuid.UUID(path.rsplit("/", 1)[-1]))
            note = json.loads((folder / f"{version}.json").read_text())
        except (ValueError, OSError):
            return None
        location, begun_at = Location(note["bucket"], note["name"]), datetime.fromisoformat(note["begun_at"])
        upload = cls(folder, version, location, note["length"], note["metadata"], begun_at)
        return upload if upload.path.is_file() else None

    @property
    def path(self) -> Path:
        return self.folder / self.version

    @property
    def _note(self) -> Path:
        return self.folder / f"{self.version}.json"

    @property
    def _parts(self) -> Path:
        return self.folder / f"{self.version}.parts"

    def add_part(self, digest: bytes) -> None:
        """The MD5 of what one request has brought."""
        with self._parts.open("ab") as parts:
            parts.write(digest)

    @property
    def etag(self) -> str:
        """As S3 makes it of an upload in parts: the MD5 of their MD5s, and how many there were."""
        parts = self._parts.read_bytes() if self._parts.is_file() else b""
        return f'"{hashlib.md5(parts, usedforsecurity=False).hexdigest()}-{len(parts) // 16}"'

    @property
    def address(self) -> str:
        """As in the real service's URLs: bucket, name and version in base64url."""
        text = f"{self.location.path}/{self.version}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @property
    def offset(self) -> int:
        return self.path.stat().st_size

    @property
    def expires_at(self) -> datetime:
        return self.begun_at + EXPIRY

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)
        self._parts.unlink(missing_ok=True)


def parse_metadata(header: str) -> dict[str, str]:
    """`Upload-Metadata`: pairs of a key and a base64 value, separated by commas."""
    pairs = [pair.strip().partition(" ") for pair in header.split(",") if pair.strip()]
    try:
        return {key: base64.b64decode(value).decode() for key, _, value in pairs}
    except ValueError as error:
        raise StorageError(400, "InvalidRequest", "Upload-Metadata is invalid") from error
