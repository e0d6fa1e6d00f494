"""The signups' calls against answers that are odd. That they work is shown by tests/webhook/test_onboarding_*.py."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.whatsapp.scripted import Answer, answer, serving
from whatsapp.errors import NotSent, OutcomeUnknown, Refused
from whatsapp.signup import Channel, Hub, MetaSignup

NONSENSE: list[Any] = ["", "<html>", [], "null", {"data": "x", "paging": 5, "partner_channels": {}, "api_keys": [1]}]


def numbers(*ids: str, after: str | None = None) -> Answer:
    paging = {"cursors": {"after": after}, "next": "http://evil.example/"} if after else {}
    return answer(200, {"data": [{"id": each, "display_phone_number": f"+{each}"} for each in ids], "paging": paging})


@pytest.mark.parametrize("nonsense", NONSENSE, ids=str)
async def test_nonsense_is_no_token_no_number_no_channel_and_no_key(nonsense: Any) -> None:
    async with serving(answer(200, nonsense)) as server, httpx.AsyncClient() as http:
        meta, hub = MetaSignup(http, server.url, "4711", "secret"), Hub(http, server.url, "partner", "key")
        with pytest.raises(OutcomeUnknown):
            await meta.exchange("code")
        assert await meta.display_number("token", "7", "1") is None
        assert await hub.channel("ch1") is None
        with pytest.raises(OutcomeUnknown):
            await hub.new_key("ch1")


async def test_secrets_are_in_no_address() -> None:
    async with serving(answer(200, {"access_token": "t"})) as server, httpx.AsyncClient() as http:
        assert await MetaSignup(http, server.url, "4711", "a secret").exchange("a code") == "t"
        await Hub(http, server.url, "partner", "a key").channel("ch1")
    assert not any("a+code" in head or "secret" in head for head, _ in server.requests)
    assert "a key" not in server.requests[1][0].splitlines()[0]


async def test_a_number_is_found_on_a_later_page_and_no_address_of_an_answer_is_followed() -> None:
    pages = numbers("1", after="x"), numbers("2", after="y"), numbers("3")
    async with serving(*pages) as server, httpx.AsyncClient() as http:
        assert await MetaSignup(http, server.url, "4711", "secret").display_number("token", "7", "3") == "+3"
    assert ["after=x" in head for head, _ in server.requests] == [False, True, False]


async def test_a_list_that_never_ends_ends() -> None:
    async with serving(numbers("1", after="x")) as server, httpx.AsyncClient() as http:
        assert await MetaSignup(http, server.url, "4711", "secret").display_number("token", "7", "3") is None
    assert len(server.requests) == 2


@pytest.mark.parametrize("body", [{"api_key": "k"}, {"api_keys": [{"api_key": "k", "id": "1"}]}], ids=str)
async def test_a_key_is_found_where_either_source_has_it(body: dict[str, Any]) -> None:
    async with serving(answer(201, body)) as server, httpx.AsyncClient() as http:
        assert await Hub(http, server.url, "partner", "key").new_key("ch1") == "k"


async def test_a_channel_is_taken_for_no_other() -> None:
    listed = [{"id": "ch2", "client_id": "c2"}, {"id": "ch1", "client_id": "c1", "setup_info": None}]
    async with serving(answer(200, {"partner_channels": listed})) as server, httpx.AsyncClient() as http:
        hub = Hub(http, server.url, "partner", "key")
        assert await hub.channel("ch1") == Channel("c1", None, None)
        assert await hub.channel("ch3") is None


async def test_a_refusal_and_a_line_that_is_not_there_are_told_apart() -> None:
    async with serving(answer(403, {"meta": {"developer_message": "no"}})) as server, httpx.AsyncClient() as http:
        with pytest.raises(Refused):
            await Hub(http, server.url, "partner", "key").new_key("ch1")
    async with httpx.AsyncClient() as http:
        with pytest.raises(NotSent):
            await Hub(http, server.url, "partner", "key").new_key("ch1")
