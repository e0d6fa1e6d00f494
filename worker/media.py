"""Media downloads as a queue: looked up, streamed to a temporary file, proven by hash, then stored."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import tempfile
from collections.abc import AsyncIterable, Sequence
from typing import Any, BinaryIO

import structlog

from store.errors import Rejected, StoreError
from store.files import Files
from store.rpc import Rpc
from whatsapp.client import MediaUrl
from whatsapp.errors import NotSent, OutcomeUnknown, Refused
from whatsapp.provider import ForeignHost
from worker.clients import Clients, NoCredential
from worker.outbound import backoff

log = structlog.get_logger()

Row = dict[str, Any]

# Meta delivers at most 100 MB.
MAX_BYTES = 100 * 1024 * 1024
LEASE_SECONDS = 300
CORRUPT_ATTEMPTS = 2
MAX_ATTEMPTS = 8
EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "image/gif": ".gif"}


class Corrupt(Exception):
    """What arrived is not what was announced."""


class TooLarge(Exception):
    """More than the limit."""


class Media:
    """Claims from `media_downloads`, stores into the bucket."""

    name = "media"

    def __init__(self, rpc: Rpc, clients: Clients, files: Files, slots: int) -> None:
        self._rpc = rpc
        self._clients = clients
        self._files = files
        self.slots = slots

    async def claim(self, free: int) -> list[Row]:
        return await self._rpc.claim_media(free, LEASE_SECONDS)

    async def record(self, results: Sequence[Row]) -> int:
        return await self._rpc.record_media(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._rpc.release_media(leases)

    async def sweep(self) -> int:
        return await self._rpc.sweep_media()

    async def extend(self, leases: Sequence[Row]) -> int:
        return await self._rpc.extend_media(leases, LEASE_SECONDS)

    async def due(self) -> float | None:
        return await self._rpc.next_media()

    async def run(self, job: Row) -> Row | None:  # noqa: PLR0911 - one line per kind of failure
        """Fetches one file: stored, retry, failed, expired or corrupt; None when cut off: fetching again is free."""
        try:
            return await self._fetch(job)
        except asyncio.CancelledError:
            return None
        except Corrupt as error:
            again = job["attempts"] < CORRUPT_ATTEMPTS
            return _retry(job, "corrupt", str(error)) if again else _ended("corrupt", "corrupt", str(error))
        except TooLarge as error:
            return _ended("failed", "too_large", str(error))
        except ForeignHost as error:
            return _ended("failed", "foreign_host", str(error))
        except Rejected as error:
            return _ended("failed", error.code, str(error))
        except Refused as error:
            return self._refused(job, error)
        except (StoreError, NotSent, OutcomeUnknown, NoCredential) as error:
            return _retry(job, type(error).__name__, str(error))

    async def _fetch(self, job: Row) -> Row:
        client = await self._clients.of(job)
        # A fresh address on each try: it lives five minutes.
        media = await client.get_media_url(job["media_id"])
        mime_type = media.mime_type or job["mime_type"] or "application/octet-stream"
        path = _path(job, mime_type)
        with tempfile.TemporaryFile(prefix="wabase-media-") as spool:
            async with client.download_media(media) as chunks:
                size, digest = await _spool(chunks, spool)
            _prove(job, media, size, digest)
            await self._files.upload(path, spool, size, mime_type)
        return {"outcome": "stored", "path": path, "mime_type": mime_type, "size": size, "sha256": digest.hex()}

    def _refused(self, job: Row, error: Refused) -> Row:
        self._clients.forget(job["connection_id"])
        gone = error.status == 404 or error.code == 100
        if gone and job["attempts"] >= CORRUPT_ATTEMPTS:
            return _ended("expired", "gone", error.title)
        if job["attempts"] >= MAX_ATTEMPTS:
            return _ended("failed", str(error.code or error.status), error.title)
        return _retry(job, str(error.code or error.status), error.title)


async def _spool(chunks: AsyncIterable[bytes], spool: BinaryIO) -> tuple[int, bytes]:
    """Writes the stream down while hashing it. Never more than the limit, whatever was announced."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        size += len(chunk)
        if size > MAX_BYTES:
            raise TooLarge(f"more than {MAX_BYTES} bytes")
        digest.update(chunk)
        spool.write(chunk)
    return size, digest.digest()


def _prove(job: Row, media: MediaUrl, size: int, digest: bytes) -> None:
    if media.file_size is not None and media.file_size != size:
        raise Corrupt(f"{size} bytes instead of {media.file_size}")
    for announced in (job["sha256"], media.sha256):
        if announced and _digest(announced) != digest:
            raise Corrupt("the content does not match its SHA-256")


def _digest(announced: str) -> bytes:
    """A SHA-256 in hex (media lookup) or base64 (webhook)."""
    try:
        return bytes.fromhex(announced) if len(announced) == 64 else base64.b64decode(announced, validate=True)
    except (ValueError, binascii.Error):
        return b""


def _path(job: Row, mime_type: str) -> str:
    extension = EXTENSIONS.get(mime_type.partition(";")[0].strip().lower(), "")
    return f"{job['object_name']}{extension}"


def _retry(job: Row, code: str, title: str) -> Row:
    return {"outcome": "retry", "retry_after": backoff(job["attempts"]), "error": {"code": code, "title": title}}


def _ended(outcome: str, code: str, title: str) -> Row:
    log.warning("media.ended", outcome=outcome, code=code)
    return {"outcome": outcome, "error": {"code": code, "title": title}}
