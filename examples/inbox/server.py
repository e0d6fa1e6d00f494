"""Serves the built inbox on this machine, with the simulated WhatsApp's control interface at the same address."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

DIST = Path(__file__).parent / "dist"
LARGEST_FILE = 100 * 1024 * 1024  # what WhatsApp takes of a document

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class NotBuilt(Exception):
    """There is no page to serve yet."""


@asynccontextmanager
async def serving(config: Mapping[str, Any], provider_url: str) -> AsyncIterator[str]:
    """The address of the pages, on a port that is free. `config` is what they find as config.json (src/config.ts).

    Raises NotBuilt if `make inbox` has not been run.
    """
    if not (DIST / "index.html").exists():
        raise NotBuilt("the inbox is not built yet: run `make inbox`")
    async with aiohttp.ClientSession(base_url=provider_url) as provider:
        runner = web.AppRunner(_pages(config, provider), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


def _pages(config: Mapping[str, Any], provider: aiohttp.ClientSession) -> web.Application:
    async def index(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(DIST / "index.html")

    async def settings(_request: web.Request) -> web.StreamResponse:
        return web.json_response(dict(config), headers={"Cache-Control": "no-store"})

    async def control(request: web.Request) -> web.StreamResponse:
        """Handed on as it is: a browser may ask its own origin only."""
        kind = {"Content-Type": request.headers.get("Content-Type", "application/octet-stream")}
        body = await request.read()
        async with provider.request(request.method, request.rel_url, data=body, headers=kind) as answer:
            return web.Response(status=answer.status, body=await answer.read(), content_type=answer.content_type)

    app = web.Application(client_max_size=LARGEST_FILE)
    app.router.add_get("/", index)
    app.router.add_get("/config.json", settings)
    app.router.add_route("*", "/_control/{action}", control)
    app.router.add_static("/", DIST)
    policy = content_policy(str(config["supabaseUrl"]))

    async def protect(_request: web.Request, response: web.StreamResponse) -> None:
        response.headers["Content-Security-Policy"] = policy

    app.on_response_prepare.append(protect)
    return app


def content_policy(supabase_url: str) -> str:
    """The browser itself sees to it that the page talks to Supabase and to nobody else, and runs no script but ours."""
    socket = supabase_url.replace("http", "ws", 1)
    return "; ".join(
        (
            "default-src 'self'",
            f"connect-src 'self' {supabase_url} {socket}",
            f"img-src 'self' data: {supabase_url}",
            f"media-src 'self' {supabase_url}",
            "style-src 'self' 'unsafe-inline'",
            "frame-ancestors 'self'",
        )
    )
