"""The 24-hour window, the throttles, and failures that come after acceptance."""

from __future__ import annotations

import pytest

from tests.devstack.provider.conftest import NewBusiness
from tests.devstack.provider.receiver import Receiver
from tests.devstack.provider.simulator import Business

DAY = 24 * 3600
STRANGER = "972529999999"


async def test_free_form_message_to_a_stranger_fails_after_acceptance(business: Business, heard: Receiver) -> None:
    answer = await business.send(STRANGER, biz_opaque_callback_data="row 1")
    await heard.until(lambda r: len(r.statuses) == 1)
    [status] = heard.statuses
    assert (status["id"], status["status"]) == (answer.wamid, "failed")
    assert status["errors"][0]["code"] == 131047
    assert status["biz_opaque_callback_data"] == "row 1"
    assert "contacts" not in heard.webhooks[0].values[0]


async def test_closed_window_can_be_told_at_once(business: Business) -> None:
    await business.behave(enforce_window="sync")
    assert (await business.send(STRANGER)).error == (400, 131047)
    assert await business.seen("sent") == []


async def test_window_closes_a_day_after_the_last_message(business: Business) -> None:
    await business.behave(enforce_window="sync")
    to = await business.user()
    await business.control("clock", offset_seconds=DAY - 60)
    assert (await business.send(to)).status == 200
    await business.control("clock", offset_seconds=DAY + 60)
    assert (await business.send(to)).error == (400, 131047)


async def test_window_counts_from_the_message_not_from_its_arrival(business: Business) -> None:
    await business.behave(enforce_window="sync")
    to = await business.user(timestamp=1_700_000_000)
    assert (await business.send(to)).error == (400, 131047)


@pytest.mark.parametrize("pair", [("5531987654321", "553187654321"), ("5215512345678", "525512345678")])
async def test_window_is_the_user_s_whichever_way_the_number_is_written(
    business: Business, pair: tuple[str, str]
) -> None:
    await business.behave(enforce_window="sync")
    await business.user(pair[0])
    assert [(await business.send(number)).status for number in pair] == [200, 200]


async def test_reaction_does_not_open_the_window(business: Business) -> None:
    await business.behave(enforce_window="sync")
    await business.receive({"type": "reaction", "reaction": {"message_id": "wamid.x", "emoji": "👍"}}, STRANGER)
    assert (await business.send(STRANGER)).error == (400, 131047)


async def test_clock_of_one_number_leaves_the_others_alone(new_business: NewBusiness) -> None:
    here, ahead = await new_business(), await new_business()
    for business in (here, ahead):
        await business.behave(enforce_window="sync")
        await business.user()
    await ahead.control("clock", offset_seconds=DAY * 2)
    assert (await here.send("972501234567")).status == 200
    assert (await ahead.send("972501234567")).error == (400, 131047)


async def test_more_messages_in_a_second_than_the_number_may_are_refused(new_business: NewBusiness) -> None:
    business = await new_business(messages_per_second=3)
    await business.behave(enforce_window="off")
    answers = [await business.send(f"97250000000{n}") for n in range(5)]
    assert [answer.status for answer in answers[:3]] == [200, 200, 200]
    assert [answer.error for answer in answers[3:]] == [(400, 130429), (400, 130429)]
    assert len(await business.seen("sent")) == 3


async def test_one_user_gets_45_at_once_and_then_one_every_six_seconds(business: Business) -> None:
    await business.behave(enforce_window="off")
    answers = [await business.send(STRANGER) for _ in range(46)]
    assert {answer.status for answer in answers[:45]} == {200}
    assert answers[45].error == (400, 131056)
    await business.control("clock", offset_seconds=7)
    assert (await business.send(STRANGER)).status == 200
    assert (await business.send(STRANGER)).error == (400, 131056)


async def test_throttles_can_be_switched_off(new_business: NewBusiness) -> None:
    business = await new_business(messages_per_second=1)
    await business.behave(enforce_window="off", enforce_rates=False)
    assert {(await business.send(STRANGER)).status for _ in range(60)} == {200}


async def test_reaction_to_an_unknown_message_fails_after_acceptance(business: Business, heard: Receiver) -> None:
    to = await business.user()
    answer = await business.send(to, {"message_id": "wamid.none", "emoji": "👍"}, "reaction")
    await heard.until(lambda r: len(r.statuses) == 1)
    assert heard.statuses[0]["id"] == answer.wamid
    assert heard.statuses[0]["errors"][0]["code"] == 131009


async def test_reaction_to_a_known_message_is_delivered(business: Business, heard: Receiver) -> None:
    wamid = await business.receive({"type": "text", "text": {"body": "hi"}})
    await business.send("972501234567", {"message_id": wamid, "emoji": "👍"}, "reaction")
    await heard.until(lambda r: len(r.statuses) == 3)
    assert "failed" not in {status["status"] for status in heard.statuses}
