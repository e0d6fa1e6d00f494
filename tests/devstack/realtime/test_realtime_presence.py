"""Presence: who is on a topic, told to everyone there."""

from __future__ import annotations

import uuid

from tests.devstack.realtime.clients import Event
from tests.devstack.realtime.conftest import Connect


async def test_everyone_sees_who_comes_and_goes(connect: Connect) -> None:
    topic = f"presence {uuid.uuid4().hex[:10]}"
    ada, bob = await connect(), await connect()
    await ada.joined(topic, presence="ada")
    await bob.joined(topic, presence="bob")
    await ada.call("track", topic=topic, payload={"mood": "fine"})
    await bob.call("track", topic=topic, payload={"mood": "good"})
    state = await ada.present("ada", "bob")
    assert state["bob"][0]["mood"] == "good"
    await bob.present("ada", "bob")
    seen = len(ada.events.all)
    await bob.call("untrack", topic=topic)
    await ada.events.first(lambda e: e["kind"] == "presence" and set(e["data"]) == {"ada"}, after=seen)


async def test_who_joins_later_gets_the_whole_state(connect: Connect) -> None:
    topic = f"presence {uuid.uuid4().hex[:10]}"
    ada, bob = await connect(), await connect()
    await ada.joined(topic, presence="ada")
    await ada.call("track", topic=topic, payload={"n": 1})
    await ada.present("ada")
    await bob.joined(topic, presence="bob")
    assert (await bob.present("ada"))["ada"][0]["n"] == 1


async def test_a_new_payload_replaces_the_old_one(connect: Connect, library: str) -> None:
    topic = f"presence {uuid.uuid4().hex[:10]}"
    ada, bob = await connect(), await connect()
    await bob.joined(topic, presence="bob")
    await ada.joined(topic, presence="ada")
    await ada.call("track", topic=topic, payload={"n": 1})
    await ada.call("track", topic=topic, payload={"n": 2})

    def updated(event: Event) -> bool:
        moods = [meta["n"] for meta in event["data"].get("ada", [])]
        # supabase-js 2.108 forgets the old meta's ref while calling back, and so never drops it
        return event["kind"] == "presence" and (moods == [2] if library == "realtime-py" else moods[-1:] == [2])

    await bob.events.first(updated)


async def test_who_leaves_the_channel_is_no_longer_present(connect: Connect) -> None:
    topic = f"presence {uuid.uuid4().hex[:10]}"
    ada, bob = await connect(), await connect()
    await ada.joined(topic, presence="ada")
    await bob.joined(topic, presence="bob")
    await bob.call("track", topic=topic, payload={})
    await ada.present("bob")
    seen = len(ada.events.all)
    await bob.call("leave", topic=topic)
    await ada.events.first(lambda e: e["kind"] == "presence" and not e["data"], after=seen)
