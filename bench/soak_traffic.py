"""A day's mixture at a steady pace: what a business sends, what its customers answer, and the pictures they send.

The simulated WhatsApp of devstack is at the other end: it reports on each send and delivers what customers write.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, LiteralString

import httpx
from psycopg.types.json import Jsonb

from bench.populate import Database, settle
from bench.project import Project
from bench.receivers import Receiver

PEOPLE = 2_000
SENDS, REPLIES, PICTURES = 20.0, 3.0, 2.0  # a second
PICTURE_BYTES = 30_000
MESSAGES_PER_SECOND = 80

NUMBER: LiteralString = (
    "insert into whatsapp_connections (workspace_id, provider, phone_number_id, waba_id, messages_per_second)"
    " values (%s, '360dialog', %s, %s, %s) returning id::text"
)
CONVERSATIONS: LiteralString = """
insert into conversations (workspace_id, connection_id, phone, last_customer_message_at, window_expires_at)
select %(workspace)s, %(connection)s, '97253' || lpad(i::text, 7, '0'), now(), now() + interval '24 hours'
from generate_series(0, %(people)s - 1) as i returning id::text"""
SEND: LiteralString = (
    "insert into messages (workspace_id, conversation_id, type, content) values (%s, %s, 'text', %s) returning id::text"
)
WRONG: LiteralString = """
select
  count(*) filter (where direction = 'outbound' and status <> 'read')::integer as "messages are not read",
  count(*) filter (where direction = 'inbound' and media_id is not null
    and media_status is distinct from 'stored')::integer as "pictures are not stored",
  (select count(*) - %(people)s from conversations where connection_id = %(connection)s)::integer as "threads too many",
  (select count(*) from message_statuses where connection_id = %(connection)s)::integer
    - 3 * count(*) filter (where direction = 'outbound')::integer as "reports too many or too few"
from messages where connection_id = %(connection)s"""


async def paced(per_second: float, seconds: float) -> AsyncIterator[int]:
    """Numbers from 0 on, each when it is due."""
    began = time.monotonic()
    for number in range(int(per_second * seconds)):
        await asyncio.sleep(began + number / per_second - time.monotonic())
        yield number


@dataclass
class Shop:
    """A number at the simulated WhatsApp with its customers. `sent` are ids of messages, the others wamids."""

    workspace_id: str
    connection_id: str
    number: str
    threads: list[str]
    http: httpx.AsyncClient
    sent: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    @classmethod
    async def new(cls, database: Database, project: Project, receiver: Receiver, http: httpx.AsyncClient) -> Shop:
        number, waba = (str(secrets.randbelow(9 * 10**14) + 10**14) for _ in range(2))
        # WhatsApp knows the number before there is a connection, which a worker looks at at once.
        known = {"phone_number_id": number, "waba_id": waba, "api_key": f"key-{number}"}
        answer = await http.post("/_control/numbers", json=known | {"messages_per_second": MESSAGES_PER_SECOND})
        answer.raise_for_status()
        workspace = await _one(database, "insert into workspaces (name) values ('soak') returning id::text", ())
        connection = await _one(database, NUMBER, (workspace, number, waba, MESSAGES_PER_SECOND))
        await database.execute("select set_connection_credential(%s, %s)", (connection, f"key-{number}"))
        values = {"workspace": workspace, "connection": connection, "people": PEOPLE}
        threads = [row[0] for row in await (await database.execute(CONVERSATIONS, values)).fetchall()]
        await settle(database)
        shop = cls(workspace, connection, number, threads, http)
        # Threads are made here; WhatsApp knows nothing of who has written.
        await shop._control("behaviour", enforce_window="off", status_delay_ms=300)
        webhook = {
            "url": f"http://127.0.0.1:{receiver.port}/webhooks/360dialog/{number}",
            "headers": {"Authorization": f"Bearer {project.token(number)}"},
        }
        answer = await http.post("/v1/configs/webhook", json=webhook, headers={"D360-API-KEY": f"key-{number}"})
        answer.raise_for_status()
        return shop

    async def sends(self, database: Database, seconds: float) -> None:
        async for number in paced(SENDS, seconds):
            content = Jsonb({"body": f"Your order {number} is on its way"})
            thread = self.threads[number % PEOPLE]
            self.sent.append(await _one(database, SEND, (self.workspace_id, thread, content)))

    async def replies(self, seconds: float) -> None:
        async for number in paced(REPLIES, seconds):
            self.written.append(await self._receive(number, {"type": "text", "text": {"body": f"Thanks! {number}"}}))

    async def receive_pictures(self, seconds: float) -> None:
        dice = random.Random(self.number)
        async for number in paced(PICTURES, seconds):
            raw = b"\xff\xd8\xff\xe0" + dice.randbytes(PICTURE_BYTES)
            query = {"phone_number_id": self.number, "mime_type": "image/jpeg"}
            answer = await self.http.post("/_control/media", params=query, content=raw)
            answer.raise_for_status()
            picture = {"type": "image", "image": {"id": answer.json()["id"]}}
            self.pictures.append(await self._receive(number, picture))

    async def settled(self, database: Database, limit: float = 120.0) -> None:
        """Waits until every report and picture is there, or until patience is over: `problems` says what is missing."""
        deadline = time.monotonic() + limit
        while time.monotonic() < deadline:
            if not await self._wrong(database):
                return
            await asyncio.sleep(0.5)

    async def _wrong(self, database: Database) -> list[str]:
        cursor = await database.execute(WRONG, {"connection": self.connection_id, "people": PEOPLE})
        row = await cursor.fetchone()
        assert row is not None
        assert cursor.description is not None
        return [f"{count} {column.name}" for column, count in zip(cursor.description, row, strict=True) if count]

    async def problems(self, database: Database) -> list[str]:
        """What is not as it must be, in sentences."""
        found = await self._wrong(database)
        rows = await (
            await database.execute(
                "select direction, id::text, wamid from messages where connection_id = %s", (self.connection_id,)
            )
        ).fetchall()
        if sorted(wamid for way, _, wamid in rows if way == "inbound") != sorted(self.written + self.pictures):
            found.append("what customers wrote is not there once each")
        if sorted(message for way, message, _ in rows if way == "outbound") != sorted(self.sent):
            found.append("what was queued is not there once each")
        answer = await self.http.get("/_control/sent", params={"phone_number_id": self.number})
        accepted = [each["body"]["biz_opaque_callback_data"] for each in answer.json()["sent"]]
        if sorted(accepted) != sorted(self.sent):
            found.append(f"WhatsApp accepted {len(accepted)} sends, {len(set(accepted))} of them different")
        return found

    async def _receive(self, person: int, message: dict[str, Any]) -> str:
        phone = f"97253{person * 7 % PEOPLE:07d}"
        answer = await self._control("inbound", **{"from": phone}, message=message, user_id=None)
        return str(answer["wamid"])

    async def _control(self, name: str, **fields: Any) -> dict[str, Any]:
        answer = await self.http.post(f"/_control/{name}", json={"phone_number_id": self.number, **fields})
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def whatsapp() -> httpx.AsyncClient:
    """The simulated one of this stack."""
    return httpx.AsyncClient(base_url=os.environ["PROVIDER_URL"], timeout=30)


async def _one(database: Database, query: LiteralString, values: tuple[object, ...]) -> str:
    row = await (await database.execute(query, values)).fetchone()
    assert row is not None
    return str(row[0])
