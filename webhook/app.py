"""The HTTP face: verify, commit, answer. What the answer means is in docs/inbound.md."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

import structlog
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from store.errors import StoreError
from store.logs import Seldom
from store.metrics import CONTENT_TYPE, may_scrape
from store.readiness import Readiness
from store.timing import Cell
from webhook.bodies import Bodies, Refused
from webhook.journal import Journal
from webhook.metrics import WebhookMetrics
from webhook.recorder import Event, Recorder
from webhook.request_ids import answered_with, request_id
from webhook.settings import Settings
from whatsapp.envelope import Endpoint, JsonObject, changes, decode
from whatsapp.verify import Tokens, signature_matches, verify_token_matches

log = structlog.get_logger()


Authentic = Callable[[bytes], bool]
# By their names in small letters; of two alike the first.
Headers = Mapping[str, str]
Identify = Callable[[Scope, Headers], tuple[Endpoint, Authentic | None]]


class Receiver:
    """The routes of one receiver over its journal and recorder."""

    def __init__(
        self,
        settings: Settings,
        journal: Journal,
        recorder: Recorder,
        ready: Callable[[], Awaitable[None]],
        metrics: WebhookMetrics,
    ) -> None:
        self._settings = settings
        self._tokens = Tokens(settings.webhook_secrets)
        self._app_secrets = settings.app_secrets
        self._bodies = Bodies()
        self._journal = journal
        self._recorder = recorder
        self._readiness = Readiness(ready)
        self._metrics = metrics

    def app(self, *beside: BaseRoute) -> Shortcut:
        """The routes, and those of others `beside` them, looked at last."""
        by_thousands = {
            "/webhooks/360dialog": ("phone_number_id", self._posted("360dialog", self.from_360dialog_number)),
            "/webhooks/360dialog/waba": ("waba_id", self._posted("360dialog", self.from_360dialog_waba)),
        }
        meta = self._posted("meta", self.from_meta)
        # A router and no application around it: nothing here needs a middleware, and each costs every webhook.
        router = Router(
            routes=[
                *(
                    Route(f"{folder}/{{{parameter}}}", endpoint, methods=["POST"])
                    for folder, (parameter, endpoint) in by_thousands.items()
                ),
                Route("/webhooks/meta", meta, methods=["POST"]),
                Route("/webhooks/meta", self.meta_challenge, methods=["GET"]),
                Route("/livez", self.livez),
                Route("/readyz", self.readyz),
                Route("/metrics", self.metrics),
                *beside,
            ],
            redirect_slashes=False,
        )
        return Shortcut(by_thousands, router)

    def from_360dialog_number(self, scope: Scope, headers: Headers) -> tuple[Endpoint, None]:
        number = self._authentic_subject(scope, headers, "phone_number_id")
        return Endpoint("360dialog", phone_number_id=number), None

    def from_360dialog_waba(self, scope: Scope, headers: Headers) -> tuple[Endpoint, None]:
        waba = self._authentic_subject(scope, headers, "waba_id")
        return Endpoint("360dialog", waba_id=waba), None

    def from_meta(self, _scope: Scope, headers: Headers) -> tuple[Endpoint, Authentic]:
        if not self._app_secrets:
            raise Refused(401)
        signature = headers.get("x-hub-signature-256")
        return Endpoint("meta"), lambda raw: signature_matches(signature, raw, self._app_secrets)

    async def meta_challenge(self, request: Request) -> Response:
        """Meta's handshake when a webhook is registered: the challenge back, if the token is ours."""
        expected, query = self._settings.whatsapp_webhook_verify_token, request.query_params
        if (
            expected is None
            or query.get("hub.mode") != "subscribe"
            or not verify_token_matches(query.get("hub.verify_token"), expected.get_secret_value())
        ):
            return Response(status_code=403)
        return PlainTextResponse(query.get("hub.challenge", ""))

    async def livez(self, _request: Request) -> Response:
        """Whether this process works on; the database is not asked. 503: end it and start another."""
        now = time.monotonic()
        problem = self._journal.problem(now) or self._recorder.problem(now)
        return PlainTextResponse("alive") if problem is None else PlainTextResponse(problem, 503)

    async def metrics(self, request: Request) -> Response:
        """All of docs/metrics.md, for Prometheus. 401 without METRICS_TOKEN, where it is set."""
        if not may_scrape(request.headers.get("authorization"), self._settings.metrics_token):
            return Response(status_code=401)
        return Response(await self._metrics.common.exposition(), headers={"content-type": CONTENT_TYPE})

    async def readyz(self, _request: Request) -> Response:
        """Whether Supabase answers."""
        problem = await self._readiness.problem()
        return PlainTextResponse("ready") if problem is None else PlainTextResponse(problem, 503)

    def _authentic_subject(self, scope: Scope, headers: Headers, parameter: str) -> str:
        """The id in the URL, if the header carries its token. Decided before a byte of the body is read."""
        subject: str = scope["path_params"][parameter]
        known = subject.isascii() and subject.isalnum()
        if not self._tokens.match(headers.get("authorization"), subject) or not known:
            raise Refused(401)
        return subject

    def _posted(self, provider: str, identify: Identify) -> ASGIApp:
        """The route of one kind of webhook: `identify` says whose it is, or refuses it."""
        return Posted(identify, self._bodies, self._receive, self._metrics.answers(provider))

    async def _receive(self, began: float, request: str, endpoint: Endpoint, raw: bytes) -> None:
        body = parse(raw)
        found = changes(body)
        if found and all(change.foreign_to(endpoint) for change in found):
            raise Refused(403)
        try:
            event_id = await self._journal.commit(endpoint, raw, began)
        except StoreError:
            # Not known to be on disk: the provider keeps it and tries again.
            raise Refused(503) from None
        log.debug("webhook.received", request_id=request, event_id=event_id)
        self._recorder.add(Event(event_id, endpoint, raw, (body, found)))


class Shortcut:
    """An ASGI app: what comes by the thousand, without the router's search, which costs what parsing its JSON does.

    `posted`: by folder, the parameter that the last part of a path is, and the endpoint of its POST. All else, and what
    the router makes of these paths otherwise, is the router's.
    """

    def __init__(self, posted: Mapping[str, tuple[str, ASGIApp]], router: Router) -> None:
        self._posted = posted
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("method") == "POST":
            folder, _, subject = scope["path"].rpartition("/")
            if subject and (posted := self._posted.get(folder)):
                parameter, endpoint = posted
                scope["path_params"] = {parameter: subject}
                await endpoint(scope, receive, send)
                return
        await self._router(scope, receive, send)


class Posted:
    """An ASGI endpoint: whom a webhook is for, its body, what is made of it, the answer.

    A class, so that Starlette calls it as it is.
    """

    def __init__(
        self,
        identify: Identify,
        bodies: Bodies,
        receive: Callable[[float, str, Endpoint, bytes], Awaitable[None]],
        answers: Callable[[int], Cell],
    ) -> None:
        self._identify = identify
        self._bodies = bodies
        self._receive = receive
        self._answers = answers
        self._refused = Seldom()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}
        request = request_id(headers)
        # A fault of our own, which the server answers so.
        began, status = time.monotonic(), 500
        try:
            endpoint, authentic = self._identify(scope, headers)
            raw = await self._bodies.read(headers.get("content-length"), receive)
            status = 200 if authentic is None or authentic(raw) else 401
            if status == 200:
                await self._receive(began, request, endpoint, raw)
        except Refused as refused:
            status = refused.status
        finally:
            self._answers(status).observe(time.monotonic() - began)
        if status != 200:
            self._tell_refused(scope, status, request)
        headers_out = CLOSING if status in UNREAD and not _is_short(headers) else NO_CONTENT
        headers_out = [*headers_out, answered_with(request)]
        await send({"type": "http.response.start", "status": status, "headers": headers_out})
        await send({"type": "http.response.body", "body": b""})

    def _tell_refused(self, scope: Scope, status: int, request: str) -> None:
        """Strangers may ask by the thousand: one line in a while, and of what they say only what can be an id."""
        if times := self._refused.count(status):
            said = "".join(scope["path_params"].values())
            subject = said if said.isascii() and said.isalnum() and len(said) <= LONGEST_ID else None
            route = self._identify.__name__.removeprefix("from_")
            about = {"route": route, "subject": subject, "request_id": request}
            log.warning("webhook.refused", status=status, times=times, **about)


LONGEST_ID = 32
NO_CONTENT = [(b"content-length", b"0")]
# Refused before the body was read to its end: the line is closed, or it would be read for as long as it is sent. A body
# that says it is short ends soon; what else was asked on the same line gets its answer.
SHORT = 64 * 1024
UNREAD = frozenset({401, 408, 413})
CLOSING = [*NO_CONTENT, (b"connection", b"close")]


def _is_short(headers: Headers) -> bool:
    declared = headers.get("content-length", "")
    return declared.isdecimal() and int(declared) <= SHORT


def parse(raw: bytes) -> JsonObject:
    """The JSON object of a body. Raises Refused(400): other encodings, NaN and bare values are not JSON objects."""
    try:
        body = decode(raw)
    except (ValueError, RecursionError):
        raise Refused(400) from None
    if not isinstance(body, dict):
        raise Refused(400)
    return body
