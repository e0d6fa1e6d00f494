"""What came of a request: the errors of its transport and the answers of a provider, each as one of our own errors."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import aiohttp
import httpx

from whatsapp.envelope import integer
from whatsapp.errors import NotSent, OutcomeUnknown, Refused

# Errors of the transport that are raised before a byte of the request is written.
_NEVER_LEFT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)


class TransportErrors:
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


def no_cookies() -> CookieJar:
    """A jar that keeps nothing: what one number's answer says must not go out with another's request."""
    return CookieJar(DefaultCookiePolicy(allowed_domains=()))


def never_left(error: BaseException) -> bool:
    """Whether a transport error proves that no byte of the request was written."""
    cause = error.__cause__
    if isinstance(error, aiohttp.ClientError) or isinstance(cause, aiohttp.ClientError):
        return isinstance(error, _NEVER_LEFT) or isinstance(cause, _NEVER_LEFT)
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)


def json_of(response: httpx.Response) -> dict[str, Any]:
    """The object in an answer; empty when there is none."""
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def is_nonsense(response: httpx.Response) -> bool:
    """Whether an answer is no API's: some page, a list. Nothing at all, or null, may mean that there is nothing."""
    return response.text.strip() not in ("", "null", "{}") and not json_of(response)


def raise_if_refused(response: httpx.Response, answer: dict[str, Any], *, by_link: bool = False) -> None:
    """Raises Refused, or OutcomeUnknown for what a gateway says in its own name."""
    if response.is_success:
        return
    error = _without_key(error_of(answer), response)
    if error.get("code") is None and response.status_code >= 500:
        # A gateway speaks for itself: what stood behind it may well have accepted the request.
        raise OutcomeUnknown(f"HTTP {response.status_code} without an error code of WhatsApp's")
    raise Refused(response.status_code, error, _seconds(response.headers.get("retry-after")), by_link=by_link)


def _seconds(retry_after: str | None) -> float | None:
    """As a number or, as HTTP has it as well, as a time (RFC 9110, 10.2.3); None for anything else."""
    told = integer(retry_after)
    if told is not None or retry_after is None:
        return told
    try:
        at = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _without_key(error: dict[str, Any], response: httpx.Response) -> dict[str, Any]:
    """The error without the request's own key: Meta quotes a malformed token back, and errors are shown and kept."""
    try:
        sent = response.request.headers
    except RuntimeError:
        # An answer that was not asked for, as in tests.
        return error
    keys = [sent.get("D360-API-KEY", ""), sent.get("Authorization", "").removeprefix("Bearer ")]
    for key in filter(None, keys):
        error = {name: value.replace(key, "…") if isinstance(value, str) else value for name, value in error.items()}
    return error


def error_of(answer: dict[str, Any]) -> dict[str, Any]:
    """`{code, message, details}` out of the three shapes in use; empty when it is none of them.

    Cloud API `{error: {…, error_data: {details} | text}}`; 360dialog's gateway `{meta: {developer_message}}`;
    on-premise style `{errors: [{code, title, details}]}`.
    """
    error = answer.get("error")
    if isinstance(error, dict):
        data = error.get("error_data")
        details = data.get("details") if isinstance(data, dict) else data
        return {"code": integer(error.get("code")), "message": error.get("message"), "details": details}
    errors = answer.get("errors")
    if isinstance(errors, list) and errors and isinstance(errors[0], dict):
        first = errors[0]
        return {
            "code": integer(first.get("code")),
            "message": first.get("title"),
            "details": first.get("details"),
        }
    meta = answer.get("meta")
    if isinstance(meta, dict) and meta.get("developer_message"):
        return {"message": meta["developer_message"]}
    return {}
