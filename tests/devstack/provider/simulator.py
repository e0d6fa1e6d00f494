"""A client of the simulated WhatsApp: a business's two dialects, and the control interface."""

from __future__ import annotations

import asyncio
import io
import itertools
import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from tests.devstack.provider.receiver import Receiver

_SERIAL = itertools.count(secrets.randbelow(10**6) * 1000)


@dataclass(frozen=True)
class Answer:
    """What a call came back with."""

    status: int
    raw: bytes
    headers: dict[str, str]
    body: Any

    @property
    def wamid(self) -> str:
        assert self.status == 200, self.body
        return str(self.body["messages"][0]["id"])

    @property
    def error(self) -> tuple[int, int]:
        """HTTP status and code of a refusal."""
        return self.status, self.body["error"]["code"]

    @property
    def details(self) -> str:
        return str(self.body["error"].get("error_data", {}).get("details", ""))


@dataclass
class Simulator:
    """One provider process."""

    url: str
    session: aiohttp.ClientSession

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        async with self.session.request(method, self.url + path, **options) as response:
            raw = await response.read()
            body = await response.json() if response.content_type == "application/json" else None
            return Answer(response.status, raw, dict(response.headers), body)

    async def control(self, name: str, body: Any = None, **query: Any) -> Any:
        """A control call: POST with a body, GET without."""
        method = "GET" if body is None else "POST"
        answer = await self.call(method, f"/_control/{name}", json=body, params=query)
        assert answer.status == 200, answer.body
        return answer.body

    async def business(self, **fields: Any) -> Business:
        """A new number at 360dialog and Meta at once, with rates and window as they are."""
        serial = next(_SERIAL)
        business = Business(self, f"1{serial:012d}", f"2{serial:012d}", f"key-{serial}", f"token-{serial}")
        number = {"phone_number_id": business.id, "waba_id": business.waba_id, "api_key": business.api_key}
        number |= {
            "access_token": business.access_token,
            "display_phone_number": f"+1555{serial % 10**7:07d}",
        }
        await self.control("numbers", number | fields)
        await business.behave(status_delay_ms=5)
        return business


@dataclass(frozen=True)
class Business:
    """A number of its own for each test."""

    simulator: Simulator
    id: str
    waba_id: str
    api_key: str
    access_token: str

    @property
    def d360(self) -> dict[str, str]:
        return {"D360-API-KEY": self.api_key}

    @property
    def graph(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access_token}"}

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """A call in 360dialog's dialect."""
        return await self.simulator.call(method, path, headers=self.d360, **options)

    async def call_graph(self, method: str, path: str, **options: Any) -> Answer:
        return await self.simulator.call(method, f"/v25.0{path}", headers=self.graph, **options)

    async def control(self, name: str, /, **fields: Any) -> Any:
        """A control call about this number."""
        return await self.simulator.control(name, {"phone_number_id": self.id, **fields})

    async def seen(self, what: str, **query: Any) -> list[dict[str, Any]]:
        """The provider's records of this number: sent, requests, deliveries."""
        rows: list[dict[str, Any]] = (await self.simulator.control(what, phone_number_id=self.id, **query))[what]
        return rows

    async def behave(self, **fields: Any) -> None:
        await self.control("behaviour", **fields)

    async def fault(self, on: str, action: dict[str, Any], **fields: Any) -> None:
        rule = {"on": on, "phone_number_id": self.id, "action": action, **fields}
        await self.simulator.control("faults", rule)

    async def listen(self, receiver: Receiver, **headers: str) -> None:
        """Register the receiver as the number's webhook, the 360dialog way."""
        answer = await self.call("POST", "/v1/configs/webhook", json={"url": receiver.url, "headers": headers})
        assert answer.status == 200, answer.body

    async def user(self, phone: str = "972501234567", **fields: Any) -> str:
        """Someone who has just written to the number, so that the window is open."""
        await self.receive({"type": "text", "text": {"body": "hi"}}, phone, **fields)
        return phone

    async def receive(self, message: dict[str, Any], phone: str | None = "972501234567", **fields: Any) -> str:
        answer = await self.control("inbound", **{"from": phone}, message=message, **fields)
        return str(answer["wamid"])

    async def send(self, to: str, content: Any = None, kind: str = "text", **fields: Any) -> Answer:
        """A message; a plain text if nothing else is said."""
        content = {"body": "hello"} if content is None else content
        body = {"messaging_product": "whatsapp", "to": to, "type": kind, kind: content, **fields}
        return await self.call("POST", "/messages", json=body)

    async def until_asked(self, operation: str, status: int | None = None) -> None:
        """Wait until a call is on record; with a status, until it has been answered so."""
        async with asyncio.timeout(20):
            while True:
                rows = await self.seen("requests", operation=operation)
                if any(status in (None, row["status"]) for row in rows):
                    return
                await asyncio.sleep(0.01)

    async def download(self, media_id: str) -> Answer:
        """Lookup and download; the answer of the one that failed, else the file."""
        found = await self.call("GET", f"/{media_id}")
        if found.status != 200:
            return found
        parts = urlsplit(found.body["url"])
        return await self.call("GET", f"{parts.path}?{parts.query}")

    async def upload(self, raw: bytes, mime_type: str, filename: str = "file") -> Answer:
        form = aiohttp.FormData()
        form.add_field("file", io.BytesIO(raw), filename=filename, content_type=mime_type)
        form.add_field("messaging_product", "whatsapp")
        return await self.call("POST", "/media", data=form)

    async def media_from_user(self, raw: bytes, mime_type: str = "image/jpeg", **query: Any) -> dict[str, Any]:
        """An inbound file."""
        answer = await self.simulator.call(
            "POST",
            "/_control/media",
            data=io.BytesIO(raw),
            params={"phone_number_id": self.id, "mime_type": mime_type, **query},
        )
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.body
        return found
