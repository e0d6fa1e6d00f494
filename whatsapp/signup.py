"""The providers' own signups: Meta's Embedded Signup ends with a code, 360dialog's Integrated Onboarding with channels.

Nothing here knows for whom. Every method raises NotSent, OutcomeUnknown or Refused, as those of AccountClient.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from whatsapp.answers import TransportErrors, json_of, raise_if_refused
from whatsapp.envelope import objects, text
from whatsapp.errors import OutcomeUnknown

SECONDS = 30.0
# A WABA holds 20 numbers at first and more on request: what ends a list that would be paged through for ever.
MOST_PAGES = 20

JsonObject = dict[str, Any]


class MetaSignup:
    """What a Meta app does with the code of an Embedded Signup. The `httpx.AsyncClient` is the caller's."""

    def __init__(self, http: httpx.AsyncClient, graph_base_url: str, app_id: str, app_secret: str) -> None:
        self._http = http
        self._base_url = graph_base_url.rstrip("/")
        self._app_id = app_id
        self._app_secret = app_secret

    async def exchange(self, code: str) -> str:
        """The business token behind a code, which is good once and for a short time (Meta: `/oauth/access_token`).

        Meta's page shows a GET; its endpoint takes OAuth's own POST as well, which keeps the secret out of addresses.
        """
        form = {"client_id": self._app_id, "client_secret": self._app_secret, "code": code}
        answer = await _call(self._http, "POST", f"{self._base_url}/oauth/access_token", data=form)
        token = text(answer.get("access_token"))
        if token is None:
            raise OutcomeUnknown("the code was exchanged without a token")
        return token

    async def display_number(self, token: str, waba_id: str, phone_number_id: str) -> str | None:
        """The number as people dial it, if the token reaches the account and the account has the number; else None.

        Graph's `/{waba_id}/phone_numbers`; an account that the token does not reach is Refused.
        """
        url = f"{self._base_url}/{quote(waba_id, safe='')}/phone_numbers"
        query = {"fields": "id,display_phone_number", "limit": "100"}
        for _ in range(MOST_PAGES):
            answer = await _call(self._http, "GET", url, params=query, headers={"Authorization": f"Bearer {token}"})
            found = (number for number in objects(answer.get("data")) if text(number.get("id")) == phone_number_id)
            if (number := next(found, None)) is not None:
                return text(number.get("display_phone_number")) or ""
            paging = answer.get("paging")
            cursors = paging.get("cursors") if isinstance(paging, dict) and "next" in paging else None
            after = text(cursors.get("after")) if isinstance(cursors, dict) else None
            if after is None or after == query.get("after"):
                break
            query["after"] = after
        return None


@dataclass(frozen=True, slots=True)
class Channel:
    """A number as 360dialog's Hub lists it."""

    client_id: str | None
    """Whose it is."""
    display_phone_number: str | None
    waba_id: str | None
    """Meta's id of the account."""


class Hub:
    """360dialog's Partner API (`/api/v2/partners/{partner_id}`, header `x-api-key`)."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, partner_id: str, partner_key: str) -> None:
        self._http = http
        self._base_url = f"{base_url.rstrip('/')}/api/v2/partners/{quote(partner_id, safe='')}"
        self._headers = {"x-api-key": partner_key}

    async def channel(self, channel_id: str) -> Channel | None:
        """The channel, if it is one of the partner's."""
        filters = json.dumps({"id": channel_id})
        answer = await _call(
            self._http, "GET", f"{self._base_url}/channels", params={"filters": filters}, headers=self._headers
        )
        listed = objects(answer.get("partner_channels"))
        found = next((channel for channel in listed if text(channel.get("id")) == channel_id), None)
        if found is None:
            return None
        setup, account = found.get("setup_info"), found.get("waba_account")
        phone = text(setup.get("phone_number")) if isinstance(setup, dict) else None
        waba_id = text(account.get("external_id")) if isinstance(account, dict) else None
        return Channel(text(found.get("client_id")), phone, waba_id)

    async def new_key(self, channel_id: str) -> str:
        """A new API key of the channel. Those before it end with it, and the number's webhook is gone."""
        path = f"channels/{quote(channel_id, safe='')}/api_keys"
        answer = await _call(self._http, "POST", f"{self._base_url}/{path}", headers=self._headers)
        # Its own page shows a list; clients in use read the key beside it.
        listed = next(objects(answer.get("api_keys")), {})
        key = text(answer.get("api_key")) or text(listed.get("api_key"))
        if key is None:
            raise OutcomeUnknown("a key was made and not told")
        return key


async def _call(http: httpx.AsyncClient, method: str, url: str, **content: Any) -> JsonObject:
    with TransportErrors():
        async with asyncio.timeout(SECONDS):
            response = await http.request(method, url, follow_redirects=False, **content)
    answer = json_of(response)
    raise_if_refused(response, answer)
    return answer
