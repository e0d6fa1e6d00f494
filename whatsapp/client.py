"""A number's client: sends messages, looks up and streams media. Usable without the worker."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx

from whatsapp.envelope import objects, text
from whatsapp.errors import NotSent, OutcomeUnknown, Refused
from whatsapp.outgoing import Outgoing
from whatsapp.provider import Provider

# Errors of the transport that are raised before a byte of the request is written.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


@dataclass(frozen=True, slots=True)
class Sent:
    """What WhatsApp answers to an accepted message: accepted, not delivered."""

    wamid: str
    wa_id: str | None = None


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A looked-up file. `url` lives five minutes; `sha256` is hex or base64, `file_size` in bytes."""

    url: str
    mime_type: str | None
    sha256: str | None
    file_size: int | None


class WhatsAppClient:
    """One number at one provider. The `httpx.AsyncClient` is the caller's and may be shared."""

    def __init__(self, http: httpx.AsyncClient, provider: Provider, credential: str) -> None:
        self._http = http
        self._provider = provider
        self._headers = provider.headers(credential)

    async def send(self, message: Outgoing) -> Sent:
        """Sends one message. Raises NotSent, OutcomeUnknown or Refused; only NotSent is safe to repeat blindly."""
        response = await self._request("POST", self._provider.url("messages"), json=message.body())
        answer = _json(response)
        _raise_if_refused(response, answer)
        wamid, wa_id = _first(answer, "messages", "id"), _first(answer, "contacts", "wa_id")
        if wamid is None:
            raise OutcomeUnknown(f"HTTP {response.status_code} without a message id")
        return Sent(wamid, wa_id)

    async def get_media_url(self, media_id: str) -> MediaUrl:
        """Looks a file up. Raises NotSent, OutcomeUnknown or Refused (gone: HTTP 404 or code 100)."""
        response = await self._request("GET", self._provider.media_url(media_id))
        answer = _json(response)
        _raise_if_refused(response, answer)
        if not isinstance(answer.get("url"), str):
            raise OutcomeUnknown("the media lookup came without a url")
        mime_type, sha256 = text(answer.get("mime_type")), text(answer.get("sha256"))
        return MediaUrl(answer["url"], mime_type, sha256, _int(answer.get("file_size")))

    @asynccontextmanager
    async def download_media(self, media: MediaUrl) -> AsyncIterator[AsyncIterator[bytes]]:
        """Streams a looked-up file. Raises ForeignHost before the credential would go to a stranger."""
        request = self._http.build_request("GET", self._provider.download_url(media.url), headers=self._headers)
        with _TransportErrors():
            response = await self._http.send(request, stream=True)
        try:
            if response.status_code != 200:
                await response.aread()
                _raise_if_refused(response, _json(response))
                raise OutcomeUnknown(f"HTTP {response.status_code} to a download")
            yield _chunks(response)
        finally:
            await response.aclose()

    async def _request(self, method: str, url: str, **content: Any) -> httpx.Response:
        with _TransportErrors():
            return await self._http.request(method, url, headers=self._headers, **content)


async def _chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    with _TransportErrors():
        async for chunk in response.aiter_bytes():
            yield chunk


class _TransportErrors:
    """Maps httpx's errors by one question: can the request have arrived?

    The aiohttp transport reports a connection cut after the request as `ConnectTimeout` (httpx-aiohttp 0.2.0 maps
    `ClientConnectionError` so). Its cause tells the truth; whatever is not surely unsent counts as unknown.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if not isinstance(error, httpx.HTTPError | aiohttp.ClientError | TimeoutError):
            return
        if never_left(error):
            raise NotSent(str(error) or type(error).__name__) from error
        raise OutcomeUnknown(str(error) or type(error).__name__) from error


def never_left(error: BaseException) -> bool:
    """Whether a transport error proves that no byte of the request was written."""
    cause = error.__cause__
    if isinstance(error, aiohttp.ClientError) or isinstance(cause, aiohttp.ClientError):
        return isinstance(error, _NEVER_LEFT) or isinstance(cause, _NEVER_LEFT)
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        answer = response.json()
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _raise_if_refused(response: httpx.Response, answer: dict[str, Any]) -> None:
    if response.is_success:
        return
    error = error_of(answer)
    if error.get("code") is None and response.status_code >= 500:
        # A gateway speaks for itself: what stood behind it may well have accepted the request.
        raise OutcomeUnknown(f"HTTP {response.status_code} without an error code of WhatsApp's")
    raise Refused(response.status_code, error, _int(response.headers.get("retry-after")))


def error_of(answer: dict[str, Any]) -> dict[str, Any]:
    """`{code, message, details}` out of the three shapes in use; empty when it is none of them.

    Cloud API `{error: {…, error_data: {details} | text}}`; 360dialog's gateway `{meta: {developer_message}}`;
    on-premise style `{errors: [{code, title, details}]}`.
    """
    error = answer.get("error")
    if isinstance(error, dict):
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else data
        return {"code": _int(error.get("code")), "message": error.get("message"), "details": details}
    errors = answer.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        first = errors[0]
        return {
            "code": _int(first.get("code")),
            "message": first.get("title"),
            "details": first.get("details"),
        }
    meta = answer.get("meta")
    if isinstance(meta, dict) and meta.get("developer_message"):
        return {"message": meta["developer_message"]}
    return {}


def _first(answer: dict[str, Any], key: str, field: str) -> str | None:
    return text(next(objects(answer.get(key)), {}).get(field))


def _int(value: Any) -> int | None:
    return int(value) if str(value).isdecimal() else None
