"""The HTTP client towards one Supabase project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from store.errors import answered
from store.pool import Client, Transport
from store.watched import Watch, Watched


@asynccontextmanager
async def connect(
    url: str, key: str, *, connections: int = 16, read_seconds: float = 15.0, watch: Watch | None = None
) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the project's address and key, for a legacy JWT and for `sb_secret_…` alike.

    Both headers carry the same key: the gateway rewrites `Bearer sb_…` only when it equals `apikey`. The Data API's own
    cap on a request is 60 seconds. `watch` is told of each call.
    """
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=connections, keepalive_expiry=30)
    transport = Transport(limits=limits)
    async with Client(
        base_url=url.rstrip("/"),
        headers={"apikey": key, "Authorization": f"Bearer {key}"},
        timeout=httpx.Timeout(read_seconds, connect=min(5.0, read_seconds)),
        transport=transport if watch is None else Watched(transport, watch),
    ) as client:
        yield client


async def check(http: httpx.AsyncClient) -> None:
    """Asks for one row that only the backend may see. Raises StoreError: address, key, grants or migrations."""
    await answered(http.get("/rest/v1/webhook_events?select=id&limit=1"))
