"""The provider as a process: its control interface's manners, its records, its end."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
from aiohttp.web import RouteDef

from devstack.provider.app import CONTROL
from devstack.provider.behaviour import Behaviour, WebhookFaults
from devstack.provider.faults import Rule
from tests.devstack.provider.conftest import ROOT, NewBusiness, free_port, provider_process
from tests.devstack.provider.receiver import Receiver
from tests.devstack.provider.simulator import Business, Simulator

TO = "972501234567"


async def test_number_describes_itself_in_both_dialects(business: Business) -> None:
    health = await business.call("GET", "/health_status", params={"fields": "health_status,quality_rating"})
    assert health.body.keys() == {"health_status", "quality_rating", "id"}
    assert health.body["id"] == business.id
    assert health.body["health_status"]["can_send_message"] == "AVAILABLE"
    node = await business.call_graph("GET", f"/{business.id}", params={"fields": "display_phone_number,throughput"})
    assert node.body["throughput"] == {"level": "STANDARD"}


async def test_token_may_reach_several_numbers(new_business: NewBusiness, simulator: Simulator) -> None:
    first, second = await new_business(), await new_business()
    await simulator.control("numbers", {"phone_number_id": second.id, "access_token": first.access_token})
    for business in (first, second):
        assert (await first.call_graph("GET", f"/{business.id}")).body["id"] == business.id


async def test_senseless_control_requests_are_refused_with_a_reason(simulator: Simulator) -> None:
    for path, body in (
        ("numbers", {"waba_id": "1"}),
        ("inbound", {"phone_number_id": "none", "from": TO, "message": {"type": "text"}}),
        ("behaviour", {"statuses": ["lost"]}),
        ("behaviour", {"colour": "red"}),
        ("clock", {}),
        ("webhook", {"phone_number_id": "none"}),
    ):
        answer = await simulator.call("POST", f"/_control/{path}", json=body)
        assert answer.status == 400, path
        assert answer.body["error"]


async def test_records_can_be_counted_and_limited(business: Business, simulator: Simulator) -> None:
    await business.user(TO)
    wamids = [(await business.send(TO)).wamid for _ in range(4)]
    counted = await simulator.control("sent", phone_number_id=business.id, limit="0")
    assert counted == {"total": 4, "sent": []}
    newest = await business.seen("sent", limit="2")
    assert [row["wamid"] for row in newest] == wamids[2:]
    assert newest[0]["body"]["text"] == {"body": "hello"}
    assert [row["order"] for row in newest] == sorted(row["order"] for row in newest)


async def test_reset_of_a_number_forgets_its_day_and_keeps_its_webhook(
    new_business: NewBusiness, business: Business, heard: Receiver
) -> None:
    other = await new_business()
    for one in (business, other):
        await one.user(TO)
        await one.send(TO)
    await business.fault("*", {"error": 2})
    await business.control("reset")
    assert await business.seen("sent") == []
    assert len(await other.seen("sent")) == 1
    assert (await business.call("GET", "/v1/configs/webhook")).body["url"] == heard.url
    await business.behave(enforce_window="sync")
    assert (await business.send(TO)).error == (400, 131047)


async def test_reset_calls_off_what_is_under_way(business: Business, heard: Receiver) -> None:
    await business.behave(status_delay_ms=60_000)
    await business.user(TO)
    await business.send(TO)
    await business.control("reset")
    wamid = await business.receive({"type": "text", "text": {"body": "after"}})
    await heard.until(lambda r: wamid in [message["id"] for message in r.messages])
    assert heard.statuses == []


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_terminated_process_ends_quickly_and_leaves_nothing(tmp_path: Path) -> None:
    async with (
        provider_process(free_port(), "--data", str(tmp_path)) as (process, url),
        aiohttp.ClientSession() as session,
    ):
        business = await Simulator(url, session).business()
        await business.media_from_user(b"x" * 1000)
        assert len(files_in(tmp_path)) == 1
        await business.fault("health", {"hang": 60})
        hung = asyncio.create_task(business.call("GET", "/health_status"))
        await business.until_asked("health")
        process.terminate()
        async with asyncio.timeout(5):
            assert await process.wait() == 0
        hung.cancel()
        await asyncio.gather(hung, return_exceptions=True)
    assert files_in(tmp_path) == []


async def test_taken_port_is_said_in_one_line(simulator: Simulator) -> None:
    port = simulator.url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "devstack.provider", "--port", port), stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert len(errors.splitlines()) == 1
    assert b"address already in use" in errors


def test_every_control_route_and_setting_is_documented() -> None:
    page = (ROOT / "docs/simulated-whatsapp.md").read_text()
    named = {route.path for route in CONTROL if isinstance(route, RouteDef)}
    named |= Behaviour.model_fields.keys() | WebhookFaults.model_fields.keys() | Rule.model_fields.keys()
    assert sorted(name for name in named if name not in page) == []
