"""Every function that a member may call, with null and absurd arguments: a code of ours, or nothing at all."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.attack.isolation.surface import FUNCTIONS
from tests.attack.isolation.worlds import filled
from tests.conftest import Connect
from tests.frontends.member import Member
from tests.frontends.reference import COMPUTED
from tests.store.tenant import Session, Tenant, call

# PostgREST and Postgres before any function of ours: no uuid, no number, no time, a byte that text cannot hold.
OF_THE_TYPE = {"22P02", "22P05", "22007", "22008", "22003"}
DEEP: Any = {"body": "x"}
for _ in range(500):
    DEEP = {"body": DEEP}
ABSURD: list[Any] = [
    *(None, "", " ", "null", "🙂", "\x00", "'; drop table messages; --", "x" * 300_000, "%", "\\"),
    *(0, -1, 2**31, 1e300, True, [], {}, [[]], {"limit": None}, DEEP, ["x"] * 5000, "infinity", "-infinity"),
    *("00000000-0000-0000-0000-000000000000", "9999-99-99"),
]


HUGE = secrets.token_hex(200_000)
MEMBERS_WRITE: list[tuple[str, dict[str, Any], str, str]] = [
    ("messages", {"content": {"body": "x", "more": HUGE}}, "WA013", "content"),
    ("messages", {"content": {"body": "x", "more": DEEP}}, "WA014", "content"),
    ("messages", {"content": {"body": "x", "more": [10**4000]}}, "WA014", "content"),
    ("messages", {"content": {"body": "x", "more": {"a": -(10**301)}}}, "WA014", "content"),
    ("messages", {"content": None}, "WA011", "content"),
    ("messages", {"type": None}, "WA011", "type"),
    ("messages", {"type": HUGE}, "WA010", "type"),
    ("messages", {"client_reference": ""}, "WA011", "client_reference"),
    ("messages", {"client_reference": HUGE}, "WA013", "client_reference"),
    ("messages", {"reply_to_wamid": HUGE}, "WA013", "reply_to_wamid"),
    ("messages", {"send_after": "infinity"}, "WA014", "send_after"),
    ("messages", {"send_after": "-infinity"}, "WA014", "send_after"),
    ("messages", {"send_after": "9999-01-01"}, "WA014", "send_after"),
    ("contacts", {"phone": "0501234567"}, "WA014", "phone"),
    ("contacts", {"name": HUGE}, "WA013", "name"),
    ("contacts", {"tags": [""]}, "WA013", "tags"),
    ("contacts", {"tags": [HUGE]}, "WA013", "tags"),
    ("contacts", {"tags": [None]}, "WA015", "tags"),
    ("contacts", {"tags": [str(number) for number in range(101)]}, "WA015", "tags"),
    ("contacts", {"attributes": []}, "WA012", "attributes"),
    ("contacts", {"attributes": {"more": HUGE}}, "WA013", "attributes"),
    ("contact_notes", {"body": None}, "WA011", "body"),
    ("contact_notes", {"body": " "}, "WA011", "body"),
    ("contact_notes", {"body": HUGE}, "WA013", "body"),
    ("canned_replies", {"shortcut": None}, "WA014", "shortcut"),
    ("canned_replies", {"shortcut": "two words"}, "WA014", "shortcut"),
    ("canned_replies", {"shortcut": HUGE}, "WA014", "shortcut"),
    ("canned_replies", {"body": ""}, "WA011", "body"),
    ("canned_replies", {"body": HUGE}, "WA013", "body"),
]
SETTINGS: list[tuple[dict[str, Any], str, str]] = [
    ({"name": None}, "WA011", "name"),
    ({"name": "  "}, "WA011", "name"),
    ({"name": HUGE}, "WA013", "name"),
    ({"default_language": None}, "WA014", "default_language"),
    ({"default_language": HUGE}, "WA014", "default_language"),
    ({"media_retention_days": 0}, "WA014", "media_retention_days"),
    ({"broadcasts": None}, "WA011", "broadcasts"),
]


@pytest.mark.parametrize(
    ("table", "row", "code", "field"), MEMBERS_WRITE, ids=lambda value: str(value)[:40] if value else "none"
)
async def test_rows_of_absurd_values_are_refused_by_name(
    table: str, row: dict[str, Any], code: str, field: str, owner: Member, world: dict[str, str]
) -> None:
    sound = {
        "messages": {"conversation_id": world["conversation"], "type": "text", "content": {"body": "hi"}},
        "contacts": {"workspace_id": world["workspace"], "name": "Dana", "tags": ["vip"], "attributes": {"size": 1}},
        "contact_notes": {"workspace_id": world["workspace"], "contact_id": world["contact"], "body": "likes tea"},
        "canned_replies": {"workspace_id": world["workspace"], "shortcut": "hi", "body": "Shalom"},
    }[table]
    url = f"{owner.project.url}/rest/v1/{table}"
    refused = await owner.http.post(url, json=sound | row, headers=owner.headers)
    assert (refused.status_code, refused.json()["code"], refused.json()["details"]) == (400, code, field)
    assert (await owner.http.post(url, json=sound, headers=owner.headers)).status_code == 201


@pytest.mark.parametrize(("change", "code", "field"), SETTINGS, ids=lambda value: str(value)[:40])
async def test_a_workspace_is_not_made_absurd(
    change: dict[str, Any], code: str, field: str, owner: Member, tenant: Tenant
) -> None:
    url = f"{owner.project.url}/rest/v1/workspaces?id=eq.{tenant.workspace_id}"
    refused = await owner.http.patch(url, json=change, headers=owner.headers)
    assert (refused.status_code, refused.json()["code"], refused.json()["details"]) == (400, code, field)
    sound = {"name": "Acme", "default_language": "en_US", "media_retention_days": 30, "broadcasts": True}
    assert (await owner.http.patch(url, json=sound, headers=owner.headers)).status_code == 204


@pytest.mark.parametrize("credential", ["x" * 4097, "one\ntwo", "ключ", "\n"])
async def test_what_is_no_key_is_not_kept(credential: str, owner: Member, tenant: Tenant) -> None:
    told = await owner.refusal(
        "set_connection_credential", connection_id=str(tenant.connection_id), credential=credential
    )
    assert told == (400, "WA006", "credential")


async def test_a_key_is_kept_without_the_line_break_it_was_copied_with(
    owner: Member, tenant: Tenant, backend: Session
) -> None:
    await owner.call("set_connection_credential", connection_id=str(tenant.connection_id), credential=" a key\r\n")
    assert await call(backend, "get_connection_credential", tenant.connection_id) == "a key"


async def test_a_reason_is_short(owner: Member, tenant: Tenant) -> None:
    told = await owner.refusal("pause_connection", connection_id=str(tenant.connection_id), reason="x" * 201)
    assert told == (400, "WA032", "reason")


def spoiled(arguments: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Each argument in turn, in each way."""
    yield dict.fromkeys(arguments)
    for name in arguments:
        for value in ABSURD:
            yield {**arguments, name: value}


@pytest.mark.parametrize("function", [name for name, line in FUNCTIONS.items() if line.by and name not in COMPUTED])
async def test_absurd_arguments_get_a_code_or_nothing(
    function: str, owner: Member, world: dict[str, str], database: Connect
) -> None:
    async with database() as session:
        found = await (
            await session.execute(
                "select proargnames[:pronargs] as names, pronargdefaults as defaults from pg_proc"
                " where pronamespace = 'public'::regnamespace and proname = %s",
                [function],
            )
        ).fetchone()
    assert found
    given: dict[str, Any] = filled(FUNCTIONS[function].arguments, world)
    arguments = {name: given.get(name) for name in found["names"]}
    wrong = []
    for asked in spoiled(arguments):
        answer = await owner.ask(function, **asked)
        if answer.is_success:
            continue
        code, text = answer.json().get("code", ""), answer.text
        if not (code.startswith("WA") or code in OF_THE_TYPE) or "constraint" in text or "Traceback" in text:
            wrong.append((answer.status_code, text[:300], str(asked)[:200]))
    assert wrong == []
