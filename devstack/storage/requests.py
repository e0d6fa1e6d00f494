"""Reading JSON that a client sent."""

from __future__ import annotations

import json
from typing import Any

from aiohttp import web

from devstack.storage.errors import invalid_parameter


async def read_json(request: web.Request) -> dict[str, Any]:
    """The body's object; an empty body is an empty object."""
    try:
        body = json.loads(await request.text() or "{}")
    except ValueError as error:
        raise invalid_parameter("Body is not valid JSON") from error
    if not isinstance(body, dict):
        raise invalid_parameter("body must be object")
    return body


def whole_number(body: dict[str, Any], name: str, default: int | None = None) -> int:
    """A number, also as text: the real service's validation converts it, and supabase-py relies on that."""
    try:
        return int(body.get(name, default))  # type: ignore[arg-type] # None is refused like any other wrong value
    except (TypeError, ValueError) as error:
        raise invalid_parameter(f"body/{name} must be integer") from error


def texts(body: dict[str, Any], name: str) -> list[str]:
    """A list of texts with at least one entry."""
    value = body.get(name)
    if not isinstance(value, list) or not value or not all(isinstance(entry, str) for entry in value):
        raise invalid_parameter(f"body/{name} must be an array of strings")
    return value
