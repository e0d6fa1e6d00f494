"""A workspace with a row in every table is deleted: nobody sees anything of it any more, and nothing stays."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from tests.attack.isolation.files import BUCKET, STORED
from tests.attack.isolation.surface import FUNCTIONS, TABLES
from tests.attack.isolation.topics import joins
from tests.attack.isolation.worlds import Answer, Attack, at_rest, filled
from tests.conftest import Connect, Project

ROUNDS = 8
# Unknown by now; canceled already; not theirs to do, or any more; of a plain table, whose key tells that it is gone.
ENDS = {(400, "WA004"), (400, "WA007"), (400, "WA034"), (403, "42501"), (409, "23503")}
# Every column of ours that could name a workspace or something in one, by the name it bears.
NAMING = """
    select format('%I.%I', nspname, relname) as place, attname::text as column from pg_attribute
    join pg_class as cls on cls.oid = attrelid join pg_namespace as place on place.oid = relnamespace
    where nspname in ('public', 'private') and relkind = 'r' and attnum > 0 and not attisdropped
      and atttypid = 'uuid'::regtype"""


async def furnish(attack: Attack) -> None:
    """What no seed has: a key in Vault, a receipt that waits, identifiers, a share in the counts."""
    owner = attack.actors["owner"]
    await attack.session.execute(
        "update public.whatsapp_connections set send_read_receipts = true where id = %s", [attack.home["connection"]]
    )
    calls: list[tuple[str, dict[str, Any]]] = [
        ("set_connection_credential", {"connection_id": "{connection}", "credential": "a key"}),
        ("mark_as_read", {"conversation_id": "{conversation}"}),
        ("send_typing", {"conversation_id": "{conversation}"}),
    ]
    for name, arguments in calls:
        told = await attack.ask(owner, "POST", f"/rest/v1/rpc/{name}", filled(arguments, attack.home))
        assert told.status == 204, told.text


async def remains(attack: Attack) -> dict[str, int]:
    """Where a row still has an id of home's, and how many do."""
    ids = list({value for name, value in attack.home.items() if value.count("-") == 4})
    found = {}
    for place in await attack.rows(NAMING):
        (row,) = await attack.rows(
            f"select count(*) as rows from {place['place']} where {place['column']} = any (%s::uuid[])", ids
        )
        if row["rows"]:
            found[f"{place['place']}.{place['column']}"] = row["rows"]
    return found


async def secrets_of(attack: Attack) -> int:
    (row,) = await attack.rows(
        "select count(*) as kept from vault.secrets where name = 'whatsapp_connection_' || %s",
        attack.home["connection"],
    )
    kept: int = row["kept"]
    return kept


async def test_nothing_of_it_is_seen_and_nothing_stays(attack: Attack) -> None:
    await furnish(attack)
    before = await remains(attack)
    assert {"private.receipts.conversation_id", "private.inbox_places.conversation_id"} <= set(before)
    assert await secrets_of(attack) == 1
    away = await attack.state(attack.away)
    gone = await attack.ask(
        attack.actors["owner"], "POST", "/rest/v1/rpc/delete_workspace", {"workspace_id": attack.home["workspace"]}
    )
    assert gone.status == 204, gone.text
    file = f"{BUCKET}/{STORED.format_map(attack.home)}"
    for role in ("owner", "admin", "agent"):
        actor = attack.actors[role]
        for table, line in TABLES.items():
            if line.read:
                seen = await attack.ask(actor, "GET", f"/rest/v1/{table}")
                assert (seen.status, seen.count) == (200, 0), table
        for name, function in FUNCTIONS.items():
            if function.by in ("agent", "admin", "owner"):
                told = await attack.ask(actor, "POST", f"/rest/v1/rpc/{name}", filled(function.arguments, attack.home))
                assert (told.status, told.code) == (400, "WA004"), name
        # Still in the bucket until the worker comes by, and nobody's.
        assert (await attack.ask(actor, "GET", f"/storage/v1/object/authenticated/{file}")).status == 400
        sending = f"/storage/v1/object/{BUCKET}/{attack.home['workspace']}/outgoing/late.json"
        assert (await attack.ask(actor, "POST", sending, {"a": 1})).status == 400
        assert not await joins(attack, actor, f"workspace:{attack.home['workspace']}")
    # Small as it is, it went at once; only the order to remove its files still names it.
    assert await remains(attack) == {"private.media_removals.workspace_id": 1}
    assert await secrets_of(attack) == 0
    # And an invitation of it lets nobody in, though a token was given out.
    late = await attack.ask(
        attack.actors["stranger"], "POST", "/rest/v1/rpc/accept_invitation", {"token": attack.home["token"]}
    )
    assert late.code == "WA031"
    assert await attack.state(attack.away) == away
    shown = await attack.ask(attack.actors["foreign"], "GET", "/rest/v1/conversations")
    assert not attack.knows(json.dumps(shown.text), attack.home)


async def test_who_is_at_work_when_it_is_deleted_is_told_by_code_and_leaves_nothing(
    project: Project, http: httpx.AsyncClient, database: Connect
) -> None:
    async with database() as session:
        for round_number in range(ROUNDS):
            async with at_rest(await Attack.prepare(project, http, session)) as attack:
                await _at_work(attack, after=round_number * 0.01)


async def _at_work(attack: Attack, after: float) -> None:
    home = attack.home
    # Theirs is what the deletion takes from everybody.
    await attack.session.execute(
        "insert into public.conversations (workspace_id, connection_id, phone, assigned_to)"
        " select %s, %s, (97240000000 + n)::text, %s from generate_series(1, 300) as n",
        [home["workspace"], home["connection"], home["agent"]],
    )
    told: list[Answer] = []
    gone = asyncio.create_task(_deleted(attack, after))
    await asyncio.gather(*(_works(attack, name, gone, told) for name in ("agent", "admin", "owner")))
    assert (await gone).status == 204, (await gone).text
    assert {(answer.status, answer.code) for answer in told if answer.status >= 400} <= ENDS
    while (await attack.rows("select public.sweep_workspaces() as swept"))[0]["swept"]:
        pass
    assert await remains(attack) == {"private.media_removals.workspace_id": 1}


async def _deleted(attack: Attack, after: float) -> Answer:
    await asyncio.sleep(after)
    workspace = {"workspace_id": attack.home["workspace"]}
    return await attack.ask(attack.actors["owner"], "POST", "/rest/v1/rpc/delete_workspace", workspace)


async def _works(attack: Attack, name: str, gone: asyncio.Task[Answer], told: list[Answer]) -> None:
    """What somebody does all day, until the workspace is gone and once more."""
    actor, other = attack.actors[name], "admin" if name == "agent" else "agent"
    calls: list[tuple[str, dict[str, Any]]] = [
        ("rpc/assign_conversation", {"conversation_id": "{conversation}", "user_id": "{" + other + "}"}),
        ("messages", {"conversation_id": "{conversation}", "type": "text", "content": {"body": "hi"}}),
        ("rpc/mark_as_read", {"conversation_id": "{conversation}"}),
        ("rpc/archive_conversation", {"conversation_id": "{conversation}"}),
        ("contacts", {"workspace_id": "{workspace}", "name": "somebody"}),
        ("contact_notes", {"workspace_id": "{workspace}", "contact_id": "{contact}", "body": "a note"}),
        (
            "rpc/start_conversation",
            {"workspace_id": "{workspace}", "recipient": "{phone}", "type": "text", "content": {"body": "x"}},
        ),
        ("rpc/cancel_message", {"message_id": "{outgoing}"}),
        ("rpc/unlink_contact_from_conversation", {"conversation_id": "{conversation}"}),
        ("rpc/send_typing", {"conversation_id": "{conversation}"}),
        ("rpc/invite_member", {"workspace_id": "{workspace}", "email": f"{name}@example.com", "role": "agent"}),
    ]
    last = False
    while not last:
        last = gone.done()
        for path, body in calls:
            told.append(await attack.ask(actor, "POST", f"/rest/v1/{path}", filled(body, attack.home)))
