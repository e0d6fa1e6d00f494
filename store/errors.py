"""What can go wrong on the way to Supabase.

StoreError
├── Unavailable   nobody answered, or not in time: whether it happened is unknown; try again later
│   └── Broken    Postgres answered that something broke in it: for a moment, or over these rows every time
├── Denied        the key is not accepted, or a grant is missing
└── Rejected      Postgres or PostgREST refused this call; `.code` is the SQLSTATE or PGRST code
    └── Missing   Storage has no such object
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable
from typing import Any

import aiohttp
import httpx


class StoreError(Exception):
    """Base of everything this package raises. `code` is a SQLSTATE, a PGRST code or an HTTP status."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(f"{code}: {message}")


class Unavailable(StoreError):
    """No answer, or one that says «later»."""


class Broken(Unavailable):
    """A fault in Postgres or in a trigger of the project's own, with its SQLSTATE. It may lie in what it was given."""


class Denied(StoreError):
    """401 or 403: key, role or grant."""


class Rejected(StoreError):
    """The call itself was at fault; repeating it changes nothing."""


class Missing(Rejected):
    """Storage itself says that nothing lies there."""


# Connection trouble, resources, operator intervention, serialisation, timeouts: Postgres's classes for «later».
_PASSING_CLASSES = ("08", "53", "57", "58", "40")
_PASSING_CODES = ("PGRST000", "PGRST001", "PGRST002", "PGRST003", "55P03", "25006")


_SQLSTATE = re.compile("[0-9A-Z]{5}")


# The transport lets some of aiohttp's own through, of a status line that is none for example (httpx-aiohttp 0.2.0).
TRANSPORT_ERRORS = (httpx.HTTPError, aiohttp.ClientError, OSError, TimeoutError)


async def answered(call: Awaitable[httpx.Response]) -> httpx.Response:
    """The response of a call that succeeded. Raises StoreError for every other end."""
    try:
        response = await call
    except TRANSPORT_ERRORS as error:
        raise from_transport(error) from error
    if not response.is_success:
        raise from_response(response)
    return response


async def done(call: Awaitable[httpx.Response]) -> None:
    """The end of a call that has nothing to say, told by 204 (PostgREST). Raises StoreError for every other."""
    if (await answered(call)).status_code != 204:
        # Some gateway's page: nothing was done.
        raise Unavailable("shape", "an answer where none was to come")


def json_of(response: httpx.Response) -> Any:
    """What PostgREST said; integers too long for Python stay texts. Raises Unavailable for some gateway's page."""
    try:
        return _decoded(response.content)
    except (ValueError, RecursionError) as error:
        raise Unavailable(str(response.status_code), "an answer that is not JSON") from error


def _decoded(content: bytes) -> Any:
    """Raises ValueError or RecursionError. One row's endless number must not take away the others that came with it."""
    return json.loads(content, parse_int=_number_or_digits)


def _number_or_digits(digits: str) -> int | str:
    try:
        return int(digits)
    except ValueError:
        return digits


def from_transport(error: Exception) -> Unavailable:
    """Any error of httpx or the sockets below it."""
    return Unavailable(type(error).__name__, str(error) or "no answer")


def from_response(response: httpx.Response) -> StoreError:
    """The error of a response that is no success, by code first and status second."""
    code, message = _code_and_message(response)
    # Five characters make a SQLSTATE; a bare HTTP status like 401 is none of class 40.
    if (len(code) == 5 and code.startswith(_PASSING_CLASSES)) or code in _PASSING_CODES:
        return Unavailable(code, message)
    if response.status_code in (401, 403):
        return Denied(code, message)
    if response.status_code >= 500 or response.status_code in (408, 429):
        return Broken(code, message) if _SQLSTATE.fullmatch(code) else Unavailable(code, message)
    return Rejected(code, message)


def _code_and_message(response: httpx.Response) -> tuple[str, str]:
    try:
        answer = _decoded(response.content)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return str(response.status_code), response.text[:200]
    # PostgREST says code and message; Storage says statusCode or error and message.
    code = answer.get("code") or answer.get("error") or answer.get("statusCode") or response.status_code
    return str(code), str(answer.get("message") or "")[:500]
