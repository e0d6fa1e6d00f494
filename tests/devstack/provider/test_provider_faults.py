"""Faults on demand: what a caller sees, and what has really happened behind it."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import urlsplit

import aiohttp
import pytest

from tests.devstack.provider.conftest import NewBusiness
from tests.devstack.provider.receiver import Receiver
from tests.devstack.provider.simulator import Answer, Business

TO = "972501234567"
PICTURE = bytes(range(256)) * 8


async def test_error_rule_refuses_in_meta_s_shape_so_many_times(business: Business) -> None:
    await business.user(TO)
    await business.fault("messages", {"error": 131048, "details": "spam"}, times=2)
    refused = [await business.send(TO) for _ in range(2)]
    assert [answer.error for answer in refused] == [(400, 131048), (400, 131048)]
    assert refused[0].details == "spam"
    assert (await business.send(TO)).status == 200
    assert len(await business.seen("sent")) == 1


async def test_http_rule_answers_with_a_page_that_is_not_the_api_s(business: Business) -> None:
    await business.fault("messages", {"http": 502, "body": "<h1>Bad gateway</h1>", "retry_after": 3}, times=1)
    answer = await business.send(TO)
    assert (answer.status, answer.raw) == (502, b"<h1>Bad gateway</h1>")
    assert answer.headers["Retry-After"] == "3"


async def test_line_cut_before_means_nothing_was_sent(business: Business) -> None:
    await business.fault("messages", {"cut": "before"}, times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await business.send(TO)
    assert await business.seen("sent") == []
    [row] = await business.seen("requests")
    assert (row["status"], row["fault"]) == (0, "cut")


async def test_line_cut_after_means_the_message_was_sent(business: Business, heard: Receiver) -> None:
    await business.user(TO)
    await business.fault("messages", {"cut": "after"}, times=1)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await business.send(TO, biz_opaque_callback_data="row 9")
    [row] = await business.seen("sent")
    await heard.until(lambda r: len(r.statuses) == 3)
    assert {(s["id"], s["biz_opaque_callback_data"]) for s in heard.statuses} == {(row["wamid"], "row 9")}


async def test_late_answer_is_for_a_message_that_was_sent_at_once(business: Business, heard: Receiver) -> None:
    await business.user(TO)
    await business.fault("messages", {"delay_ms": 15_000})
    sending = asyncio.create_task(business.send(TO))
    await heard.until(lambda r: len(r.statuses) == 3)
    assert not sending.done()
    await left(sending)
    assert len(await business.seen("sent")) == 1


async def test_hung_call_of_a_caller_who_left_is_not_processed(business: Business) -> None:
    await business.user(TO)
    await business.fault("messages", {"hang": 3}, times=1)
    sending = asyncio.create_task(business.send(TO))
    await business.until_asked("messages")
    await left(sending)
    await business.until_asked("messages", status=0)
    assert await business.seen("sent") == []


async def left(sending: asyncio.Task[Answer]) -> None:
    """Its caller has hung up."""
    sending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sending


async def test_hung_call_goes_on_for_a_patient_caller(business: Business) -> None:
    await business.user(TO)
    await business.fault("messages", {"hang": 0.1}, times=1)
    started = time.monotonic()
    assert (await business.send(TO)).status == 200
    assert time.monotonic() - started >= 0.1


async def test_failure_after_acceptance_can_be_ordered(business: Business, heard: Receiver) -> None:
    await business.user(TO)
    await business.fault("messages", {"failed": 131049}, to=TO)
    answer = await business.send(TO)
    await heard.until(lambda r: len(r.statuses) == 1)
    assert heard.statuses[0]["id"] == answer.wamid
    assert heard.statuses[0]["errors"][0]["code"] == 131049


async def test_rule_for_one_recipient_leaves_the_others_alone(business: Business) -> None:
    await business.behave(enforce_window="off")
    await business.fault("messages", {"error": 131026}, to=TO)
    assert (await business.send("972507654321")).status == 200
    assert (await business.send(TO)).error == (400, 131026)


async def test_rule_for_one_number_leaves_the_others_alone(new_business: NewBusiness) -> None:
    mine, other = await new_business(), await new_business()
    await mine.fault("*", {"error": 131031})
    assert (await mine.call("GET", "/health_status")).error == (403, 131031)
    assert (await other.call("GET", "/health_status")).status == 200


async def test_rules_of_a_number_can_be_taken_back(business: Business) -> None:
    await business.fault("*", {"error": 2})
    await business.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": business.id})
    assert (await business.call("GET", "/health_status")).status == 200


async def test_chance_with_a_seed_repeats_itself(new_business: NewBusiness) -> None:
    outcomes = []
    for business in (await new_business(), await new_business()):
        await business.fault("health", {"error": 2}, probability=0.5, seed=3)
        outcomes.append([(await business.call("GET", "/health_status")).status for _ in range(20)])
    assert outcomes[0] == outcomes[1]
    assert set(outcomes[0]) == {200, 503}


async def test_answer_cut_in_the_middle(business: Business) -> None:
    await business.user(TO)
    await business.fault("messages", {"truncate": 20}, times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await business.send(TO)
    assert len(await business.seen("sent")) == 1


@pytest.mark.parametrize("on", ["media_lookup", "download"])
async def test_media_calls_can_fail_each_by_itself(business: Business, on: str) -> None:
    media = await business.media_from_user(PICTURE)
    await business.fault(on, {"http": 500}, times=1)
    assert [(await business.download(media["id"])).status for _ in range(2)] == [500, 200]


async def test_calls_that_share_a_route_fail_each_by_itself(business: Business) -> None:
    wamid = await business.receive({"type": "text", "text": {"body": "hi"}})
    mark = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    for on in ("mark_read", "phone_number"):
        await business.fault(on, {"error": 131000})
    assert (await business.send(TO)).status == 200
    assert (await business.call("POST", "/messages", json=mark)).error == (500, 131000)
    assert (await business.call_graph("GET", f"/{business.id}")).error == (500, 131000)


async def test_download_can_end_early_once(business: Business) -> None:
    media = await business.media_from_user(PICTURE)
    await business.fault("download", {"truncate": 10}, times=1)
    with pytest.raises(aiohttp.ClientPayloadError):
        await business.download(media["id"])
    assert (await business.download(media["id"])).raw == PICTURE


async def test_download_can_stall_in_the_middle(business: Business) -> None:
    media = await business.media_from_user(PICTURE)
    await business.fault("download", {"stall": {"after_bytes": 100, "seconds": 0.1}}, times=1)
    started = time.monotonic()
    assert (await business.download(media["id"])).raw == PICTURE
    assert time.monotonic() - started >= 0.1


async def test_download_can_drip(business: Business) -> None:
    media = await business.media_from_user(PICTURE[:60])
    await business.fault("download", {"drip": 200}, times=1)
    started = time.monotonic()
    assert (await business.download(media["id"])).raw == PICTURE[:60]
    assert time.monotonic() - started >= 0.2


async def test_download_can_be_longer_than_the_file_and_than_it_says(business: Business) -> None:
    media = await business.media_from_user(PICTURE)
    await business.fault("download", {"append": 300_000}, times=1)
    longer, again = [await business.download(media["id"]) for _ in range(2)]
    assert longer.raw == PICTURE + bytes(300_000)
    assert "Content-Length" not in longer.headers
    assert again.raw == PICTURE


@pytest.mark.parametrize("on", ["media_lookup", "download"])
async def test_answers_can_come_compressed_although_nobody_asked(business: Business, on: str) -> None:
    media = await business.media_from_user(PICTURE)
    await business.fault(on, {"encoding": "gzip"}, times=1)
    found = await business.call("GET", f"/{media['id']}", skip_auto_headers=["Accept-Encoding"])
    url = urlsplit(found.body["url"])
    fetched = await business.call("GET", f"{url.path}?{url.query}", skip_auto_headers=["Accept-Encoding"])
    answer = found if on == "media_lookup" else fetched
    assert answer.headers["Content-Encoding"] == "gzip"
    assert (found.body["id"], fetched.raw) == (media["id"], PICTURE)


@pytest.mark.parametrize("status", [302, 307])
async def test_download_can_lead_elsewhere(business: Business, status: int) -> None:
    media = await business.media_from_user(PICTURE)
    await business.fault("download", {"redirect": "/_control/health", "http": status}, times=1)
    url = urlsplit((await business.call("GET", f"/{media['id']}")).body["url"])
    answer = await business.call("GET", f"{url.path}?{url.query}", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (status, "/_control/health")


async def test_download_can_be_a_page_nothing_or_late_and_gone(business: Business) -> None:
    media = await business.media_from_user(PICTURE)
    for action in ({"http": 200, "body": "<html>"}, {"http": 200, "body": ""}, {"hang": 0.1, "http": 404}):
        await business.fault("download", action, times=1)
    started = time.monotonic()
    answers = [await business.download(media["id"]) for _ in range(3)]
    assert [(answer.status, answer.raw) for answer in answers] == [(200, b"<html>"), (200, b""), (404, b"")]
    assert time.monotonic() - started >= 0.1


async def test_answers_can_be_slow_for_everyone(business: Business) -> None:
    await business.user(TO)
    await business.behave(answer_delay_ms=500)
    started = time.monotonic()
    answers = await asyncio.gather(*(business.send(TO) for _ in range(10)))
    assert {answer.status for answer in answers} == {200}
    # One after the other they would take five seconds.
    assert 0.5 <= time.monotonic() - started < 4


async def test_senseless_rules_are_refused(business: Business) -> None:
    for rule in (
        {"on": "everything", "action": {"error": 1}},
        {"on": "messages", "action": {}},
        {"on": "messages"},
    ):
        answer = await business.simulator.call("POST", "/_control/faults", json=rule)
        assert answer.status == 400
        assert answer.body["error"]
