"""The providers' signups over HTTP, beside the webhooks: with routes, connections and limits of their own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

import httpx
import structlog
from pydantic import BaseModel
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route, Router

from store.connect import connect
from store.rpc import Rpc
from webhook.onboarding_360dialog import D360Onboarding, FinishBody, StartBody
from webhook.onboarding_errors import Problem
from webhook.onboarding_meta import MetaBody, MetaOnboarding
from webhook.onboarding_people import Gate, People, body_of
from webhook.request_ids import HEADER, request_id
from webhook.settings import Settings
from whatsapp.answers import no_cookies

# Signups take seconds and come a few a day: what comes more at one time is no signup.
AT_ONCE = 4
ASKING_AT_ONCE = 8
SECONDS = 90.0
CLOSED = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}

log = structlog.get_logger()
Body = TypeVar("Body", bound=BaseModel)
Endpoint = Callable[[Request], Awaitable[Response]]


@asynccontextmanager
async def onboarding_in(settings: Settings) -> AsyncIterator[list[BaseRoute]]:
    """The routes of what is configured, none if nothing is. Their connections are not those of the journal."""
    if settings.meta_app_id is None and settings.d360_partner_id is None:
        yield []
        return
    key = settings.supabase_service_role_key.get_secret_value()
    async with (
        connect(settings.supabase_url, key, connections=AT_ONCE) as supabase,
        httpx.AsyncClient(
            timeout=httpx.Timeout(30.0, connect=10.0), cookies=no_cookies(), follow_redirects=False
        ) as providers,
    ):
        yield [Mount("/onboarding", app=Onboarding(settings, supabase, providers).app())]


class Onboarding:
    """The HTTP face of both signups."""

    def __init__(self, settings: Settings, supabase: httpx.AsyncClient, providers: httpx.AsyncClient) -> None:
        self._settings = settings
        self._people = People(supabase)
        rpc = Rpc(supabase)
        self._meta = MetaOnboarding(settings, providers, rpc)
        self._d360 = D360Onboarding(settings, providers, rpc)
        self._asking, self._working = Gate(ASKING_AT_ONCE), Gate(AT_ONCE)

    def app(self) -> Any:
        routes: list[Route] = []
        if self._settings.meta_app_id is not None:
            routes += [
                Route("/meta", self._posted(MetaBody, self._meta.connect), methods=["POST"]),
                Route("/meta/config", self._config, methods=["GET"]),
            ]
        if self._settings.d360_partner_id is not None:
            routes += [
                Route("/360dialog", self._returned, methods=["GET"]),
                Route("/360dialog", self._posted(FinishBody, self._d360.finish), methods=["POST"]),
                Route("/360dialog/start", self._posted(StartBody, self._d360.start), methods=["POST"]),
            ]
        return CORSMiddleware(
            Router(routes, redirect_slashes=False),
            allow_origins=self._settings.onboarding_origin_list,
            allow_methods=["GET", "POST"],
            allow_headers=["authorization", "content-type"],
            expose_headers=[HEADER],
        )

    async def _config(self, _request: Request) -> Response:
        """What Meta's window is opened with: public values."""
        return JSONResponse({"app_id": self._settings.meta_app_id, "config_id": self._settings.meta_config_id})

    async def _returned(self, request: Request) -> Response:
        # 303 and nothing done: a browser, a scanner of links or a second tap may ask this as often as they like.
        return RedirectResponse(self._d360.returned(request.query_params), 303, CLOSED)

    def _posted(self, model: type[Body], work: Callable[[UUID, Body], Awaitable[Any]]) -> Endpoint:
        """A signed-in user's request: who, then what, then the work, with an answer for whatever happens."""

        async def endpoint(request: Request) -> Response:
            named = request_id(request.headers)
            try:
                with self._asking:
                    user_id = await self._people.signed_in(request.headers.get("authorization"))
                    body = await body_of(request, model)
                with self._working:
                    async with asyncio.timeout(SECONDS):
                        outcome = await work(user_id, body)
            except TimeoutError:
                return _answered(request, named, Problem("provider_unavailable"))
            except Problem as problem:
                return _answered(request, named, problem)
            log.info("onboarding.done", path=request.url.path, user_id=str(user_id), request_id=named)
            return JSONResponse(outcome, headers={**CLOSED, HEADER: named})

        return endpoint


def _answered(request: Request, named: str, problem: Problem) -> Response:
    log.warning("onboarding.refused", path=request.url.path, code=problem.code, request_id=named)
    headers = {**CLOSED, HEADER: named}
    if problem.code == "busy":
        headers["Retry-After"] = "5"
    if problem.code in ("too_large", "too_slow", "not_signed_in", "busy"):
        # The body may be unread: the line is closed rather than read for as long as somebody sends.
        headers["Connection"] = "close"
    return JSONResponse(problem.as_json(), problem.ending.status, headers)
