"""The HTTP face: verify, commit, answer. What the answer means is in docs/inbound.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from store.errors import StoreError
from webhook.journal import Journal
from webhook.recorder import Event, Recorder
from webhook.settings import Settings
from whatsapp.envelope import Endpoint, JsonObject, changes
from whatsapp.verify import bearer_matches, signature_matches, verify_token_matches

# Meta sends 3 MB at most.
MAX_BODY = 4 * 1024 * 1024
# 360dialog hangs up after 5 s: answer before, whatever happens. A body that dribbles in longer is nobody's.
READ_SECONDS = 2.5
COMMIT_SECONDS = 2.0

Check = Callable[[bytes], bool]


class Refused(Exception):
    """Answered with this status and nothing more."""

    def __init__(self, status: int) -> None:
        self.status = status


class Receiver:
    """The routes of one receiver over its journal and recorder."""

    def __init__(self, settings: Settings, journal: Journal, recorder: Recorder, ready: Callable[[], Any]) -> None:
        self._settings = settings
        self._journal = journal
        self._recorder = recorder
        self._ready = ready

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/webhooks/360dialog/{phone_number_id}", self.from_360dialog_number, methods=["POST"]),
                Route("/webhooks/360dialog/waba/{waba_id}", self.from_360dialog_waba, methods=["POST"]),
                Route("/webhooks/meta", self.from_meta, methods=["POST"]),
                Route("/webhooks/meta", self.meta_challenge, methods=["GET"]),
                Route("/livez", self.livez),
                Route("/readyz", self.readyz),
            ],
            lifespan=self._lifespan,
            exception_handlers={Refused: _refused},
        )

    async def from_360dialog_number(self, request: Request) -> Response:
        number = self._authentic_subject(request, "phone_number_id")
        return await self._receive(request, Endpoint("360dialog", phone_number_id=number))

    async def from_360dialog_waba(self, request: Request) -> Response:
        waba = self._authentic_subject(request, "waba_id")
        return await self._receive(request, Endpoint("360dialog", waba_id=waba))

    async def from_meta(self, request: Request) -> Response:
        secret = self._settings.meta_app_secret
        if secret is None:
            raise Refused(401)
        signature = request.headers.get("x-hub-signature-256")
        return await self._receive(
            request, Endpoint("meta"), lambda raw: signature_matches(signature, raw, secret.get_secret_value())
        )

    async def meta_challenge(self, request: Request) -> Response:
        """Meta's handshake when a webhook is registered: the challenge back, if the token is ours."""
        expected, query = self._settings.whatsapp_webhook_verify_token, request.query_params
        if (
            expected is None
            or query.get("hub.mode") != "subscribe"
            or not verify_token_matches(query.get("hub.verify_token"), expected.get_secret_value())
        ):
            raise Refused(403)
        return PlainTextResponse(query.get("hub.challenge", ""))

    async def livez(self, _request: Request) -> Response:
        return PlainTextResponse("alive")

    async def readyz(self, _request: Request) -> Response:
        try:
            await self._ready()
        except StoreError as error:
            return PlainTextResponse(f"Supabase: {error.code}", 503)
        return PlainTextResponse("ready")

    def _authentic_subject(self, request: Request, parameter: str) -> str:
        """The id in the URL, if the header carries its token. Decided before a byte of the body is read."""
        subject: str = request.path_params[parameter]
        authorization = request.headers.get("authorization")
        known = subject.isascii() and subject.isalnum()
        if not bearer_matches(authorization, self._settings.webhook_secrets, subject) or not known:
            raise Refused(401)
        return subject

    async def _receive(self, request: Request, endpoint: Endpoint, authentic: Check | None = None) -> Response:
        raw = await _read(request)
        if authentic is not None and not authentic(raw):
            raise Refused(401)
        body = parse(raw)
        found = list(changes(body))
        if found and all(change.foreign_to(endpoint) for change in found):
            raise Refused(403)
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                event_id = await self._journal.commit(endpoint, raw)
        except (StoreError, TimeoutError):
            # Not known to be on disk: the provider keeps it and tries again.
            raise Refused(503) from None
        self._recorder.add(Event(event_id, endpoint, body))
        return Response(status_code=200)

    @asynccontextmanager
    async def _lifespan(self, _app: Starlette) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as tasks:
            recording = tasks.create_task(self._recorder.run())
            sweeping = tasks.create_task(self._recorder.sweep())
            yield
            sweeping.cancel()
            self._recorder.stop()
            await recording


def parse(raw: bytes) -> JsonObject:
    """The JSON object of a body. Raises Refused(400): other encodings, NaN and bare values are not JSON objects."""
    try:
        body = json.loads(raw.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refused(400) from None
    if not isinstance(body, dict):
        raise Refused(400)
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > MAX_BODY:
        raise Refused(413)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > MAX_BODY:
                    raise Refused(413)
                chunks.append(chunk)
    except TimeoutError:
        raise Refused(408) from None
    except ClientDisconnect:
        raise Refused(400) from None
    return b"".join(chunks)


async def _refused(_request: Request, refused: Exception) -> Response:
    assert isinstance(refused, Refused)  # noqa: S101 - the handler is registered for this class only
    return Response(status_code=refused.status)
