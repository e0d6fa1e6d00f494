"""What stops `connect`, `rotate-key` and the like before anything is changed, and what each says."""

from __future__ import annotations

import pytest

from tests.conftest import Connect
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.tenant import Tenant, digits
from tests.flows.waiting import until
from tests.ops.conftest import wabase
from tests.ops.hooks import HERE, NOWHERE, here, row_of, webhook_of

CONNECT = ("connect", "360dialog", "--create-workspace", "nobody's")
HOSTED = {"WHATSAPP_360_BASE_URL": "https://waba-v2.360dialog.invalid"}
UNUSABLE = {
    "": "is missing",
    "http://hooks.example.com": "must begin with https://",
    "https://hooks.example.com:8443": "must not have a port",
    "https://my_hooks.example.com": "must not have an underscore",
    "https://hooks.example.com/?a=1": "must be a plain address",
}


@pytest.mark.parametrize("address", UNUSABLE)
async def test_an_address_that_360dialog_does_not_take_is_said_before_a_key_is_asked_for(address: str) -> None:
    answer = await here(*CONNECT, WEBHOOK_PUBLIC_URL=address, **HOSTED)
    assert (answer.status, answer.said) == (2, "")
    assert answer.complained.startswith("WEBHOOK_PUBLIC_URL: ")
    assert UNUSABLE[address] in answer.complained


async def test_settings_and_keys_that_are_missing_are_usage() -> None:
    for answer in (
        await here(*CONNECT, typed="key", **HERE, WHATSAPP_WEBHOOK_SECRET=""),
        await here(*CONNECT, typed="key", **HERE, SUPABASE_URL=""),
        await here(*CONNECT, typed="", **HERE),
        await here(*CONNECT, typed="two words", **HERE),
        await here("connect", "meta", "--phone-number-id", "1", typed="key", **HERE),
        await here(*CONNECT, "--workspace", "00000000-0000-4000-8000-000000000000", typed="key", **HERE),
        await here("migrate", "1", "--to-provider", "meta", "--phone-number-id", "2", typed="key", **HERE),
    ):
        assert (answer.status, answer.said) == (2, ""), answer.complained
        assert answer.complained


async def test_a_wrong_key_says_how_to_get_a_right_one(database: Connect, business: Business, workspace: str) -> None:
    place = ("--phone-number-id", business.id, "--waba-id", business.waba_id)
    for command, word in ((CONNECT, "360dialog Hub"), (("connect", "meta", *place, "--workspace", workspace), "Meta")):
        answer = await here(*command, typed="revoked-key", **HERE)
        assert (answer.status, "does not take the key" in answer.complained) == (4, True), answer.complained
        assert word in answer.complained
        assert "revoked-key" not in answer.complained
    assert await row_of(database, business.id) is None


async def test_a_number_or_account_that_the_token_does_not_reach_is_said(
    business: Business, simulator: Simulator, workspace: str
) -> None:
    other = await simulator.business()
    foreign = ("connect", "meta", "--phone-number-id", other.id, "--waba-id", business.waba_id)
    answer = await here(*foreign, "--workspace", workspace, typed=business.access_token, **HERE)
    assert (answer.status, "does not show this token" in answer.complained) == (4, True), answer.complained
    wrong = ("connect", "meta", "--phone-number-id", business.id, "--waba-id", other.waba_id)
    answer = await here(*wrong, "--workspace", workspace, typed=business.access_token, **HERE)
    assert (answer.status, f"account {business.waba_id}" in answer.complained) == (1, True), answer.complained


async def test_without_a_network_nothing_is_made(database: Connect, business: Business) -> None:
    answer = await here(*CONNECT, typed=business.api_key, **HERE, WHATSAPP_360_BASE_URL=NOWHERE)
    assert (answer.status, "360dialog cannot be reached" in answer.complained) == (4, True)
    answer = await here(*CONNECT, typed=business.api_key, **HERE, SUPABASE_URL=NOWHERE)
    assert (answer.status, "Nobody answers at" in answer.complained) == (3, True)
    assert (await webhook_of(business), await row_of(database, business.id)) == ((None, None), None)


async def test_a_provider_that_answers_too_late_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch, database: Connect, business: Business
) -> None:
    monkeypatch.setattr("whatsapp.account.SECONDS", 0.3)
    await business.fault("health", {"delay_ms": 2000}, times=1)
    answer = await here(*CONNECT, typed=business.api_key, **HERE)
    assert (answer.status, "answers too late" in answer.complained) == (4, True), answer.complained
    assert await row_of(database, business.id) is None


async def test_a_project_without_a_function_says_how_to_get_it(database: Connect, business: Business) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id)
    async with database() as connection:
        await connection.execute("alter function public.release_connection(uuid) rename to release_connection_later")
        await connection.execute("notify pgrst, 'reload schema'")
    try:
        answer = await here("disconnect", tenant.phone_number_id, "--yes", **HERE)
        assert (answer.status, "npx supabase db push" in answer.complained) == (3, True), answer.complained
    finally:
        async with database() as connection:
            await connection.execute(
                "alter function public.release_connection_later(uuid) rename to release_connection"
            )
            await connection.execute("notify pgrst, 'reload schema'")

    async def disconnected() -> bool:
        return (await here("disconnect", tenant.phone_number_id, "--yes", **HERE)).status == 0

    await until(disconnected)


async def test_a_wrong_supabase_key_is_supabases_answer(business: Business) -> None:
    answer = await here(*CONNECT, typed=business.api_key, **HERE, SUPABASE_SERVICE_ROLE_KEY="sb_secret_wrong")
    assert (answer.status, "SUPABASE_SERVICE_ROLE_KEY" in answer.complained) == (3, True)


async def test_a_number_that_is_not_there_is_said_by_every_command() -> None:
    number = digits()
    moving = ("migrate", number, "--to-provider", "360dialog", "--phone-number-id", digits())
    for command in (
        ("pause", number),
        ("resume", number),
        ("rate", number, "20"),
        ("disconnect", number, "--yes"),
        ("rotate-key", number),
        moving,
    ):
        answer = await here(*command, typed="key", **HERE)
        assert (answer.status, answer.said) == (1, ""), command
        assert f"There is no number {number}" in answer.complained


async def test_the_program_itself_asks_and_answers(business: Business, workspace: str) -> None:
    answer = await wabase("connect", "360dialog", "--workspace", workspace, typed=business.api_key, **HERE)
    assert (answer.status, answer.said.split()[:2]) == (0, ["number", business.id]), answer.complained
