"""What the receiver says while Supabase is away, and when strangers knock by the thousand."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx

from tests.flows.flaky_gateway import UNAVAILABLE, FlakyGateway
from tests.flows.programs import Program, Programs
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.webhook.posting import post, post_raw, text_from_customer


def told(program: Program, event: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in program.said.splitlines())
    return [line for line in lines if line["event"] == event]


async def test_an_outage_is_told_once_with_its_code_and_its_end_too(
    programs: Programs, gateway: FlakyGateway, tenant: Tenant, http: httpx.AsyncClient
) -> None:
    webhook = await programs.webhook(SUPABASE_URL=gateway.url)

    async def ready() -> int:
        return (await http.get(webhook.url + "/readyz")).status_code

    gateway.troubles |= {"rpc/receive_inbound": UNAVAILABLE, "/webhook_events": UNAVAILABLE}
    bodies = [text_from_customer(tenant) for _ in range(5)]
    assert {await post(webhook, tenant, body) for body in bodies} == {503}
    assert [await ready(), await ready()] == [503, 503]
    gateway.troubles.clear()
    await until(ready, lambda status: status == 200)
    (commit,), (refused,) = told(webhook, "journal.commit_failed"), told(webhook, "webhook.refused")
    assert (commit["code"], commit["bodies"]) == ("503", 1)
    assert (refused["status"], refused["route"]) == (503, "360dialog_number")
    assert refused["subject"] == tenant.phone_number_id
    assert [line["code"] for line in told(webhook, "readiness.lost")] == ["503"]
    assert len(told(webhook, "readiness.restored")) == 1


async def test_strangers_get_one_line_and_cannot_write_what_they_like_into_it(programs: Programs) -> None:
    webhook = await programs.webhook()
    path = "/webhooks/360dialog/%0A%7B%22event%22:%22forged%22%7D"
    answers = await asyncio.gather(*(post_raw(webhook, path, b"{}", {}) for _ in range(50)))
    assert set(answers) == {401}
    (line,) = told(webhook, "webhook.refused")
    assert (line["status"], line["subject"], line["times"]) == (401, None, 1)
    assert "forged" not in webhook.said
