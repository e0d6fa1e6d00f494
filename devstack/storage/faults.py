"""Storage on a bad day, on demand: down, slow, failing, full, cutting or forgetting uploads. At /_devstack/storage."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, fields
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler

from devstack.storage.errors import ClientGone, StorageError


@dataclass
class Faults:
    """What to do wrong. `fail_next` and `forget_next` count down, everything else stays until changed.

    full           no byte of an upload is taken: there is no room on the disk
    no_resumable   as a server without the TUS protocol
    forget_next    so many resumable uploads are unknown when their second piece comes
    counts         what was asked for since it was last set to {}, by method and kind, and `bytes` of uploads taken
    """

    down: bool = False
    delay_ms: int = 0
    fail_next: int = 0
    forget_next: int = 0
    full: bool = False
    no_resumable: bool = False
    cut_uploads_after: int | None = None
    counts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, number: int = 1) -> None:
        self.counts[what] = self.counts.get(what, 0) + number

    def takes_failure(self) -> bool:
        """Whether this request is to fail."""
        if self.fail_next > 0:
            self.fail_next -= 1
            return True
        return self.down

    def forgets(self, request: web.Request) -> bool:
        """Whether this is a piece of an upload that is to be unknown."""
        begun = request.method == "PATCH" and request.headers.get("Upload-Offset", "0") != "0"
        if not begun or self.forget_next == 0:
            return False
        self.forget_next -= 1
        return True

    async def metered(self, request: web.Request, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """An upload's bytes, until the connection is cut if it is to be."""
        received = 0
        async for chunk in chunks:
            if self.full:
                raise StorageError(500, "InternalError", "ENOSPC: no space left on device, write")
            received += len(chunk)
            if self.cut_uploads_after is not None and received > self.cut_uploads_after:
                if request.transport:
                    request.transport.abort()
                raise ClientGone
            self.count("bytes", len(chunk))
            yield chunk


FAULTS = web.AppKey("faults", Faults)
RESUMABLE = "/upload/resumable"


@web.middleware
async def misbehave(request: web.Request, handler: Handler) -> web.StreamResponse:
    faults = request.app[FAULTS]
    kind = "resumable" if RESUMABLE in request.path else "object"
    faults.count(f"{request.method} {kind}")
    if faults.delay_ms:
        await asyncio.sleep(faults.delay_ms / 1000)
    if faults.takes_failure():
        message = "Storage is unavailable on demand"
        return StorageError(503, "SlowDown", message, http_status=503).as_response()
    if faults.no_resumable and kind == "resumable":
        return web.json_response({"message": f"Route {request.method}:{request.path} not found"}, status=404)
    if faults.forgets(request):
        return web.Response(status=404, text="File not found")
    return await handler(request)


def build_control(storage: web.Application) -> web.Application:
    """POST any of the fields to set them, `{"reset": true}` to be kind again; GET shows them."""
    faults = storage[FAULTS]

    async def change(request: web.Request) -> web.Response:
        wanted: dict[str, Any] = await request.json()
        if wanted.pop("reset", False):
            wanted = {**vars(Faults()), **wanted}
        if unknown := wanted.keys() - {field.name for field in fields(Faults)}:
            raise web.HTTPBadRequest(text=f"unknown: {', '.join(sorted(unknown))}")
        for name, value in wanted.items():
            setattr(faults, name, value)
        return web.json_response(vars(faults))

    async def show(_: web.Request) -> web.Response:
        return web.json_response(vars(faults))

    app = web.Application()
    app.add_routes([web.post("", change), web.get("", show)])
    return app
