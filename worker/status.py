"""The worker's own small server: whether it is alive, whether it is ready, and its metrics."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence

import uvicorn
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, Router

from store.metrics import CONTENT_TYPE, Metrics, may_scrape
from store.readiness import Readiness
from worker.loop import Loop

# Queues are polled every few seconds; who could claim nothing for so long works for nobody.
CLAIM_SECONDS = 60.0


class _Server(uvicorn.Server):
    """uvicorn without its own say about signals: they are the drain's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Status:
    """Answers /livez, /readyz and /metrics of a worker."""

    def __init__(
        self,
        loops: Sequence[Loop],
        check: Callable[[], Awaitable[None]],
        metrics: Metrics,
        token: SecretStr | None,
    ) -> None:
        self._loops = loops
        self._readiness = Readiness(check)
        self._metrics = metrics
        self._token = token
        routes = [Route("/livez", self.livez), Route("/readyz", self.readyz), Route("/metrics", self.metrics)]
        self._server = _Server(
            uvicorn.Config(
                Router(routes=routes, redirect_slashes=False),
                log_config=None,
                access_log=False,
                timeout_graceful_shutdown=1,
                server_header=False,
                proxy_headers=False,
                ws="none",
                lifespan="off",
            )
        )

    async def serve(self, listener: socket.socket) -> None:
        """Until cancelled."""
        await self._server.serve(sockets=[listener])

    async def livez(self, _request: Request) -> Response:
        """Whether the loops work on; the database is not asked. 503: end the process and start another."""
        now = time.monotonic()
        problem = next((problem for loop in self._loops if (problem := loop.problem(now))), None)
        return PlainTextResponse("alive") if problem is None else PlainTextResponse(problem, 503)

    async def readyz(self, _request: Request) -> Response:
        """Whether it can work now: not draining, Supabase answers, and every queue could be claimed from lately."""
        if any(loop.stopping for loop in self._loops):
            return PlainTextResponse("draining", 503)
        if problem := await self._readiness.problem():
            return PlainTextResponse(problem, 503)
        now = time.monotonic()
        late = next((loop.name for loop in self._loops if now - loop.claimed_at > CLAIM_SECONDS), None)
        return PlainTextResponse("ready") if late is None else PlainTextResponse(f"{late}: nothing can be claimed", 503)

    async def metrics(self, request: Request) -> Response:
        """All of docs/metrics.md, for Prometheus. 401 without METRICS_TOKEN, where it is set."""
        if not may_scrape(request.headers.get("authorization"), self._token):
            return Response(status_code=401)
        return Response(await self._metrics.exposition(), headers={"content-type": CONTENT_TYPE})
