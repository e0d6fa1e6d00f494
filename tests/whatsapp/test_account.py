"""What belongs to a number beside its messages: through both providers, and against answers that are odd."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import Project
from tests.devstack.provider.simulator import Business, Simulator
from tests.whatsapp.scripted import answer, serving
from whatsapp.account import AccountClient
from whatsapp.errors import ErrorClass, OutcomeUnknown, Refused
from whatsapp.provider import provider


def account_at(name: str, url: str, business: Business, http: httpx.AsyncClient) -> AccountClient:
    credential = business.api_key if name == "360dialog" else business.access_token
    chosen = provider(name, business.id, d360_base_url=url, graph_base_url=f"{url}/v25.0")
    return AccountClient(http, chosen, credential, waba_id=business.waba_id)


@pytest.fixture(params=["360dialog", "meta"])
async def account(request: pytest.FixtureRequest, project: Project, business: Business) -> Any:
    async with httpx.AsyncClient(timeout=10) as http:
        yield account_at(request.param, project.provider_url, business, http)


async def test_a_number_is_known_by_either_provider(account: AccountClient, business: Business) -> None:
    number = await account.get_number()
    assert (number.phone_number_id, number.waba_id) == (business.id, business.waba_id)
    assert (number.quality_rating, number.can_send_message, number.problems) == ("GREEN", "AVAILABLE", ())
    assert number.display_phone_number


@pytest.mark.parametrize("granted", [20, 80, 1000])
async def test_meta_tells_how_fast_a_number_may_send(project: Project, simulator: Simulator, granted: int) -> None:
    business = await simulator.business(messages_per_second=granted)
    async with httpx.AsyncClient(timeout=10) as http:
        told = [
            (await account_at(name, project.provider_url, business, http).get_number()).messages_per_second
            for name in ("meta", "360dialog")
        ]
    assert told == [granted, None]


async def test_templates_come_page_by_page_and_each_once(account: AccountClient, business: Business) -> None:
    names = [f"t{place:03}" for place in range(230)]
    for name in names:
        await business.control("templates", name=name, components=[{"type": "BODY", "text": "Hi"}])
    pages = [page async for page in account.templates()]
    assert [len(page) for page in pages] == [100, 100, 30]
    assert sorted(template["name"] for page in pages for template in page) == names


async def test_a_webhook_is_registered_with_its_header_and_read_back(project: Project, business: Business) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        account = account_at("360dialog", project.provider_url, business, http)
        await account.set_webhook("https://hooks.example/webhooks/360dialog/1", {"Authorization": "Bearer abc"})
        target = await account.get_webhook()
    assert (target.url, target.headers["Authorization"]) == ("https://hooks.example/webhooks/360dialog/1", "Bearer abc")


async def test_an_app_is_subscribed_to_an_account_of_metas(project: Project, business: Business) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        account = account_at("meta", project.provider_url, business, http)
        await account.subscribe_app()
        assert await account.is_subscribed()


async def test_an_account_has_a_webhook_for_its_other_numbers(project: Project, business: Business) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        account = account_at("360dialog", project.provider_url, business, http)
        await account.set_webhook("https://hooks.example/own", {})
        await account.set_account_webhook("https://hooks.example/all", {"Authorization": "Bearer abc"})
        target, own = await account.get_account_webhook(), await account.get_webhook()
        assert (target.url, target.headers["Authorization"]) == ("https://hooks.example/all", "Bearer abc")
        assert own.url == "https://hooks.example/own"
        meta = account_at("meta", project.provider_url, business, http)
        for asked in (meta.get_webhook, meta.get_account_webhook):
            with pytest.raises(ValueError, match="Meta"):
                await asked()


async def test_an_app_leaves_an_account_of_metas(project: Project, business: Business) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        account = account_at("meta", project.provider_url, business, http)
        await account.subscribe_app()
        await account.unsubscribe_app()
        assert not await account.is_subscribed()


async def test_a_number_is_registered_with_the_pin_it_has(project: Project, business: Business) -> None:
    async with httpx.AsyncClient(timeout=10) as http:
        account = account_at("meta", project.provider_url, business, http)
        await account.register_number("123456")
        await account.register_number("123456")
        with pytest.raises(Refused) as refused:
            await account.register_number("654321")
    assert refused.value.code == 133005


async def test_a_wrong_key_is_of_class_auth(project: Project, business: Business) -> None:
    chosen = provider("360dialog", business.id, d360_base_url=project.provider_url, graph_base_url="http://x")
    async with httpx.AsyncClient(timeout=10) as http:
        with pytest.raises(Refused) as refused:
            await AccountClient(http, chosen, "wrong").get_number()
    assert refused.value.error_class is ErrorClass.AUTH


def scripted(url: str, http: httpx.AsyncClient) -> AccountClient:
    return AccountClient(http, provider("360dialog", "1065", d360_base_url=url, graph_base_url=url), "key")


async def test_what_is_wrong_with_a_number_is_said_with_its_remedy() -> None:
    error = {"error_code": 141006, "error_description": "No payment method.", "possible_solution": "Add one."}
    entities = [{"entity_type": "PHONE_NUMBER", "id": 1065}, {"entity_type": "WABA", "id": "7", "errors": [error, "?"]}]
    health = {"health_status": {"can_send_message": "BLOCKED", "entities": entities}}
    async with serving(answer(200, health)) as server, httpx.AsyncClient() as http:
        number = await scripted(server.url, http).get_number()
    assert (number.phone_number_id, number.waba_id, number.can_send_message) == ("1065", "7", "BLOCKED")
    assert number.problems == ("WABA 141006: No payment method.: Add one.",)


@pytest.mark.parametrize("nonsense", ["<html>", [], "[]", '"x"', "{"])
async def test_nonsense_is_not_taken_for_nothing(nonsense: Any) -> None:
    async with serving(answer(200, nonsense)) as server, httpx.AsyncClient() as http:
        account = scripted(server.url, http)
        for asked in (account.get_number, account.get_webhook, account.get_account_webhook):
            with pytest.raises(OutcomeUnknown):
                await asked()


@pytest.mark.parametrize("nonsense", ["", "null", {}, {"health_status": [1]}, {"data": "x", "paging": 5}])
async def test_an_answer_without_what_is_asked_for_is_an_empty_answer_but_never_an_empty_list(nonsense: Any) -> None:
    async with serving(answer(200, nonsense)) as server, httpx.AsyncClient() as http:
        account = scripted(server.url, http)
        assert (await account.get_number()).phone_number_id is None
        with pytest.raises(OutcomeUnknown):
            assert [page async for page in account.templates()] == []
        assert (await account.get_webhook()).url is None


async def test_a_list_that_never_ends_ends() -> None:
    page = {"data": [{"name": "a"}], "paging": {"cursors": {"after": "x"}, "next": "http://evil.example/"}}
    async with serving(answer(200, page)) as server, httpx.AsyncClient() as http:
        pages = [page async for page in scripted(server.url, http).templates()]
    assert len(pages) == 2
    assert all("after=" in head or place == 0 for place, (head, _) in enumerate(server.requests))


async def test_a_subscription_without_a_word_of_success_is_none() -> None:
    async with serving(answer(200, {})) as server, httpx.AsyncClient() as http:
        meta = provider("meta", "1065", d360_base_url=server.url, graph_base_url=server.url)
        account = AccountClient(http, meta, "token", waba_id="7")
        with pytest.raises(OutcomeUnknown):
            await account.subscribe_app()
        with pytest.raises(OutcomeUnknown):
            await account.register_number("123456")
        with pytest.raises(OutcomeUnknown):
            await account.unsubscribe_app()
    with pytest.raises(ValueError, match="WABA"):
        async with httpx.AsyncClient() as http:
            await AccountClient(http, meta, "token").is_subscribed()


@pytest.mark.parametrize("name", ["360dialog", "meta"])
async def test_a_key_that_the_provider_quotes_back_is_in_no_error(business: Business, name: str) -> None:
    key = business.api_key if name == "360dialog" else business.access_token
    bodies = (
        {"error": {"message": f"Malformed access token {key}", "code": 190, "error_data": {"details": f"of {key}"}}},
        {"meta": {"success": False, "developer_message": f"Invalid key {key}"}},
        {"errors": [{"code": 1005, "title": f"no {key}", "details": key}]},
    )
    async with serving(*(answer(401, body) for body in bodies)) as server, httpx.AsyncClient(timeout=10) as http:
        for _ in bodies:
            with pytest.raises(Refused) as refused:
                await account_at(name, server.url, business, http).get_number()
            assert key not in f"{refused.value} {refused.value.as_json()}"
            assert "…" in str(refused.value)
