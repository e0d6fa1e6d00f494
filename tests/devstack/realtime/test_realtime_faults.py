"""Realtime at its worst: what the stand-in can be told to do, and what clients make of it."""

from __future__ import annotations

import asyncio
import os
import signal
import uuid

import httpx
import pytest

from tests.conftest import Project
from tests.devstack.conftest import eventually
from tests.devstack.realtime.conftest import Connect, Switch
from tests.devstack.realtime.tables import Table

# realtime-py reads it when a connection breaks; as an error it would end the client's listening for good
pytestmark = pytest.mark.filterwarnings("ignore:ConnectionClosed.(code|reason) is deprecated:DeprecationWarning")


async def test_a_dropped_socket_is_replaced_and_the_gap_is_lost(connect: Connect, table: Table, switch: Switch) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    await table.insert(body="before")
    await client.change("INSERT", body="before")
    seen = len(client.events.all)
    await switch(refuse_connections=True, drop_sockets=True)
    await client.status("room", "CHANNEL_ERROR", after=seen)
    await table.insert(body="in between")
    await switch(refuse_connections=False)
    await client.live("room", after=seen)
    await table.insert(body="after")
    await client.change("INSERT", body="after")
    assert [record["body"] for record in client.records()] == ["before", "after"]


async def test_silence_is_not_noticed_by_the_client(connect: Connect, table: Table, switch: Switch) -> None:
    client = await connect()
    await client.joined("room", table.changes(), broadcast={"self": False, "ack": True})
    await switch(silent=True)
    lost_before = (await switch())["lost"]
    await table.insert(body="unheard")

    async def lost() -> bool:
        return bool((await switch())["lost"] > lost_before)

    await eventually(lost, within=10)
    await client.call("broadcast", topic="room", event="still answered", payload={})
    await switch(silent=False)
    row = await table.insert(body="heard")
    await client.change("INSERT", id=row)
    assert [record["body"] for record in client.records()] == ["heard"]


async def test_a_share_of_events_can_be_lost(connect: Connect, table: Table, switch: Switch) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    before = await switch(loss=0.5)
    async with table.connection.transaction():
        for number in range(100):
            await table.insert(amount=number)

    async def all_handled() -> bool:
        state = await switch()
        return bool(state["delivered"] + state["lost"] >= before["delivered"] + before["lost"] + 100)

    await eventually(all_handled, within=10)
    await switch(loss=0)
    await table.insert(amount=1000)
    await client.change("INSERT", amount=1000)
    assert 20 < len(client.records()) < 80


async def test_events_can_be_late(connect: Connect, table: Table, switch: Switch) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    await switch(delay_ms=1500)
    started = asyncio.get_running_loop().time()
    await table.insert(body="late")
    await client.change("INSERT", body="late")
    assert asyncio.get_running_loop().time() - started > 1.5


async def test_a_channel_closed_by_the_server_stays_closed(connect: Connect, switch: Switch) -> None:
    topic = f"closing {uuid.uuid4().hex[:10]}"
    client = await connect()
    await client.joined(topic)
    await switch(close_channel=topic)
    await client.status(topic, "CLOSED")
    assert topic not in (await switch())["channels"]


async def test_a_channel_that_crashed_is_joined_again(connect: Connect, switch: Switch) -> None:
    topic = f"crashing {uuid.uuid4().hex[:10]}"
    client = await connect()
    await client.joined(topic)
    seen = len(client.events.all)
    await switch(error_channel=topic)
    await client.status(topic, "CHANNEL_ERROR", after=seen)
    await client.status(topic, "SUBSCRIBED", after=seen)


async def test_after_postgres_was_killed_channels_are_live_again(
    connect: Connect, table: Table, switch: Switch, http: httpx.AsyncClient, project: Project
) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    seen = len(client.events.all)
    postmaster = (await http.get(f"{project.url}/_devstack/postgres")).json()["pid"]
    os.kill(postmaster, signal.SIGKILL)
    await client.live("room", after=seen)
    await table.reconnect()
    row = await table.insert(body="after the crash")
    await client.change("INSERT", id=row)


async def test_an_unknown_order_is_refused(switch: Switch, http: httpx.AsyncClient, project: Project) -> None:
    answer = await http.post(f"{project.url}/_devstack/realtime", json={"silent": True, "slient": True})
    assert answer.status_code == 400
    assert (await switch())["silent"] is False
