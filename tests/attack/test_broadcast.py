"""The topic of a workspace: members hear which rows changed, nobody else does, and the removed do not come back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.attack.isolation.topics import joins, listening
from tests.attack.isolation.worlds import Attack, at_rest
from tests.conftest import Connect, Project
from tests.devstack.realtime.clients import Client

ADD = """insert into public.messages (workspace_id, conversation_id, direction, type, content)
    select %s, %s, 'inbound', 'text', '{"body": "hello"}' from generate_series(1, %s) returning id::text"""


@pytest.fixture
async def attack(project: Project, http: httpx.AsyncClient, database: Connect) -> AsyncIterator[Attack]:
    async with database() as session, at_rest(await Attack.prepare(project, http, session)) as ready:
        await session.execute(
            "update public.workspaces set broadcasts = true where id = any (%s::uuid[])",
            [[ready.home["workspace"], ready.away["workspace"]]],
        )
        yield ready


async def _joined(client: Client, workspace: str) -> None:
    await client.joined(f"workspace:{workspace}", private=True, broadcast={"replication_ready": True})


async def _add(attack: Attack, world: dict[str, str], count: int) -> list[str]:
    return [row["id"] for row in await attack.rows(ADD, world["workspace"], world["conversation"], count)]


async def test_a_member_hears_which_rows_changed_and_a_stranger_of_nothing_but_their_own(attack: Attack) -> None:
    async with listening(attack, attack.actors["agent"]) as agent, listening(attack, attack.actors["foreign"]) as other:
        await _joined(agent, attack.home["workspace"])
        await _joined(other, attack.away["workspace"])
        ids = await _add(attack, attack.home, 3)
        heard = _payload(await agent.broadcast("message"))
        assert heard == {"op": "insert", "ids": ids, "conversation_ids": [attack.home["conversation"]]}
        assert _payload(await agent.broadcast("conversation")) == {"op": "update", "ids": [attack.home["conversation"]]}
        (own,) = await _add(attack, attack.away, 1)
        assert _payload(await other.broadcast("message"))["ids"] == [own]
        assert not attack.knows(str(other.events.all), attack.home)


async def test_of_many_rows_it_says_that_there_are_many(attack: Attack) -> None:
    async with listening(attack, attack.actors["agent"]) as agent:
        await _joined(agent, attack.home["workspace"])
        await _add(attack, attack.home, 101)
        assert _payload(await agent.broadcast("message")) == {"op": "many"}


async def test_deletions_are_told_and_a_workspace_that_wants_no_topic_is_silent(attack: Attack) -> None:
    async with listening(attack, attack.actors["agent"]) as agent:
        await _joined(agent, attack.home["workspace"])
        switch = "update public.workspaces set broadcasts = %s where id = %s returning id"
        await attack.rows(switch, False, attack.home["workspace"])
        await _add(attack, attack.home, 1)
        await attack.rows(switch, True, attack.home["workspace"])
        await attack.rows("delete from public.messages where id = %s returning id", attack.home["message"])
        first = await agent.broadcast("message")
        assert _payload(first)["op"] == "delete"
        assert _payload(first)["ids"] == [attack.home["message"]]


async def test_who_is_removed_does_not_come_back(attack: Attack) -> None:
    topic = f"workspace:{attack.home['workspace']}"
    assert await joins(attack, attack.actors["agent"], topic)
    arguments = {"workspace_id": attack.home["workspace"], "user_id": attack.home["agent"]}
    answer = await attack.ask(attack.actors["owner"], "POST", "/rest/v1/rpc/remove_member", arguments)
    assert answer.status == 204
    assert not await joins(attack, attack.actors["agent"], topic)


async def test_members_listen_and_do_not_speak(attack: Attack) -> None:
    topic = f"workspace:{attack.home['workspace']}"
    async with listening(attack, attack.actors["agent"]) as agent, listening(attack, attack.actors["owner"]) as owner:
        await _joined(agent, attack.home["workspace"])
        await _joined(owner, attack.home["workspace"])
        await agent.call("broadcast", topic=topic, event="message", payload={"op": "forged"})
        # What the database says after it shows that the forged one would have been here.
        await _add(attack, attack.home, 1)
        assert _payload(await owner.broadcast("message"))["op"] == "insert"


def _payload(broadcast: dict[str, Any]) -> dict[str, Any]:
    """Without the id that Realtime gives every message."""
    return {key: value for key, value in broadcast["payload"].items() if key != "id"}
