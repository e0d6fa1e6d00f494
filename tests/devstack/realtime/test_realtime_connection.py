"""Connections and tokens: who gets in, who is shown out, and what clients live through in between."""

from __future__ import annotations

import json
from collections.abc import Callable

import aiohttp
import httpx
import pytest

from tests.conftest import Project
from tests.devstack.conftest import eventually
from tests.devstack.realtime.conftest import Connect, Switch
from tests.devstack.realtime.tables import Table, User, make_user

Users = Callable[..., User]


@pytest.mark.parametrize("key", ["", "sb_publishable_nobody", "eyJhbGciOiJIUzI1NiJ9.e30.nobody"])
async def test_a_handshake_without_a_key_of_the_project_is_refused(
    http: httpx.AsyncClient, project: Project, key: str
) -> None:
    upgrade = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEA==",
    }  # fmt: skip
    address = f"{project.url}/realtime/v1/websocket"
    answer = await http.get(address, params={"apikey": key} if key else {}, headers=upgrade)
    assert answer.status_code == 401
    assert answer.json()


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
async def test_heartbeats_and_strange_messages_are_answered(project: Project, version: str) -> None:
    """On the wire: libraries hide these frames."""
    address = f"{project.url}/realtime/v1/websocket?apikey={project.anon_key}&vsn={version}"
    topic = "realtime:nobody joined this"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        if version == "1.0.0":
            await socket.send_json({"topic": "phoenix", "event": "heartbeat", "payload": {}, "ref": "1"})
            await socket.send_json({"topic": topic, "event": "broadcast", "payload": {}, "ref": "2"})
            assert await socket.receive_json() == {
                "topic": "phoenix", "event": "phx_reply", "ref": "1", "payload": {"status": "ok", "response": {}}
            }  # fmt: skip
            assert (await socket.receive_json())["payload"]["response"] == {"reason": "unmatched topic"}
        else:
            await socket.send_json([None, "1", "phoenix", "heartbeat", {}])
            await socket.send_json([None, "2", topic, "broadcast", {}])
            assert await socket.receive_json() == [
                None,
                "1",
                "phoenix",
                "phx_reply",
                {"status": "ok", "response": {}},
            ]
            assert (await socket.receive_json())[4]["response"] == {"reason": "unmatched topic"}


@pytest.mark.parametrize(
    ("token", "reason"),
    [
        ("expired", "InvalidJWTToken: Token has expired"),
        ("forged", "JwtSignatureError:"),
        ("none", "MalformedJWT:"),
    ],
)
async def test_a_bad_token_is_refused_at_join(project: Project, token: str, reason: str) -> None:
    tokens = {
        "expired": make_user(project.jwt_secret, expires_in=-10).token,
        "forged": make_user("another secret of thirty-two bytes").token,
        "none": "not a token",
    }
    address = f"{project.url}/realtime/v1/websocket?apikey={project.anon_key}&vsn=2.0.0"
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        await socket.send_json(["1", "1", "realtime:room", "phx_join", {"access_token": tokens[token], "config": {}}])
        reply = await socket.receive_json()
    assert reply[4]["status"] == "error"
    assert reply[4]["response"]["reason"].startswith(reason)


async def test_equal_bindings_have_equal_ids_in_every_join(project: Project, table: Table) -> None:
    address = f"{project.url}/realtime/v1/websocket?apikey={project.anon_key}&vsn=2.0.0"
    config = {"postgres_changes": [table.changes(), table.changes("INSERT"), table.changes()]}
    replies = []
    for topic in ("realtime:one", "realtime:two"):
        async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
            await socket.send_json(["1", "1", topic, "phx_join", {"config": config}])
            replies.append((await socket.receive_json())[4]["response"]["postgres_changes"])
    first, second, third = (binding.pop("id") for binding in [dict(b) for b in replies[0]])
    assert replies[0] == replies[1]
    assert first == third != second
    assert json.dumps([{k: v for k, v in b.items() if k != "id"} for b in replies[0]]) == json.dumps(
        config["postgres_changes"]
    )


async def test_a_channel_ends_when_its_token_expires(connect: Connect, user: Users) -> None:
    client = await connect(user(expires_in=3))
    await client.joined("room")
    await client.told("Token has expired")
    await client.status("room", "CLOSED")


async def test_a_new_token_keeps_a_channel_open_and_changes_what_it_sees(
    connect: Connect, table: Table, user: Users
) -> None:
    await table.owned()
    before, after = user(), user()
    client = await connect(before)
    await client.joined("room", table.changes())
    seen = len(client.events.all)
    await client.call("set_token", token=after.token)
    await client.live("room", after=seen)
    await table.insert(owner=before.id, body="of the old one")
    row = await table.insert(owner=after.id, body="of the new one")
    await client.change("INSERT", id=row)
    assert [record["body"] for record in client.records()] == ["of the new one"]


async def test_bytes_are_broadcast_in_binary_frames(project: Project) -> None:
    """Version 2.0.0: kind 3 to the server, kind 4 from it; the payload comes through untouched."""
    address = f"{project.url}/realtime/v1/websocket?apikey={project.anon_key}&vsn=2.0.0"
    topic, event, payload = b"realtime:bytes", b"blob", bytes(range(256))
    push = bytes([3, 1, 1, len(topic), len(event), 0, 0]) + b"1" + b"2" + topic + event + payload
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        config = {"broadcast": {"self": True, "ack": True}}
        await socket.send_json(["1", "1", topic.decode(), "phx_join", {"config": config}])
        assert (await socket.receive_json())[4]["status"] == "ok"
        await socket.send_bytes(push)
        assert await socket.receive_bytes() == bytes([4, len(topic), len(event), 0, 0]) + topic + event + payload
        acknowledged = await socket.receive_json()
    assert acknowledged == ["1", "2", topic.decode(), "phx_reply", {"status": "ok", "response": {}}]


async def test_with_the_last_listener_the_slot_goes(connect: Connect, table: Table, switch: Switch) -> None:
    """Otherwise the write-ahead log would pile up behind a reader that has gone."""
    if (await switch())["channels"]:
        pytest.skip("somebody else is listening on this stack")

    async def slots() -> list[str]:
        return await table.sql(
            "select 1 from pg_replication_slots where starts_with(slot_name::text, 'supabase_realtime_slot')"
        )

    client = await connect()
    await client.joined("room", table.changes())
    assert len(await slots()) == 1
    await client.call("leave", topic="room")

    async def dropped() -> bool:
        return not await slots()

    await eventually(dropped, within=5)
