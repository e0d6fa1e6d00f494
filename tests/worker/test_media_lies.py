"""Every mixture of what is told of a file and what comes of it: stored is only what nobody's word contradicts."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import itertools
import json
import random
import uuid
from dataclasses import dataclass
from typing import Any, cast

import httpx
import pytest

from store.connect import connect
from store.errors import Missing
from store.files import Files
from store.rpc import Rpc
from tests.conftest import Project
from tests.whatsapp.files import PDF
from tests.whatsapp.scripted import Answer, answer, serving
from whatsapp.client import WhatsAppClient
from whatsapp.provider import META_MEDIA_HOST, provider
from worker.clients import Clients, provider_http
from worker.media import Media

DICE = random.Random(11)
# One that goes in one request, one that ends with a piece, one that goes a byte beyond.
PIECE = 6 * 1024 * 1024
FILES = [PDF + DICE.randbytes(size - len(PDF)) for size in (5_000, PIECE, PIECE + 1)]
HASHES = ("none", "base64", "hex", "HEX", "garbage", "wrong")
LENGTHS = ("none", "number", "text", "garbage", "less", "more")
BODIES = (
    "whole",
    "chunked",
    "to the end of the line",
    "cut",
    "shorter",
    "longer",
    "another",
    "nothing",
    "part",
    "page",
)


@dataclass(frozen=True)
class Mixture:
    """`webhook` and `lookup` tell the hash, `length` is the lookup's, `body` is what comes."""

    raw: bytes
    webhook: str
    lookup: str
    length: str
    body: str

    @property
    def is_to_be_stored(self) -> bool:
        """Whether all that was said is true of what has come, and enough was said."""
        if self.body in ("cut", "part"):
            return False
        came = hashlib.sha256(self.delivered)
        hashes = [told for way in (self.webhook, self.lookup) if (told := self.told_hash(way)) and way != "garbage"]
        lengths = [int(told)] if isinstance(told := self.told_length, int) or (told and told.isdigit()) else []
        is_right = {*hashes} <= {came.hexdigest(), came.hexdigest().upper(), base64.b64encode(came.digest()).decode()}
        is_proven = bool(hashes) or self.body not in ("page", "nothing")
        is_bounded = bool(hashes or lengths) or self.body not in ("chunked", "to the end of the line")
        return is_right and {*lengths} <= {len(self.delivered)} and is_proven and is_bounded

    @property
    def told_length(self) -> int | str | None:
        size = len(self.raw)
        words = {"none": None, "number": size, "text": str(size), "garbage": "many", "less": size - 1, "more": size + 1}
        return words[self.length]

    def told_hash(self, way: str) -> str | None:
        digest = hashlib.sha256(self.raw).digest()
        words = {"base64": base64.b64encode(digest).decode(), "hex": digest.hex(), "HEX": digest.hex().upper()}
        return {**words, "none": None, "garbage": "no hash", "wrong": hashlib.sha256(b"").hexdigest()}[way]

    def answers(self) -> tuple[Answer, Answer]:
        media = {"url": f"{META_MEDIA_HOST}/x?mid=1", "mime_type": "application/pdf", "file_size": self.told_length}
        return answer(200, media | {"sha256": self.told_hash(self.lookup)}), self.sent()

    def sent(self) -> Answer:
        match self.body:
            case "chunked":
                return Answer(
                    _head("Transfer-Encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(self.raw), self.raw)
                )
            case "to the end of the line":
                return Answer(_head("Connection: close") + self.raw, then_closes=True)
            case "cut":
                return Answer(_head(f"Content-Length: {len(self.raw)}") + self.raw[:-1], then_closes=True)
            case "part":
                return Answer(_head(f"Content-Length: {len(self.raw)}", "206 Partial Content") + self.raw)
        return Answer(_head(f"Content-Length: {len(self.delivered)}") + self.delivered)

    @property
    def delivered(self) -> bytes:
        other = PDF + bytes(len(self.raw) - len(PDF))
        page = b"<html>Under maintenance</html>"
        of_body = {"shorter": self.raw[:-1], "longer": self.raw + b"x", "another": other, "nothing": b"", "page": page}
        return of_body.get(self.body, self.raw)


def _head(header: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\n{header}\r\n\r\n".encode()


EVERY = [Mixture(*told) for told in itertools.product(FILES[:1], HASHES, HASHES, LENGTHS, BODIES)]
LARGE = [Mixture(*told) for told in itertools.product(FILES[1:], HASHES, HASHES, LENGTHS, BODIES)]


class Always:
    """In the place of the clients: one for everybody."""

    def __init__(self, client: WhatsAppClient) -> None:
        self._client = client

    async def of(self, job: dict[str, Any]) -> WhatsAppClient:
        return self._client

    async def renewed(self, job: dict[str, Any], refused: object) -> bool:
        return False


async def ended(told: Mixture, http: httpx.AsyncClient, files: Files) -> tuple[dict[str, Any] | None, bytes | None]:
    """What became of the file, and what lies in the bucket."""
    job = {"message_id": str(uuid.uuid4()), "connection_id": "c", "media_id": "1", "type": "document", "attempts": 1}
    job |= {"object_name": f"{uuid.uuid4()}/none/1", "mime_type": None, "sha256": told.told_hash(told.webhook)}
    async with serving(*told.answers()) as server:
        at = provider("360dialog", "1065", d360_base_url=server.url, graph_base_url=server.url)
        clients = cast(Clients, Always(WhatsAppClient(http, at, "the key")))
        result = await Media(cast(Rpc, None), clients, files, 1, 100 * 1024 * 1024).run(job)
    for path in (f"{job['object_name']}{extension}" for extension in (".pdf", "")):
        with contextlib.suppress(Missing):
            stored = await files.describe(path)
            async with files.download(path, stored) as content:
                return result, b"".join([chunk async for chunk in content])
    return result, None


# All of them pass as well, in minutes.
@pytest.mark.parametrize("some", [DICE.sample(EVERY, 300), DICE.sample(LARGE, 16)], ids=["small", "large"])
async def test_whatever_is_told_and_comes_a_file_is_shown_whole_or_not_at_all(
    some: list[Mixture], project: Project
) -> None:
    async with connect(project.url, project.service_role_key) as rest, provider_http() as http:
        files, turns = Files(rest, "whatsapp-media"), asyncio.Semaphore(4)

        async def judged(told: Mixture) -> None:
            async with turns:
                result, lies_there = await ended(told, http, files)
            case = json.dumps({**vars(told), "raw": len(told.raw), "result": result})
            assert result, case
            if told.is_to_be_stored:
                assert (result["outcome"], lies_there == told.delivered) == ("stored", True), case
                digest = hashlib.sha256(told.delivered).hexdigest()
                assert (result["size"], result["sha256"]) == (len(told.delivered), digest), case
            else:
                assert (result["outcome"], lies_there) == ("retry", None), case

        await asyncio.gather(*map(judged, some))
