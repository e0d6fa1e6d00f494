"""store/rpc.py and the database name the same functions, and a call leaves in a form that Postgres can hold."""

from __future__ import annotations

import inspect
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from store.calls import REPLACEMENT, to_json
from store.connect import connect
from store.errors import Rejected
from store.rpc import Rpc
from tests.conftest import Connect, Project
from tests.store.tenant import Session, Tenant, rows

VERBS = ("receive", "claim", "record", "release", "sweep", "get", "verify", "extend", "next", "ring")

BACKEND_ONLY = """
    select routine.proname as name, string_agg(argument.name, ' ' order by argument.place) as arguments
    from pg_proc as routine
    left join lateral unnest(routine.proargnames, routine.proargmodes) with ordinality as argument (name, mode, place)
      on coalesce(argument.mode, 'i') = 'i' and argument.name <> ''
    where routine.pronamespace = 'public'::regnamespace
      and has_function_privilege('service_role', routine.oid, 'execute')
      and not has_function_privilege('authenticated', routine.oid, 'execute')
    group by routine.oid, routine.proname
"""


@pytest.fixture
async def rpc(project: Project) -> AsyncIterator[Rpc]:
    async with connect(project.url, project.service_role_key) as http:
        yield Rpc(http)


def _methods() -> dict[str, list[str]]:
    found = inspect.getmembers(Rpc, inspect.iscoroutinefunction)
    return {name: list(inspect.signature(method).parameters)[1:] for name, method in found if not name.startswith("_")}


async def test_rpc_has_one_function_for_each_of_the_backend_and_no_other(database: Connect) -> None:
    async with database() as session:
        catalog = {row["name"]: (row["arguments"] or "").split() for row in await rows(session, BACKEND_ONLY)}
    methods = _methods()
    assert sorted(methods) == sorted(catalog)
    # receive_inbound takes one text without a name, as PostgREST wants it for a body that is no JSON.
    assert {name: arguments for name, arguments in methods.items() if name != "receive_inbound"} == {
        name: arguments for name, arguments in catalog.items() if name != "receive_inbound"
    }


def test_every_function_of_the_backend_begins_with_one_of_ten_verbs() -> None:
    assert [name for name in _methods() if name.partition("_")[0] not in VERBS] == []


async def test_every_function_answers_over_http(rpc: Rpc) -> None:
    assert await rpc.record_inbound([], [], []) == 0
    assert await rpc.release_inbound([]) == 0
    assert await rpc.sweep_inbound() >= 0
    assert await rpc.claim_inbound(0) == []
    assert await rpc.claim_outbound(0) == []
    assert await rpc.record_outbound([]) == 0
    assert await rpc.release_outbound([]) == 0
    assert await rpc.sweep_outbound() >= 0
    assert await rpc.claim_media(0) == []
    assert await rpc.record_media([]) == 0
    assert await rpc.release_media([]) == 0
    assert await rpc.sweep_media() >= 0
    assert await rpc.claim_chores(0) == []
    assert await rpc.record_chores([]) == 0
    assert await rpc.record_number_health("00000000-0000-4000-8000-000000000000", {}, "2026-11-01T00:00:00Z") is None
    assert await rpc.sweep_workspaces(0) == 0
    assert await rpc.sweep_journal() >= 0
    assert await rpc.verify_inbound("00000000-0000-4000-8000-000000000000", [], [], [], None) == []
    assert (await rpc.verify_stats(*["00000000-0000-4000-8000-000000000000"] * 2, 10))["differences"] == []
    assert await rpc.get_connection_credential("00000000-0000-4000-8000-000000000000") is None


async def test_bodies_are_journaled_byte_for_byte_and_numbered_in_order(rpc: Rpc, database: Connect) -> None:
    bodies = [b'{"n":  1, "s": "\\u0000\\ud800"}', '{"emoji": "👩‍👩‍👧"}'.encode(), b'{"big": 1e400}', b"{}"]
    ids = await rpc.receive_inbound([("meta", None, None, body) for body in bodies])
    async with database() as session:
        kept = await rows(
            session, "select body::text from public.webhook_events where id = any (%s) order by id", sorted(ids)
        )
    assert ids == sorted(ids)
    assert [row["body"].encode() for row in kept] == bodies


async def test_a_body_that_is_no_json_is_rejected_with_its_group(rpc: Rpc) -> None:
    with pytest.raises(Rejected) as refused:
        await rpc.receive_inbound([("meta", None, None, b"{}"), ("meta", None, None, b'{"half":')])
    assert refused.value.code == "22P02"


async def test_text_that_jsonb_cannot_hold_is_stored_with_replacements(
    rpc: Rpc, sessions: list[Session], tenant: Tenant
) -> None:
    message = tenant.message(
        "wamid", "972501234567", content={"body": "a\x00b \ud83d \ude00 \\u0000", "k\x00": ["\x00"]}
    )
    assert await rpc.record_inbound([], [message], []) == 1
    (kept,) = await rows(
        sessions[0], "select content from public.messages where workspace_id = %s", tenant.workspace_id
    )
    r = REPLACEMENT
    assert kept["content"] == {"body": f"a{r}b {r} {r} \\u0000", f"k{r}": [r]}


# to_json


@pytest.mark.parametrize(
    "value",
    ["", "שלום 👋", "\\u0000", "\\\\u0000", {"key": [1, 1.5, None, True, "x"]}, "\ue000", "\U0001f600", "\x1e\x1f\n\t"],
)
def test_what_postgres_can_hold_is_left_alone(value: object) -> None:
    assert json.loads(to_json(value)) == value


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ("\x00", REPLACEMENT),
        ("\ud800", REPLACEMENT),
        ("\udfff", REPLACEMENT),
        ("\\u0000\x00", "\\u0000" + REPLACEMENT),
        # Two halves of one character, each sent as a surrogate of its own, are that character.
        ("\ud83d\ude00", "😀"),
        ("\ude00\ud83d", REPLACEMENT * 2),
        ({"n": [float("nan"), float("inf"), 1e308]}, {"n": [None, None, 1e308]}),
        ({"\x00": {"deep": ["\ud800", ("\x00",)]}}, {REPLACEMENT: {"deep": [REPLACEMENT, [REPLACEMENT]]}}),
    ],
)
def test_what_postgres_cannot_hold_is_replaced(value: object, stored: object) -> None:
    assert json.loads(to_json(value)) == stored


async def test_a_key_without_the_backends_rights_is_denied(project: Project) -> None:
    """The keys of frontends open none of these functions."""
    async with httpx.AsyncClient(base_url=project.url) as http:
        answers = [
            await http.post(f"/rest/v1/rpc/{name}", json={}, headers=project.headers(project.anon_key))
            for name in _methods()
            if name in ("claim_outbound", "claim_inbound", "claim_media", "sweep_media")
        ]
    assert {answer.status_code for answer in answers} == {401}
    assert {answer.json()["code"] for answer in answers} == {"42501"}
