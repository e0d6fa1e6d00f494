"""A workspace with a number of its own, seen through the database."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from tests.conftest import Connect
from tests.flows.waiting import until


def digits(count: int = 15) -> str:
    """An id that nobody else uses."""
    return str(secrets.randbelow(9 * 10 ** (count - 1)) + 10 ** (count - 1))


def phones(count: int) -> list[str]:
    """Mobile numbers, no two alike: of thousands drawn one by one, two are alike in one run of twenty."""
    return [f"9725{number}" for number in secrets.SystemRandom().sample(range(10**7, 10**8), count)]


def token_of(subject: str, secret: str | None = None) -> str:
    """What a webhook of this number or WABA is registered with."""
    secret = secret or os.environ["WHATSAPP_WEBHOOK_SECRET"]
    return hmac.new(secret.encode(), subject.encode(), hashlib.sha256).hexdigest()


async def new_workspace(database: Connect) -> str:
    async with database() as connection:
        cursor = await connection.execute("insert into workspaces (name) values ('a shop') returning id")
        row = await cursor.fetchone()
    assert row is not None
    return str(row["id"])


@dataclass(frozen=True)
class Tenant:
    """One workspace, one connection."""

    database: Connect
    workspace_id: str
    connection_id: str
    phone_number_id: str
    waba_id: str

    @classmethod
    async def new(
        cls,
        database: Connect,
        phone_number_id: str | None = None,
        waba_id: str | None = None,
        provider: str = "360dialog",
    ) -> Tenant:
        workspace_id = await new_workspace(database)
        number, waba = phone_number_id or digits(), waba_id or digits()
        async with database() as connection:
            cursor = await connection.execute(
                "insert into whatsapp_connections (workspace_id, provider, phone_number_id, waba_id)"
                " values (%s, %s, %s, %s) returning id",
                (workspace_id, provider, number, waba),
            )
            row = await cursor.fetchone()
        assert row is not None
        return cls(database, workspace_id, str(row["id"]), number, waba)

    async def rows(self, query: str, **parameters: Any) -> list[DictRow]:
        """Rows of any query; `%(workspace)s`, `%(connection)s` and `%(number)s` are this tenant's."""
        own = {"workspace": self.workspace_id, "connection": self.connection_id, "number": self.phone_number_id}
        async with self.database() as connection:
            cursor = await connection.execute(query.encode(), own | parameters)
            return await cursor.fetchall() if cursor.description else []

    async def set_credential(self, credential: str) -> None:
        await self.rows("select set_connection_credential(%(connection)s, %(credential)s)", credential=credential)

    async def messages(self) -> list[DictRow]:
        """All messages in the order they came."""
        return await self.rows("select * from messages where workspace_id = %(workspace)s order by seq")

    async def message(self, message_id: str) -> DictRow:
        return (await self.rows("select * from messages where id = %(id)s", id=message_id))[0]

    async def events(self) -> list[DictRow]:
        """What the journal has of this number, whatever way it came in."""
        return await self.rows(
            "select *, body::text as raw from webhook_events"
            " where phone_number_id = %(number)s or position(%(number)s in body::text) > 0 order by id"
        )

    async def until_messages(self, wanted: Callable[[list[DictRow]], object], within: float = 20) -> list[DictRow]:
        return await until(self.messages, wanted, within)

    async def until_message(self, message_id: str, wanted: Callable[[DictRow], object], within: float = 20) -> DictRow:
        return await until(lambda: self.message(message_id), wanted, within)

    async def until_events(self, *states: str, within: float = 20) -> list[DictRow]:
        """The journal, once its events are in these states."""
        return await until(self.events, lambda rows: tuple(row["state"] for row in rows) == states, within)

    async def conversation(self, phone: str | None = None) -> str:
        """A thread with somebody who has just written."""
        phone = phone or f"972{digits(9)}"
        rows = await self.rows(
            "insert into conversations (workspace_id, connection_id, phone)"
            " values (%(workspace)s, %(connection)s, %(phone)s) returning id",
            phone=phone,
        )
        conversation_id = str(rows[0]["id"])
        await self.rows(
            "insert into messages (workspace_id, conversation_id, direction, type, content, wamid)"
            " values (%(workspace)s, %(conversation)s, 'inbound', 'text', '{\"body\": \"hi\"}', %(wamid)s)",
            conversation=conversation_id,
            wamid=f"wamid.{digits()}",
        )
        return conversation_id

    async def queue(self, conversation_id: str, content: Any, kind: str = "text") -> str:
        """A message to be sent; plain words are a text."""
        content = {"body": content} if isinstance(content, str) else content
        rows = await self.rows(
            "insert into messages (workspace_id, conversation_id, type, content)"
            " values (%(workspace)s, %(conversation)s, %(type)s, %(content)s) returning id",
            conversation=conversation_id,
            type=kind,
            content=Jsonb(content),
        )
        return str(rows[0]["id"])

    async def queue_all(self, conversation_id: str, *texts: str) -> list[str]:
        return [await self.queue(conversation_id, text) for text in texts]
