"""Media downloads as a queue: looked up, fetched and stored at one time, and visible only once they are proven."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Sequence
from typing import Any

import structlog

from store.files import Files
from store.rpc import Rpc
from whatsapp.client import MediaUrl, WhatsAppClient
from whatsapp.errors import Refused
from whatsapp.filetypes import dimensions, extension, ogg_duration, settle, stored_type
from worker.attachments import LeaseLost
from worker.clients import Clients
from worker.loop import lease_of
from worker.media_failures import Failures, Stale, kind_of
from worker.proof import Announced, Corrupt, TooLarge
from worker.shares import Shares
from worker.spool import Spool, end

log = structlog.get_logger()

Row = dict[str, Any]

LEASE_SECONDS = 300
# A file that has taken longer may be nobody's any more: deleted meanwhile, or ended by another worker.
SURE_SECONDS = 60.0


class Media:
    """Claims from `media_downloads`, stores into the bucket. `limit` is the largest file in bytes."""

    name = "media"

    def __init__(self, rpc: Rpc, clients: Clients, files: Files, slots: int, limit: int) -> None:
        self._rpc = rpc
        self._clients = clients
        self._files = files
        self._limit = limit
        self._failures = Failures()
        self.slots = slots

    async def claim(self, most: int, shares: Shares) -> list[Row]:
        return await self._rpc.claim_media(most, LEASE_SECONDS, shares)

    async def record(self, results: Sequence[Row]) -> int:
        return await self._rpc.record_media(results)

    async def release(self, leases: Sequence[Row]) -> int:
        return await self._rpc.release_media(leases)

    async def sweep(self) -> int:
        return await self._rpc.sweep_media()

    async def extend(self, leases: Sequence[Row]) -> int:
        return await self._rpc.extend_media(leases, LEASE_SECONDS)

    async def due(self, shares: Shares) -> float | None:
        return await self._rpc.next_media(shares)

    async def run(self, job: Row) -> Row | None:
        """Fetches one file: stored, retry, failed, expired or corrupt; None when cut off or too late."""
        try:
            return await self._outcome(job)
        except asyncio.CancelledError:
            return None

    async def _outcome(self, job: Row) -> Row | None:
        client: WhatsAppClient | None = None
        try:
            self._failures.check(job)
            client = await self._clients.of(job)
            result = await self._fetch(job, client)
        except LeaseLost:
            return None
        except Exception as error:
            return await self._failed(job, client, error)
        self._failures.forget(job)
        log.debug("media.stored", message_id=job["message_id"], size=result["size"])
        return result

    async def _fetch(self, job: Row, client: WhatsAppClient) -> Row:
        # A fresh address on each try: it lives five minutes.
        media = await client.get_media_url(job["media_id"])
        announced = Announced.of(job, media)
        if announced.size is not None and announced.size > self._limit:
            raise TooLarge(f"{announced.size} bytes, and the limit is {self._limit}")
        with Spool(self._limit, announced.size) as spool:
            filling = asyncio.create_task(spool.fill(client.download_media(media)))
            try:
                return await self._store(job, media, announced, spool)
            except Refused as error:
                raise Stale("the file's address answers 404") if error.status == 404 else error from None
            finally:
                await end(filling)

    async def _store(self, job: Row, media: MediaUrl, announced: Announced, spool: Spool) -> Row:
        """Sends what has come so far after what has been sent; the last of it when all has come and is right."""
        began = time.monotonic()

        async def proven() -> int:
            size = await spool.whole()
            announced.check(size, spool.digest())
            if spool.length is None and announced.size is None and not announced.digests:
                raise Corrupt("nobody said how long it is or what its hash is")
            if time.monotonic() - began > SURE_SECONDS and not await self.extend([lease_of(job)]):
                raise LeaseLost
            return size

        head = await spool.head()
        mime_type = _settled(job, media, announced, head)
        path = job["object_name"] + extension(mime_type)
        size = spool.length if announced.size is None else announced.size
        await self._files.upload(path, spool, stored_type(mime_type), size=size, proven=proven)
        result = {"outcome": "stored", "path": path, "mime_type": mime_type}
        result |= {"size": spool.size, "sha256": spool.digest().hex()}
        return result | _measures(head, await spool.tail())

    async def _failed(self, job: Row, client: WhatsAppClient | None, error: Exception) -> Row:
        kind = kind_of(error)
        result = self._failures.result(job, error)
        if kind == "auth" and client is not None and await self._has_another_key(job, client):
            result["retry_after"] = 0.0
        told = {"outcome": result["outcome"], "code": result["error"]["code"]}
        told |= {"message_id": job["message_id"], "connection_id": job["connection_id"]}
        if kind == "unexpected":
            told |= {"error": type(error).__name__, "raised_at": _place(error)}
        log.warning("media.failed", kind=kind, **told)
        return result

    async def _has_another_key(self, job: Row, refused: WhatsAppClient) -> bool:
        try:
            return await self._clients.renewed(job, refused)
        except Exception:
            # Nobody can say now, for whatever reason: it is asked again with the next try.
            return False


def _settled(job: Row, media: MediaUrl, announced: Announced, head: bytes) -> str:
    """The content type of the file. Raises Corrupt when its bytes deny the announced one and no hash speaks for it."""
    # The webhook's before the lookup's, which may be told otherwise with each try, and shorter: a file that is fetched
    # twice has to get the same extension twice.
    settled = settle(job["mime_type"] or media.mime_type, head, job["type"])
    if settled.contradicted and not announced.digests:
        raise Corrupt("the content is not of the type that was announced")
    return settled.mime_type


def _measures(head: bytes, tail: bytes) -> Row:
    """What can be read off the edges of a file, whatever it is called: pixels of a picture, seconds of a voice."""
    told: Row = {}
    if (size := dimensions(head)) is not None:
        told |= {"width": size[0], "height": size[1]}
    if (duration := ogg_duration(head, tail)) is not None:
        told |= {"duration": duration}
    return told


def _place(error: Exception) -> str:
    """Where an error was raised: its text may say what nobody should read."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"
