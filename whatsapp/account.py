"""What belongs to a number beside its messages: its health, where its webhooks go, the templates of its account.

Both providers give Meta's own objects; 360dialog without version and ids in the path, since its key names the number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx

from whatsapp.answers import TransportErrors, is_nonsense, json_of, raise_if_refused
from whatsapp.envelope import objects, text
from whatsapp.errors import OutcomeUnknown
from whatsapp.provider import Provider

SECONDS = 30.0
# Both providers' edges take it; the answer of a page stays below a megabyte.
TEMPLATES_A_PAGE = 100
# What ends a list that a provider would page through for ever; Meta allows 6,000 templates a WABA.
MOST_PAGES = 200
JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class NumberHealth:
    """A number as its provider describes it. `raw` is the whole answer."""

    phone_number_id: str | None
    """Meta's id: the answer's own, else that of the PHONE_NUMBER among the health's entities."""
    waba_id: str | None
    """That of the WABA among the health's entities."""
    display_phone_number: str | None
    verified_name: str | None
    quality_rating: str | None
    can_send_message: str | None
    """AVAILABLE, LIMITED or BLOCKED, or whatever Meta adds."""
    messages_per_second: int | None
    """How fast Meta lets the number send: 20 while the WhatsApp Business app uses it too, else 80 or, upgraded, 1,000
    (Cloud API, Throughput). None where it is not told, as by 360dialog."""
    problems: tuple[str, ...]
    """What Meta says is wrong with the number, its WABA, business or app, with its remedy; empty when all is well."""
    raw: JsonObject


@dataclass(frozen=True, slots=True)
class WebhookTarget:
    """Where 360dialog posts a number's webhooks, and with which headers. `url` is None where none is registered."""

    url: str | None
    headers: dict[str, str]


class AccountClient:
    """One number's account. The `httpx.AsyncClient` is the caller's.

    Every method raises NotSent, OutcomeUnknown or Refused (class AUTH: the credential is not taken). All but
    `register_number` may be repeated blindly. Of Meta's, what belongs to the account needs its `waba_id`: ValueError.
    """

    def __init__(
        self, http: httpx.AsyncClient, provider: Provider, credential: str, *, waba_id: str | None = None
    ) -> None:
        self._http = http
        self._provider = provider
        self._credential = credential
        self._waba_id = waba_id

    async def get_number(self) -> NumberHealth:
        """The number's names, quality and health (Graph's `health_status` node; 360dialog: `/health_status`)."""
        answer = await self._call("GET", self._provider.number_url(), params={"fields": self._provider.number_fields()})
        health = answer.get("health_status")
        health = health if isinstance(health, dict) else {}
        entities = list(objects(health.get("entities")))
        return NumberHealth(
            text(answer.get("id")) or _entity(entities, "PHONE_NUMBER"),
            _entity(entities, "WABA"),
            text(answer.get("display_phone_number")),
            text(answer.get("verified_name")),
            text(answer.get("quality_rating")),
            text(health.get("can_send_message")),
            _rate(answer),
            tuple(_problem(entity, error) for entity in entities for error in objects(entity.get("errors"))),
            answer,
        )

    async def get_webhook(self) -> WebhookTarget:
        """360dialog only: the number's webhook. A new API key has wiped it."""
        return _target(await self._call("GET", self._provider.webhook_url()))

    async def set_webhook(self, url: str, headers: dict[str, str]) -> WebhookTarget:
        """360dialog only: registers the number's webhook in the place of the former one; gives what it answers."""
        return _target(await self._call("POST", self._provider.webhook_url(), json={"url": url, "headers": headers}))

    async def get_account_webhook(self) -> WebhookTarget:
        """360dialog only: the webhook of all the account's numbers that have none of their own (`/waba_webhook`)."""
        return _target(await self._call("GET", self._provider.account_webhook_url()))

    async def set_account_webhook(self, url: str, headers: dict[str, str]) -> WebhookTarget:
        """360dialog only: registers the account's webhook; numbers with one of their own keep it."""
        body = {"url": url, "headers": headers, "override_all": False}
        return _target(await self._call("POST", self._provider.account_webhook_url(), json=body))

    async def templates(self) -> AsyncIterator[list[JsonObject]]:
        """The account's message templates in pages, in Graph's own shape."""
        fields = "id,name,language,status,category,quality_score,rejected_reason,components,parameter_format"
        query = {"fields": fields, "limit": str(TEMPLATES_A_PAGE)}
        for _ in range(MOST_PAGES):
            answer = await self._call(
                "GET", self._provider.account_url("message_templates", self._waba_id), params=query
            )
            # The older edge of 360dialog's names them otherwise.
            page = answer.get("data", answer.get("waba_templates"))
            if not isinstance(page, list):
                # Taken for an empty list it would mean that every template is gone.
                raise OutcomeUnknown("the templates came back without a list of them")
            yield list(objects(page))
            paging = answer.get("paging")
            paging = paging if isinstance(paging, dict) else {}
            cursors = paging.get("cursors")
            after = text(cursors.get("after")) if isinstance(cursors, dict) else None
            # The address of the next page is not followed: the credential would go wherever it says.
            if after is None or "next" not in paging or after == query.get("after"):
                return
            query["after"] = after

    async def is_subscribed(self) -> bool:
        """Meta only: whether an app, which the token's is presumed to be, gets the account's webhooks."""
        answer = await self._call("GET", self._provider.account_url("subscribed_apps", self._waba_id))
        return next(objects(answer.get("data")), None) is not None

    async def subscribe_app(self) -> None:
        """Meta only: the account's webhooks go to the token's app from now on."""
        answer = await self._call("POST", self._provider.account_url("subscribed_apps", self._waba_id))
        if answer.get("success") is not True:
            raise OutcomeUnknown("the subscription came back without a word of success")

    async def unsubscribe_app(self) -> None:
        """Meta only: the account's webhooks do not go to the token's app any more; those of all its numbers."""
        answer = await self._call("DELETE", self._provider.account_url("subscribed_apps", self._waba_id))
        if answer.get("success") is not True:
            raise OutcomeUnknown("the end of the subscription came back without a word of success")

    async def register_number(self, pin: str) -> None:
        """Meta only: takes the number into service; `pin` becomes that of its two-step verification."""
        body = {"messaging_product": "whatsapp", "pin": pin}
        answer = await self._call("POST", self._provider.url("register"), json=body)
        if answer.get("success") is not True:
            raise OutcomeUnknown("the registration came back without a word of success")

    async def _call(self, method: str, url: str, **content: Any) -> JsonObject:
        with TransportErrors():
            async with asyncio.timeout(SECONDS):
                response = await self._http.request(
                    method, url, headers=self._provider.headers(self._credential), follow_redirects=False, **content
                )
        answer = json_of(response)
        raise_if_refused(response, answer)
        if method == "GET" and is_nonsense(response):
            # Taken for an empty answer it would mean that nothing is registered, or subscribed to.
            raise OutcomeUnknown("an answer that is no JSON object")
        return answer


def _rate(answer: JsonObject) -> int | None:
    if answer.get("is_on_biz_app") is True:
        return 20
    throughput = answer.get("throughput")
    level = throughput.get("level") if isinstance(throughput, dict) else None
    return {"STANDARD": 80, "HIGH": 1000}.get(level) if isinstance(level, str) else None


def _entity(entities: list[JsonObject], kind: str) -> str | None:
    return next((text(entity.get("id")) for entity in entities if entity.get("entity_type") == kind), None)


def _problem(entity: JsonObject, error: JsonObject) -> str:
    said = ": ".join(filter(None, (text(error.get("error_description")), text(error.get("possible_solution")))))
    where = " ".join(filter(None, (text(entity.get("entity_type")), text(error.get("error_code")))))
    return f"{where or 'account'}: {said or 'no reason given'}"


def _target(answer: JsonObject) -> WebhookTarget:
    headers = answer.get("headers")
    headers = headers if isinstance(headers, dict) else {}
    return WebhookTarget(text(answer.get("url")) or None, {str(name): str(value) for name, value in headers.items()})
