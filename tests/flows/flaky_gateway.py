"""The project's gateway with trouble on demand: everything passes through, except what a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web


@dataclass(frozen=True)
class Trouble:
    """What happens to a call instead. `hang`: no answer for so long; `late`: done at once, answered late."""

    status: int = 0
    body: str = ""
    hang: float = 0
    late: float = 0


UNAVAILABLE = Trouble(503, '{"message": "An invalid response was received from the upstream server"}')
NO_CONNECTION = Trouble(503, '{"code": "PGRST001", "message": "Database connection error. Retrying the connection."}')
GARBAGE = Trouble(200, "<html>Under maintenance</html>")
HANGS = Trouble(hang=60)


@dataclass
class FlakyGateway:
    """`troubles` by the end of the path; `seen` is every path asked for."""

    upstream: str
    url: str = ""
    troubles: dict[str, Trouble] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, request: web.Request) -> web.Response:
        self.seen.append(request.path)
        trouble = next((trouble for end, trouble in self.troubles.items() if request.path.endswith(end)), Trouble())
        if trouble.hang:
            await self._pause(trouble.hang)
        if trouble.status:
            return web.Response(status=trouble.status, text=trouble.body, content_type="application/json")
        answer = await self._pass_on(request)
        if trouble.late:
            await self._pause(trouble.late)
        return answer

    async def _pause(self, seconds: float) -> None:
        """A test that is over waits for nobody."""
        try:
            await asyncio.wait_for(self.over.wait(), seconds)
        except TimeoutError:
            return

    async def _pass_on(self, request: web.Request) -> web.Response:
        wanted = ("apikey", "authorization", "content-type", "x-upsert")
        headers = {name: request.headers[name] for name in wanted if name in request.headers}
        async with (
            aiohttp.ClientSession() as session,
            session.request(
                request.method, self.upstream + request.path_qs, headers=headers, data=await request.read()
            ) as answer,
        ):
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)


@asynccontextmanager
async def flaky_gateway(upstream: str) -> AsyncIterator[FlakyGateway]:
    gateway = FlakyGateway(upstream)
    app = web.Application(client_max_size=0)
    app.router.add_route("*", "/{path:.*}", gateway.handle)
    runner = web.AppRunner(app, shutdown_timeout=1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    gateway.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield gateway
    finally:
        gateway.over.set()
        await runner.cleanup()
