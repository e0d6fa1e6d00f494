"""`wabase verify` and people: a lost name or wish is found, and what people of the workspace do is theirs."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows.programs import Program
from tests.flows.tenant import Tenant, digits, phones
from tests.ops.conftest import differences
from tests.webhook.posting import post, text_from_customer

PHONE = "972501110000"
AT = 1794132000


async def _said(webhook: Program, tenant: Tenant, *changes: tuple[str, dict[str, Any]]) -> None:
    """Each change in a webhook of its own, until all are applied."""
    metadata = text_from_customer(tenant)["entry"][0]["changes"][0]["value"]["metadata"]
    for field, value in changes:
        change = {"field": field, "value": {"metadata": metadata, **value}}
        assert await post(webhook, tenant, {"entry": [{"id": tenant.waba_id, "changes": [change]}]}) == 200
    await tenant.until_events(*["processed"] * len(await tenant.events()))


def _written(name: str, second: int, phone: str = PHONE, **fields: Any) -> tuple[str, dict[str, Any]]:
    contacts = [{"wa_id": phone, "profile": {"name": name}}]
    message = {"id": f"wamid.{digits()}", "from": phone, "timestamp": str(AT + second), "type": "text", **fields}
    return "messages", {"contacts": contacts, "messages": [message | {"text": {"body": "hello"}}]}


def _wish(phone: str, value: str, second: int) -> tuple[str, dict[str, Any]]:
    wish = {"wa_id": phone, "category": "marketing_messages", "value": value, "timestamp": AT + second}
    return "user_preferences", {"user_preferences": [wish]}


def _synced(phone: str, name: str, second: int) -> tuple[str, dict[str, Any]]:
    contact = {"full_name": name, "phone_number": phone}
    entry = {"type": "contact", "action": "add", "metadata": {"timestamp": AT + second}, "contact": contact}
    return "smb_app_state_sync", {"state_sync": [entry]}


async def _known(webhook: Program, tenant: Tenant, phones: list[str]) -> dict[str, str]:
    """People who have said all that a contact hears of; who is whose contact."""
    for phone in phones:
        told = (_written("Dan", 0, phone), _written("Dana", 1, phone), _wish(phone, "resume", 4))
        await _said(webhook, tenant, *told, _wish(phone, "stop", 5), _synced(phone, "Dana of the phone", 6))
    rows = await tenant.rows("select id::text, phone from contacts where workspace_id = %(workspace)s")
    return {row["id"]: row["phone"].removeprefix("+") for row in rows}


NAME = ("profile_name", "Dana")
WISH = ("marketing_opted_out_at", "2026-11-08T10:00:05+00:00")
ENTRY = ("synced_name", "Dana of the phone")
# What is planted, and what is found instead of it.
FORGED = {
    "profile_name = 'Forged'": NAME,
    "profile_name = 'Dan'": NAME,
    "profile_name = null, profile_name_at = null": NAME,
    "marketing_opted_out_at = null, marketing_preference_at = null": WISH,
    "marketing_opted_out_at = null, marketing_preference_at = marketing_preference_at - interval '1 second'": WISH,
    "marketing_opted_out_at = null": WISH,
    "synced_name = 'Forged'": ENTRY,
    "synced_name = null, synced_name_at = null": ENTRY,
}


async def test_what_a_contact_should_have_heard_and_has_not_is_found(webhook: Program, tenant: Tenant) -> None:
    people = dict(zip(phones(len(FORGED)), FORGED, strict=True))
    known = await _known(webhook, tenant, [*people])
    for phone, planted in people.items():
        where = "workspace_id = %(workspace)s and phone = %(phone)s"
        await tenant.rows(f"update contacts set {planted} where {where}", phone=f"+{phone}")
    found = {(known[row["key"]], row["column"], row["rebuilt"]) for row in await differences(tenant)}
    assert found == {(phone, *FORGED[planted]) for phone, planted in people.items()}


THEIRS = (
    "update contacts set name = 'Mrs. Cohen', phone = '+972509999999' where {one}",
    "delete from contacts where {one}",
    "with other as (insert into contacts (workspace_id, phone) values (%(workspace)s, '+15550001111') returning id)"
    " update conversations set contact_id = other.id from other, contacts where contact_id = contacts.id and {one}",
    # A send that was refused for the wish.
    "update contacts set marketing_opted_out_at = now() where {one}",
)


async def test_what_people_of_the_workspace_do_with_a_contact_is_no_difference(
    webhook: Program, tenant: Tenant
) -> None:
    people = dict(zip(phones(len(THEIRS)), THEIRS, strict=True))
    await _known(webhook, tenant, [*people])
    for phone, done in people.items():
        one = "contacts.workspace_id = %(workspace)s and contacts.phone = %(phone)s"
        await tenant.rows(done.format(one=one), phone=f"+{phone}")
    assert await differences(tenant) == []


async def test_a_name_that_only_a_group_has_heard_is_no_difference(webhook: Program, tenant: Tenant) -> None:
    await _said(webhook, tenant, _written("Dan", 0), _written("Dana", 9, group_id=f"group{digits()}"))
    (contact,) = await tenant.rows("select profile_name from contacts where workspace_id = %(workspace)s")
    assert contact["profile_name"] == "Dana"
    assert await differences(tenant) == []


async def test_a_name_that_another_number_has_heard_is_no_difference(
    webhook: Program, tenant: Tenant, second_number: Tenant
) -> None:
    await _said(webhook, tenant, _written("Dan", 0))
    await _said(webhook, second_number, _written("Dana", 9))
    assert await differences(tenant) == []
    assert await differences(second_number) == []


@pytest.fixture
async def second_number(tenant: Tenant) -> Tenant:
    """Another number of the same workspace."""
    await tenant.rows("update workspaces set connection_limit = 2 where id = %(workspace)s")
    number, waba = digits(), digits()
    (row,) = await tenant.rows(
        "insert into whatsapp_connections (workspace_id, provider, phone_number_id, waba_id)"
        " values (%(workspace)s, '360dialog', %(second)s, %(waba)s) returning id",
        second=number,
        waba=waba,
    )
    return Tenant(tenant.database, tenant.workspace_id, str(row["id"]), number, waba)
