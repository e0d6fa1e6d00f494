"""Files of the bucket on their way to WhatsApp: uploaded once per number, then named by their id while that lives."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from weakref import WeakValueDictionary

import structlog

from store.errors import Missing, StoreError
from store.files import Files, Stored
from store.rpc import Rpc
from whatsapp.client import WhatsAppClient
from whatsapp.errors import ErrorClass, NotSent, OutcomeUnknown, Refused
from whatsapp.outgoing import media_in
from whatsapp.upload import MAX_BYTES, media_name_and_type
from worker.loop import lease_of

log = structlog.get_logger()

Row = dict[str, Any]

# Files on their way at one time, whoever's they are: each takes a connection to Storage from the calls of the queues.
UPLOADS = 8
# As long as a send's: a heartbeat keeps it while a large file is on its way.
LEASE_SECONDS = 90
# How WhatsApp says, among other things, that it does not know a media id.
GONE = (100, 131053)


class Unattachable(Exception):
    """A file that cannot go out as it is. `as_json` has the shape of `messages.error`."""

    def __init__(self, code: str, title: str, remedy: str) -> None:
        self.code, self.title, self.remedy = code, title, remedy
        super().__init__(f"{code}: {title}")

    def as_json(self) -> Row:
        told = {"code": self.code, "title": self.title, "remedy": self.remedy}
        return told | {"class": str(ErrorClass.PERMANENT)}


class LeaseLost(Exception):
    """Somebody else has the job by now, or nobody: nothing of it may leave from here."""


@dataclass
class Attached:
    """Content with an id for every path. `remembered`: those that somebody uploaded before."""

    content: Any
    remembered: list[str] = field(default_factory=list)


class Attachments:
    """Uploads what messages name by path. Nothing here is ever uncertain: an upload that is repeated harms nobody."""

    def __init__(self, rpc: Rpc, files: Files) -> None:
        self._rpc = rpc
        self._files = files
        self._uploads = asyncio.Semaphore(UPLOADS)
        self._locks: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    async def attach(self, job: Row, client: WhatsAppClient) -> Attached:
        """The job's content as WhatsApp takes it.

        Raises Unattachable and Refused for good, StoreError and NotSent for a while, LeaseLost.
        """
        attached = Attached(copy.deepcopy(job["content"]))
        uploaded = False
        for kind, media in media_in(job["type"], attached.content):
            path = media.pop("path", None)
            if path is None:
                continue
            stored = await self._described(job, kind, path)
            voice = media.get("voice") is True
            # The same bytes under another type are another file to WhatsApp.
            version = f"{stored.version} {media_name_and_type(path, stored.content_type, voice=voice)[1]}"
            key = (job["connection_id"], path, version)
            media_id = await self._rpc.get_uploaded_media(*key)
            if media_id:
                attached.remembered.append(media_id)
            else:
                uploaded = uploaded or await self._hold(job, preparing=True)
                media_id = await self._upload_once(key, client, stored, voice=voice)
            media["id"] = media_id
        if uploaded:
            await self._hold(job, preparing=False)
        return attached

    async def forget(self, job: Row, attached: Attached, error: Refused) -> bool:
        """Whether a refusal may mean that WhatsApp has forgotten a file, so that another try uploads it anew."""
        if not attached.remembered or error.code not in GONE:
            return False
        try:
            return await self._rpc.release_uploaded_media(job["connection_id"], attached.remembered)
        except (StoreError, asyncio.CancelledError):
            # Nobody can say now: it is asked again with the next try. Refused it is, whoever is cut off meanwhile.
            return True

    async def _described(self, job: Row, kind: str, path: Any) -> Stored:
        # The database has looked at the path as well; a file of another workspace and none at all look the same.
        parts = str(path).split("/")
        if parts[:2] != [job["workspace_id"], "outgoing"] or {"", ".", ".."} & set(parts):
            raise _not_found(path)
        try:
            stored = await self._files.describe(path)
        except Missing:
            raise _not_found(path) from None
        if stored.size > MAX_BYTES[kind]:
            title = f"The file has {stored.size} bytes, and WhatsApp takes {MAX_BYTES[kind]} of this kind at most"
            raise Unattachable("media_too_large", title, "Send a smaller file, or a document of at most 100 MB.")
        return stored

    async def _upload_once(
        self, key: tuple[str, str, str], client: WhatsAppClient, stored: Stored, *, voice: bool
    ) -> str:
        async with self._locks.setdefault(key, asyncio.Lock()):
            # Whoever held the lock has perhaps uploaded this one.
            if media_id := await self._rpc.get_uploaded_media(*key):
                return media_id
            async with self._uploads:
                media_id = await self._upload(key[1], client, stored, voice=voice)
            await self._rpc.record_uploaded_media(*key, media_id)
            log.info("media.uploaded", connection_id=key[0], size=stored.size)
            return media_id

    async def _upload(self, path: str, client: WhatsAppClient, stored: Stored, *, voice: bool) -> str:
        name, mime_type = PurePosixPath(path).name, stored.content_type
        try:
            async with self._files.download(path, stored) as content:
                return await client.upload_media(
                    content, filename=name, mime_type=mime_type, size=stored.size, voice=voice
                )
        except (OutcomeUnknown, ValueError) as error:
            raise NotSent(f"upload of a file: {error}") from error

    async def _hold(self, job: Row, *, preparing: bool) -> bool:
        """Says how far the message is: a worker that dies while preparing leaves no doubt behind."""
        if not await self._rpc.extend_outbound([lease_of(job)], LEASE_SECONDS, preparing=preparing):
            raise LeaseLost
        return True


def _not_found(path: str) -> Unattachable:
    title = f"There is no file {path!r} in the bucket"
    return Unattachable("media_not_found", title, "Upload the file under {workspace_id}/outgoing/ and send it anew.")
