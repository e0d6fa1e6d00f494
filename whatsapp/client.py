"""A number's client: sends every kind of message, uploads and streams media. Usable without the worker."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import httpx

from whatsapp import download
from whatsapp.answers import TransportErrors, json_of, raise_if_refused
from whatsapp.envelope import integer, objects, text
from whatsapp.errors import ErrorClass, OutcomeUnknown, Refused, WhatsAppError
from whatsapp.outgoing import Outgoing, Sent
from whatsapp.provider import Provider
from whatsapp.scalars import MAX_ID
from whatsapp.sending import Sending
from whatsapp.upload import Multipart, media_name_and_type

JSON_HEADERS = {"content-type": "application/json", "accept": "*/*"}
# How long a file may go without a piece of it being taken, fetched, or given, on its way out or in.
STALL_SECONDS = 30.0
# How long an answer may be in coming whole, beyond what the transport waits for a connection and for each piece of it:
# one that drips would hold its message, and those behind it, for ever.
ANSWER_SECONDS = 75.0


# Content types and hashes beyond it are cut: they are none, and stay none.
MAX_TEXT = 255


@dataclass(frozen=True, slots=True)
class MediaUrl:
    """A looked-up file. `url` lives five minutes; `sha256` is hex or base64, `file_size` in bytes.

    All are the provider's words. Nothing is checked but that texts are at most MAX_TEXT long and the size is a size.
    """

    url: str
    mime_type: str | None
    sha256: str | None
    file_size: int | None


class WhatsAppClient(Sending):
    """One number at one provider. The `httpx.AsyncClient` is the caller's and may be shared.

    The kinds of messages are in `whatsapp.sending`; docs/client.md has them all in a table. After a refusal of class
    AUTH `renew` is asked for another credential at the next call, and what it raises comes out of that.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        provider: Provider,
        credential: str,
        renew: Callable[[], Awaitable[str]] | None = None,
    ) -> None:
        self._http = http
        self._provider = provider
        self._headers = provider.headers(credential)
        self._messages_url = httpx.URL(provider.url("messages"))
        self._renew = renew
        self._was_refused = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Closes the HTTP pool: not for clients that share one."""
        await self._http.aclose()

    async def send(self, message: Outgoing) -> Sent:
        """Sends one message. Raises NotSent, OutcomeUnknown or Refused; only NotSent is safe to repeat blindly."""
        response = await self._post_message(message.body())
        answer = self._read(response, by_link=message.by_link)
        accepted, contact = _first(answer, "messages"), _first(answer, "contacts")
        wamid = text(accepted.get("id"))
        if wamid is None or len(wamid) > MAX_ID:
            raise OutcomeUnknown(f"HTTP {response.status_code} without a message id")
        return Sent(
            wamid, text(contact.get("wa_id")), text(contact.get("user_id")), text(accepted.get("message_status"))
        )

    async def mark_message_as_read(self, wamid: str, *, typing: bool = False) -> None:
        """Shows the blue ticks for a message at most 30 days old and those before it.

        `typing` also shows that an answer is being written, until it comes, for at most 25 seconds.
        """
        body: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
        if typing:
            body["typing_indicator"] = {"type": "text"}
        response = await self._post_message(body)
        answer = self._read(response)
        if answer.get("success") is not True:
            raise OutcomeUnknown(f"HTTP {response.status_code} without a word of success")

    async def send_typing_indicator(self, wamid: str) -> None:
        """Shows that an answer to this message is being written. WhatsApp marks it as read by the same call."""
        await self.mark_message_as_read(wamid, typing=True)

    async def upload_media(
        self,
        content: bytes | AsyncIterable[bytes],
        *,
        filename: str,
        mime_type: str,
        size: int | None = None,
        voice: bool = False,
    ) -> str:
        """Streams a file to WhatsApp; gives its media id, good for 30 days. Repeating it makes another id, no harm.

        `size` in bytes lets the request name its length; without it the request is chunked, which not every gateway
        takes. Name and type become those that WhatsApp accepts (`media_name_and_type`). Raises NotSent, OutcomeUnknown,
        Refused, ValueError when the file has another size than was said, and whatever the stream itself raises.
        """
        if isinstance(content, bytes):
            size, content = len(content), _once(content)
        body = Multipart(content, *media_name_and_type(filename, mime_type, voice=voice), size)
        try:
            with TransportErrors():
                async with asyncio.timeout(None) as deadline:
                    pieces = body.pieces(deadline, STALL_SECONDS, ANSWER_SECONDS)
                    response = await self._request("POST", self._provider.url("media"), body.headers, content=pieces)
        except WhatsAppError:
            if body.error is not None:
                raise body.error from None
            raise
        answer = self._read(response)
        media_id = text(answer.get("id"))
        if media_id is None:
            raise OutcomeUnknown(f"HTTP {response.status_code} without a media id")
        return media_id

    async def get_media_url(self, media_id: str) -> MediaUrl:
        """Looks a file up. Raises NotSent, OutcomeUnknown or Refused (gone: HTTP 404 or code 100)."""
        request = self._http.build_request("GET", self._provider.media_url(media_id), headers=await self._credential())
        with TransportErrors():
            async with asyncio.timeout(STALL_SECONDS):
                response = await self._http.send(request, stream=True, follow_redirects=False)
                try:
                    answer = self._read(await download.lookup(response))
                finally:
                    await response.aclose()
        url = answer.get("url")
        if not isinstance(url, str) or not url:
            raise OutcomeUnknown("the media lookup came without a url")
        mime_type, sha256 = ((text(answer.get(key)) or "")[:MAX_TEXT] or None for key in ("mime_type", "sha256"))
        return MediaUrl(url, mime_type, sha256, integer(answer.get("file_size"), digits=15))

    @asynccontextmanager
    async def download_media(self, media: MediaUrl) -> AsyncIterator[download.Download]:
        """Streams a looked-up file. Raises ForeignHost before the credential would go to a stranger.

        Raises Redirected, a ForeignHost, instead of following; Refused (stale or gone: HTTP 404); NotSent and
        OutcomeUnknown for the rest, a file that comes compressed, stalls or drips among it (`Download`).
        """
        url = self._provider.download_url(media.url)
        request = self._http.build_request("GET", url, headers={**download.HEADERS, **await self._credential()})
        with TransportErrors():
            async with asyncio.timeout(STALL_SECONDS):
                response = await self._http.send(request, stream=True, follow_redirects=False)
        try:
            download.check(response)
            if not response.is_success:
                self._read(await download.refusal(response, STALL_SECONDS))
            yield download.Download(response, STALL_SECONDS)
        finally:
            await response.aclose()

    async def _post_message(self, body: dict[str, Any]) -> httpx.Response:
        """As `_request`, without what `AsyncClient.request` does anew each time: a third of the cost of a send."""
        request = httpx.Request(
            "POST",
            self._messages_url,
            headers={**JSON_HEADERS, **await self._credential()},
            content=json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(),
            extensions={"timeout": self._http.timeout.as_dict()},
        )
        with TransportErrors():
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._http.send(request, follow_redirects=False)

    async def _request(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, **content: Any
    ) -> httpx.Response:
        headers = {**(headers or {}), **await self._credential()}
        with TransportErrors():
            return await self._http.request(method, url, headers=headers, follow_redirects=False, **content)

    async def _credential(self) -> dict[str, str]:
        if self._was_refused and self._renew:
            self._headers = self._provider.headers(await self._renew())
            self._was_refused = False
        return self._headers

    def _read(self, response: httpx.Response, *, by_link: bool = False) -> dict[str, Any]:
        """The object in an answer. Raises Refused, or OutcomeUnknown for what a gateway says in its own name."""
        answer = json_of(response)
        try:
            raise_if_refused(response, answer, by_link=by_link)
        except Refused as error:
            self._was_refused |= error.error_class is ErrorClass.AUTH
            raise
        return answer


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


def _first(answer: dict[str, Any], key: str) -> dict[str, Any]:
    return next(objects(answer.get(key)), {})
