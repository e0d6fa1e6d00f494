"""Broadcast: from client to client, over HTTP, and from SQL; on private topics as the policies say."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable

import psycopg
import pytest

from tests.conftest import Project
from tests.devstack.realtime.conftest import Connect
from tests.devstack.realtime.tables import Table, User

Users = Callable[..., User]
FROM_SQL = {"replication_ready": True}  # otherwise a join is answered before messages from SQL are heard
SEND = "select realtime.send(%s::jsonb, %s, %s, %s)"


class Room:
    """A topic of one test, with policies of its own on realtime.messages."""

    def __init__(self, connection: psycopg.AsyncConnection[object]) -> None:
        self.topic = f"room {uuid.uuid4().hex[:10]}"
        self.connection = connection

    async def allow(self, command: str) -> None:
        clause = "using" if command == "select" else "with check"
        await self.connection.execute(
            f"""create policy "{self.topic} {command}" on realtime.messages for {command} to authenticated
                {clause} ((select realtime.topic()) = '{self.topic}' and extension in ('broadcast', 'presence'))"""
        )

    async def forget(self) -> None:
        for command in ("select", "insert"):
            await self.connection.execute(f'drop policy if exists "{self.topic} {command}" on realtime.messages')

    async def send(self, event: str, payload: str = "{}", private: bool = True) -> None:
        await self.connection.execute(SEND, [payload, event, self.topic, private])


@pytest.fixture
async def room(project: Project) -> AsyncIterator[Room]:
    async with await psycopg.AsyncConnection.connect(project.db_url, autocommit=True) as connection:
        room = Room(connection)
        yield room
        await room.forget()


async def test_others_hear_a_broadcast_and_the_sender_does_not(connect: Connect, room: Room) -> None:
    sender, listener = await connect(), await connect()
    await sender.joined(room.topic)
    await listener.joined(room.topic)
    await sender.call("broadcast", topic=room.topic, event="hello", payload={"n": 1})
    assert (await listener.broadcast("hello"))["payload"] == {"n": 1}
    await listener.call("broadcast", topic=room.topic, event="answer", payload={})
    await sender.broadcast("answer")
    assert sender.broadcasts() == ["answer"]


async def test_the_sender_hears_itself_when_it_asked_to(connect: Connect, room: Room) -> None:
    client = await connect()
    await client.joined(room.topic, broadcast={"self": True, "ack": True})
    answer = await client.call("broadcast", topic=room.topic, event="echo", payload={"text": "שלום"})
    assert (await client.broadcast("echo"))["payload"] == {"text": "שלום"}
    assert answer in ("ok", None)


async def test_public_and_private_channels_of_one_name_are_strangers(connect: Connect, room: Room, user: Users) -> None:
    await room.allow("select")
    public, private = await connect(), await connect(user())
    await public.joined(room.topic, broadcast=FROM_SQL)
    await private.joined(room.topic, private=True, broadcast=FROM_SQL)
    await room.send("for the private", private=True)
    await room.send("for the public", private=False)
    await public.broadcast("for the public")
    await private.broadcast("for the private")
    assert public.broadcasts() == ["for the public"]
    assert private.broadcasts() == ["for the private"]


async def test_a_private_channel_without_policy_is_refused(connect: Connect, room: Room, user: Users) -> None:
    client = await connect(user())
    await client.join(room.topic, [], {"private": True, "presence": {"enabled": False, "key": ""}})
    await client.told(f"Unauthorized: You do not have permissions to read from this Channel topic: {room.topic}")


async def test_who_may_only_read_is_not_heard(connect: Connect, room: Room, user: Users) -> None:
    await room.allow("select")
    reader, listener = await connect(user()), await connect(user())
    await reader.joined(room.topic, private=True)
    await listener.joined(room.topic, private=True, broadcast=FROM_SQL)
    await reader.call("broadcast", topic=room.topic, event="forbidden", payload={})
    await reader.call("leave", topic=room.topic)
    await reader.status(room.topic, "CLOSED")
    await room.send("from the database")
    await listener.broadcast("from the database")
    assert listener.broadcasts() == ["from the database"]


async def test_who_may_write_is_heard(connect: Connect, room: Room, user: Users) -> None:
    await room.allow("select")
    await room.allow("insert")
    writer, listener = await connect(user()), await connect(user())
    await writer.joined(room.topic, private=True)
    await listener.joined(room.topic, private=True)
    await writer.call("broadcast", topic=room.topic, event="allowed", payload={"n": 2})
    assert (await listener.broadcast("allowed"))["payload"] == {"n": 2}


async def test_a_broadcast_over_http_arrives(connect: Connect, room: Room) -> None:
    client = await connect()
    await client.joined(room.topic)
    await client.call("broadcast_over_http", topic=room.topic, event="posted", payload={"n": 3})
    assert (await client.broadcast("posted"))["payload"] == {"n": 3}


async def test_realtime_send_puts_an_id_into_the_payload(connect: Connect, room: Room, user: Users) -> None:
    await room.allow("select")
    client = await connect(user())
    await client.joined(room.topic, private=True, broadcast=FROM_SQL)
    await room.send("news", '{"title": "x"}')
    message = await client.broadcast("news")
    assert message["payload"]["title"] == "x"
    assert message["payload"]["id"] == message["meta"]["id"]


async def test_a_trigger_broadcasts_changed_rows(connect: Connect, room: Room, user: Users, table: Table) -> None:
    await room.allow("select")
    await table.sql(
        f"""create function {{table}}_changed() returns trigger language plpgsql security definer set search_path = ''
            as $$ begin
              perform realtime.broadcast_changes(
                '{room.topic}', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
              return null;
            end $$"""
    )
    await table.sql(
        "create trigger changed after insert or update or delete on {table} for each row"
        " execute function {table}_changed()"
    )
    client = await connect(user())
    await client.joined(room.topic, private=True, broadcast=FROM_SQL)
    row = await table.insert(body="told")
    payload = (await client.broadcast("INSERT"))["payload"]
    await table.sql("drop function {table}_changed() cascade")
    assert payload["record"]["id"] == row
    assert (payload["operation"], payload["table"], payload["schema"]) == ("INSERT", table.name, "public")
    assert payload["old_record"] is None


async def test_a_refused_realtime_send_is_a_warning_and_commits(room: Room) -> None:
    notices: list[str] = []
    room.connection.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    async with room.connection.transaction():
        await room.connection.execute("set local role authenticated")
        await room.send("forbidden")
    count = await room.connection.execute("select count(*) from realtime.messages where topic = %s", [room.topic])
    assert await count.fetchone() == (0,)
    assert notices[0].startswith("ErrorSendingBroadcastMessage: new row violates row-level security policy")


async def test_a_late_joiner_may_ask_for_what_was_said(connect: Connect, room: Room, user: Users) -> None:
    await room.allow("select")
    for number in range(3):
        await room.send(f"event {number}")
    client = await connect(user())
    await client.joined(room.topic, private=True, broadcast={"replay": {"since": 0, "limit": 2}})
    assert (await client.broadcast("event 2"))["meta"]["replayed"] is True
    assert client.broadcasts() == ["event 1", "event 2"]
