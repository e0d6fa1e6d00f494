"""Reading what a client sent."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from devstack.auth.errors import AuthError


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body's object; an empty body is an empty object."""
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as error:
        raise AuthError(400, "bad_json", "Could not parse request body as JSON") from error
    if not isinstance(body, dict):
        raise AuthError(400, "bad_json", "Could not parse request body as JSON: an object is expected")
    return body


def text(body: dict[str, Any], name: str) -> str | None:
    """A text, None if it is missing or empty. GoTrue refuses a body that does not fit its types as a whole."""
    value = body.get(name)
    if not isinstance(value, str | None):
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {name} must be a string")
    return value or None


def mapping(body: dict[str, Any], name: str) -> dict[str, Any] | None:
    """An object, None if it is missing."""
    value = body.get(name)
    if not isinstance(value, dict | None):
        raise AuthError(400, "bad_json", f"Could not parse request body as JSON: {name} must be an object")
    return value
