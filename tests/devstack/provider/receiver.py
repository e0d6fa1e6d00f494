"""A webhook receiver that keeps what it gets and answers what it is told."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Webhook:
    """One POST as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def values(self) -> list[dict[str, Any]]:
        return [change["value"] for entry in self.body["entry"] for change in entry["changes"]]

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [status for value in self.values for status in value.get("statuses", [])]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values for message in value.get("messages", [])]


@dataclass
class Receiver:
    """`answers` are the statuses of the next POSTs, 200 when none is left; so many as `silent` says get none at all.

    `verify_token` is for Meta's handshake.
    """

    url: str = ""
    verify_token: str = "right"
    answers: list[int] = field(default_factory=list)
    silent: int = 0
    webhooks: list[Webhook] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def statuses(self) -> list[dict[str, Any]]:
        return [status for webhook in self.webhooks for status in webhook.statuses]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for webhook in self.webhooks for message in webhook.messages]

    async def until(self, condition: Callable[[Receiver], bool], within: float = 10) -> None:
        """Wait until what has arrived fulfils the condition."""
        async with asyncio.timeout(within):
            while not condition(self):
                self._changed.clear()
                await self._changed.wait()

    async def take(self, request: web.Request) -> web.Response:
        self.webhooks.append(Webhook(dict(request.headers), await request.read()))
        self._changed.set()
        if self.silent:
            self.silent -= 1
            await self.over.wait()
        return web.Response(status=self.answers.pop(0) if self.answers else 200)

    async def shake_hands(self, request: web.Request) -> web.Response:
        if request.query["hub.verify_token"] != self.verify_token:
            return web.Response(status=403)
        return web.Response(text=request.query["hub.challenge"])


@asynccontextmanager
async def listening() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.add_routes([web.post("/hook", receiver.take), web.get("/hook", receiver.shake_hands)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield receiver
    receiver.over.set()
    await runner.cleanup()
