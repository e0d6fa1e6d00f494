"""How a function of the backend is called through PostgREST: arguments as JSON, an answer in the shape it gives."""

from __future__ import annotations

import json
import math
from typing import Any, TypeVar

import httpx
import msgspec

from store.errors import Rejected, Unavailable, answered, json_of

Row = dict[str, Any]
Shape = TypeVar("Shape")

# A string WhatsApp may send and Postgres cannot hold in jsonb; the journal keeps what it replaces.
REPLACEMENT = "�"
_encode_quickly = msgspec.json.Encoder().encode


class Calls:
    """What every function's method stands on. Raises StoreError and nothing else."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def _rows(self, function: str, **arguments: Any) -> list[Row]:
        return expected(await self._call(function, **arguments), list)

    async def _count(self, function: str, **arguments: Any) -> int:
        return expected(await self._call(function, **arguments), int)

    async def _seconds(self, function: str, **arguments: Any) -> float | None:
        seconds = await self._call(function, **arguments)
        return None if seconds is None else float(expected(seconds, (int, float)))

    async def _call(self, function: str, **arguments: Any) -> Any:
        try:
            content = to_json(arguments)
        except RecursionError as error:
            raise Rejected("nesting", "nested too deeply") from error
        # PostgREST reads the whole body only to learn which arguments there are; told so, it hands it on unread
        # (PostgREST's ApiRequest/Payload.hs; a tenth of its time for a large set, bench/README.md).
        url = f"{function}?columns={','.join(arguments)}" if arguments else function
        return await self._post(url, content=content, headers={"content-type": "application/json"})

    async def _post(self, function: str, *, content: bytes, headers: dict[str, str]) -> Any:
        call = self._http.post(f"/rest/v1/rpc/{function}", content=content, headers=headers)
        return json_of(await answered(call))


def expected(answer: Any, kind: type[Shape] | tuple[type[Shape], ...]) -> Shape:
    """An answer of the shape its function gives. Whoever gave another one, it was not Postgres."""
    if not isinstance(answer, kind):
        raise Unavailable("shape", "an answer of another shape")
    return answer


def to_json(value: Any) -> bytes:
    """JSON that Postgres accepts as jsonb: U+0000 and lone surrogates are replaced, only when there are any.

    A number that is none, which no body brings (whatsapp.envelope.decode), is null.
    """
    try:
        encoded = _encode_quickly(value)
    except (ValueError, OverflowError):
        # Lone surrogates, or integers of more than 64 bits.
        encoded = json.dumps(_storable(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return to_json(_storable(value)) if b"\\u0000" in encoded and _storable(value) != value else encoded


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\x00", REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, float) and not math.isfinite(value):
        return REPLACEMENT
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_storable(item) for item in value]
    return value
