"""What holds for both signups: off unless configured, apart from the webhooks, and as documented."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.devstack.provider.simulator import Business
from tests.flows.flaky_gateway import UNAVAILABLE, FlakyGateway
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.webhook.posting import post, text_from_customer
from tests.webhook.signups import Office, signup_receiver
from tests.webhook.test_onboarding_meta import told
from webhook.onboarding import AT_ONCE
from webhook.onboarding_errors import ENDINGS

PATHS = [
    ("POST", "meta"),
    ("GET", "meta/config"),
    ("POST", "360dialog/start"),
    ("GET", "360dialog"),
    ("POST", "360dialog"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
async def test_nothing_is_there_unless_it_is_configured(
    webhook: Program, office: Office, method: str, path: str
) -> None:
    answer = await office.http.request(method, f"{webhook.url}/onboarding/{path}", headers=office.owner.headers)
    assert (answer.status_code, answer.text) == (404, "Not Found")


async def test_one_signup_is_there_without_the_other(programs: Programs, office: Office) -> None:
    program = await signup_receiver(programs, office.project, D360_PARTNER_ID="")
    for path, status in (("meta/config", 200), ("360dialog", 404)):
        assert (await office.http.get(f"{program.url}/onboarding/{path}")).status_code == status


async def test_a_signup_without_what_it_needs_does_not_start(programs: Programs) -> None:
    program = await programs.start(
        "webhook",
        META_APP_ID="4711",
        D360_PARTNER_ID="partner",
        ONBOARDING_ORIGINS="https://app.example.com, *",
        ONBOARDING_RETURN_URL="https://app.example.com/#x",
    )
    assert await program.ended() == 2
    assert program.said.splitlines() == [
        "D360_PARTNER_ID: needs D360_PARTNER_KEY and WEBHOOK_PUBLIC_URL and ONBOARDING_RETURN_URL beside it",
        "META_APP_ID: needs META_CONFIG_ID beside it",
        "ONBOARDING_ORIGINS: * is no origin like https://app.example.com",
        "ONBOARDING_RETURN_URL: has a #, behind which the outcome is told",
    ]


async def test_more_at_one_time_are_told_to_come_again_and_webhooks_go_on(
    office: Office, business: Business, tenant: Tenant
) -> None:
    # Long enough for all that is asked while they wait; who comes afterwards need not.
    await business.fault("oauth", {"hang": 5}, times=AT_ONCE)
    codes = [await office.code(business) for _ in range(AT_ONCE)]
    waiting = [asyncio.create_task(office.sign_up(business, code=code)) for code in codes]
    await until(lambda: business.seen("requests", operation="oauth"), lambda rows: len(rows) == AT_ONCE)
    refused = await office.sign_up(business)
    assert (*told(refused), refused.headers["retry-after"]) == (429, "busy", "5")
    assert await post(office.webhook, tenant, text_from_customer(tenant)) == 200
    assert not any(task.done() for task in waiting)
    # The same number four times at once: one connection.
    assert {(await task).status_code for task in waiting} == {200}
    assert len(await office.connections()) == 1
    assert (await office.sign_up(business)).status_code == 200


async def test_a_project_that_is_away_is_told_as_that(
    programs: Programs, gateway: FlakyGateway, office: Office, business: Business
) -> None:
    program = await signup_receiver(programs, office.project, SUPABASE_URL=gateway.url)
    away = Office(program, office.project, office.database, office.http, office.workspace_id, office.owner)
    for path in ("user", "get_onboarding", "record_onboarding"):
        gateway.troubles = {path: UNAVAILABLE}
        assert told(await away.sign_up(business)) == (503, "unavailable")
    gateway.troubles = {}
    assert (await away.sign_up(business)).status_code == 200


def test_the_page_lists_every_ending_as_it_is_answered() -> None:
    page = (Path(__file__).parents[2] / "docs/onboarding.md").read_text()
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    held = [(str(ending.status), code, ending.message, ending.remedy) for code, ending in ENDINGS.items()]
    assert rows == held
