"""Every payload there is, by both providers' doors, in the rows: normaliser and SQL mean the same by their keys."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.flows.programs import Program
from tests.flows.tenant import Tenant
from tests.webhook.expected.beside import BESIDE
from tests.webhook.expected.facts import FACTS
from tests.webhook.expected.messages import MESSAGES
from tests.webhook.expected.people import PEOPLE
from tests.webhook.expected.phone_app import PHONE_APP
from tests.webhook.expected.reports import REPORTS
from tests.webhook.landed import Addressed, closed_event, landed, last_event
from tests.webhook.posting import post, post_signed
from tests.whatsapp.payload import STRANGER, names

EXPECTED = {**MESSAGES, **REPORTS, **FACTS, **PHONE_APP, **PEOPLE, **BESIDE}
# Under a number's token another number is somebody else's business; Meta's signature is good for all.
REFUSED_BY_NUMBER = {"foreign_number": 403}
UNROUTED = {"state": "unrouted", "error": f"no connection for {STRANGER}", "missing": [STRANGER]}
AT_META = {"foreign_number": UNROUTED, "mixed_numbers": UNROUTED}


def test_every_payload_is_expected_to_become_something() -> None:
    assert sorted(EXPECTED) == names()


@pytest.mark.parametrize("name", names())
async def test_a_payload_from_360dialog_is_in_the_rows(name: str, webhook: Program, database: Connect) -> None:
    tenant = await Tenant.new(database)
    body, since = Addressed(name, tenant), await last_event(tenant)
    assert await post(webhook, tenant, body.raw) == REFUSED_BY_NUMBER.get(name, 200)
    if name in REFUSED_BY_NUMBER:
        assert await last_event(tenant) == since
        return
    event = await closed_event(tenant, since)
    assert (event["phone_number_id"], event["raw"].encode()) == (tenant.phone_number_id, body.raw)
    seen = {key: event[key] for key in ("state", "error", "kinds", "missing")} | await landed(tenant, event)
    assert body.back(seen) == {"missing": None, **EXPECTED[name]}


@pytest.mark.parametrize("name", names())
async def test_a_payload_from_meta_is_in_the_same_rows(name: str, webhook: Program, database: Connect) -> None:
    tenant = await Tenant.new(database, provider="meta")
    body, since = Addressed(name, tenant), await last_event(tenant)
    assert await post_signed(webhook, body.raw) == 200
    event = await closed_event(tenant, since)
    seen = {key: event[key] for key in ("state", "error", "kinds", "missing")} | await landed(tenant, event)
    assert body.back(seen) == {"missing": None, **EXPECTED[name], **AT_META.get(name, {})}
