"""Who asks, how much they send, and how many at one time."""

from __future__ import annotations

import asyncio
import re
from typing import TypeVar
from uuid import UUID

import httpx
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from store.errors import Denied, Rejected, StoreError, answered, json_of
from webhook.onboarding_errors import Problem

MAX_BODY = 16 * 1024
READ_SECONDS = 5.0
# A JWT, or it is not asked about.
_TOKEN = re.compile(r"[\w-]{1,4000}\.[\w-]{1,8000}\.[\w-]{1,1000}", re.ASCII)

Body = TypeVar("Body", bound=BaseModel)


class Gate:
    """So many at one time; whoever comes more is told to come again. Nobody waits."""

    def __init__(self, places: int) -> None:
        self._free = places

    def __enter__(self) -> None:
        if self._free == 0:
            raise Problem("busy")
        self._free -= 1

    def __exit__(self, *_: object) -> None:
        self._free += 1


class People:
    """Asks Supabase's Auth whose an access token is. `http` is a client of the project's."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def signed_in(self, authorization: str | None) -> UUID:
        """The user of a bearer token. Auth itself is asked: a session that has been ended is over at once."""
        scheme, _, token = (authorization or "").partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not _TOKEN.fullmatch(token):
            raise Problem("not_signed_in")
        try:
            answer = await answered(self._http.get("/auth/v1/user", headers={"Authorization": f"Bearer {token}"}))
            user = json_of(answer)
        except (Denied, Rejected):
            raise Problem("not_signed_in") from None
        except StoreError:
            raise Problem("unavailable") from None
        try:
            return UUID(user["id"])
        except (TypeError, KeyError, ValueError, AttributeError):
            raise Problem("unavailable") from None


async def body_of(request: Request, model: type[Body]) -> Body:
    """The request's JSON as the model has it. Raises Problem; nothing of a wrong value is told back."""
    raw = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.stream():
                raw += piece
                if len(raw) > MAX_BODY:
                    raise Problem("too_large")
    except (TimeoutError, ClientDisconnect):
        raise Problem("too_slow") from None
    try:
        return model.model_validate_json(bytes(raw))
    except ValidationError as error:
        place = error.errors(include_input=False, include_url=False, include_context=False)[0]["loc"]
        raise Problem("bad_request", field=".".join(map(str, place)) or None) from None
