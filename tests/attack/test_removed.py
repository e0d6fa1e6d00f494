"""Somebody who is removed from a workspace, with a browser open: nothing of it is told any more, wherever they ask."""

from __future__ import annotations

import json
from typing import Any

from tests.attack.isolation.files import BUCKET, STORED
from tests.attack.isolation.surface import FUNCTIONS, TABLES
from tests.attack.isolation.topics import listening
from tests.attack.isolation.worlds import Attack, filled


async def remove_agent(attack: Attack) -> None:
    arguments = {"workspace_id": attack.home["workspace"], "user_id": attack.home["agent"]}
    answer = await attack.ask(attack.actors["owner"], "POST", "/rest/v1/rpc/remove_member", arguments)
    assert answer.status == 204, answer.text


async def test_tables_functions_and_files_are_shut_with_the_same_token(attack: Attack) -> None:
    agent, owner = attack.actors["agent"], attack.actors["owner"]
    file = STORED.format_map(attack.home)
    signing = ("POST", f"/storage/v1/object/sign/{BUCKET}/{file}", {"expiresIn": 60})
    signed = json.loads((await attack.ask(agent, *signing)).text)["signedURL"]
    await remove_agent(attack)
    for table, line in TABLES.items():
        if line.read == "agent":
            assert (await attack.ask(owner, "GET", f"/rest/v1/{table}")).count != 0, table
            assert (await attack.ask(agent, "GET", f"/rest/v1/{table}")).count == 0, table
    for name, function in FUNCTIONS.items():
        if function.by in ("agent", "admin", "owner"):
            told = await attack.ask(agent, "POST", f"/rest/v1/rpc/{name}", filled(function.arguments, attack.home))
            assert (told.status, told.code) == (400, "WA004"), name
    assert (await attack.ask(agent, *signing)).status == 400
    assert (await attack.ask(agent, "GET", f"/storage/v1/object/authenticated/{BUCKET}/{file}")).status == 400
    # An address is a key of its own, to this one file until its end: docs/permissions.md says so.
    assert (await attack.ask(agent, "GET", f"/storage/v1{signed}")).status == 200


async def test_an_open_channel_tells_of_changes_no_more(attack: Attack) -> None:
    both: list[dict[str, Any]] = [
        {"event": "*", "schema": "public", "table": table} for table in ("messages", "conversations")
    ]
    async with listening(attack, attack.actors["agent"]) as agent, listening(attack, attack.actors["owner"]) as owner:
        await agent.joined("inbox", *both)
        await owner.joined("inbox", *both)
        await _say(attack, "before")
        await agent.change("UPDATE", 0, id=attack.home["conversation"], last_message_preview="before")
        await remove_agent(attack)
        heard = len(agent.events.all)
        for body in ("after", "last"):
            # The second shows that the first has been delivered to whom it is for.
            start = len(owner.events.all)
            await _say(attack, body)
            await owner.change("UPDATE", start, id=attack.home["conversation"], last_message_preview=body)
        later = json.dumps([event for event in agent.events.all[heard:] if event["kind"] == "change"], default=str)
        assert attack.knows(later, attack.home) == []


async def _say(attack: Attack, body: str) -> None:
    await attack.session.execute(
        "insert into public.messages (workspace_id, conversation_id, direction, type, content)"
        " values (%s, %s, 'inbound', 'text', jsonb_build_object('body', %s::text))",
        [attack.home["workspace"], attack.home["conversation"], body],
    )
