"""The worker's settings, and which number a key of the environment may be used for."""

from __future__ import annotations

import os

from tests.conftest import Connect
from tests.devstack.provider.simulator import Simulator
from tests.flows.flaky_gateway import GARBAGE, UNAVAILABLE, FlakyGateway
from tests.flows.programs import Program, Programs
from tests.flows.shop import Shop
from tests.flows.waiting import until


async def test_missing_and_wrong_settings_are_all_named_at_once(programs: Programs) -> None:
    program = await programs.start(
        "worker", SUPABASE_URL="", WORKER_SENDS="0", WHATSAPP_360_BASE_URL="waba-v2.360dialog.io"
    )
    assert await program.ended() == 2
    assert [line.partition(":")[0] for line in program.said.splitlines()] == [
        "SUPABASE_URL",
        "WHATSAPP_360_BASE_URL",
        "WORKER_SENDS",
    ]


async def test_what_is_no_key_is_said_so_before_it_could_spoil_a_send(programs: Programs) -> None:
    program = await programs.start("worker", WHATSAPP_360_API_KEY="one\ntwo", SUPABASE_SERVICE_ROLE_KEY="ключ")
    assert await program.ended() == 2
    assert program.said.splitlines() == [
        "SUPABASE_SERVICE_ROLE_KEY: is no key: one line of ASCII",
        "WHATSAPP_360_API_KEY: is no key: one line of ASCII",
    ]


async def test_a_key_is_used_without_the_line_break_that_its_file_ends_with(
    programs: Programs, database: Connect, simulator: Simulator, webhook: Program
) -> None:
    own = await Shop.new(database, simulator, webhook, credential=None)
    await programs.worker(
        WHATSAPP_360_API_KEY=f"{own.business.api_key}\n",
        WHATSAPP_DEFAULT_WORKSPACE_ID=own.tenant.workspace_id,
        SUPABASE_SERVICE_ROLE_KEY=f"{os.environ['SUPABASE_SERVICE_ROLE_KEY']}\n",
    )
    await own.queue_text("mine")
    assert await until(own.sent_texts) == ["mine"]


async def test_check_shows_settings_with_secrets_masked(programs: Programs) -> None:
    program = await programs.start("worker", "--check", WHATSAPP_360_API_KEY="the key")
    assert await program.ended() == 0
    assert "WHATSAPP_360_API_KEY=**********" in program.said
    assert "the key" not in program.said
    assert os.environ["SUPABASE_SERVICE_ROLE_KEY"] not in program.said


async def test_a_key_of_the_environment_goes_out_for_its_own_workspace_only(
    programs: Programs, database: Connect, simulator: Simulator, webhook: Program
) -> None:
    own = await Shop.new(database, simulator, webhook, credential=None)
    foreign = await Shop.new(database, simulator, webhook, credential=None)
    await programs.worker(
        WHATSAPP_360_API_KEY=own.business.api_key, WHATSAPP_DEFAULT_WORKSPACE_ID=own.tenant.workspace_id
    )
    message_id = await foreign.queue_text("must not go out by another's number")
    await own.queue_text("mine")
    assert await until(own.sent_texts) == ["mine"]
    message = await foreign.tenant.until_message(message_id, lambda row: row["error"])
    assert (message["status"], message["error"]["code"]) == ("queued", "no_credential")
    assert await own.sent_texts() == ["mine"]


async def test_a_key_of_the_environment_goes_out_for_its_own_number_only(
    programs: Programs, database: Connect, simulator: Simulator, webhook: Program
) -> None:
    shop = await Shop.new(database, simulator, webhook, credential=None)
    await programs.worker(
        WHATSAPP_360_API_KEY=shop.business.api_key,
        WHATSAPP_DEFAULT_WORKSPACE_ID=shop.tenant.workspace_id,
        WHATSAPP_PHONE_NUMBER_ID="another number",
    )
    message_id = await shop.queue_text()
    await shop.tenant.until_message(message_id, lambda row: row["error"])
    assert await shop.sends() == 0


async def test_a_credential_in_vault_comes_before_the_environments(programs: Programs, shop: Shop) -> None:
    await programs.worker(WHATSAPP_360_API_KEY="stale", WHATSAPP_DEFAULT_WORKSPACE_ID=shop.tenant.workspace_id)
    await shop.queue_text("by the key in Vault")
    assert await until(shop.sent_texts) == ["by the key in Vault"]


async def test_a_supabase_that_goes_away_and_comes_back_is_outlived(
    programs: Programs, shop: Shop, gateway: FlakyGateway
) -> None:
    # Through this gateway there is no Realtime: the poll does it all.
    await programs.worker(ready="doorbell.down", SUPABASE_URL=gateway.url)
    for trouble in (UNAVAILABLE, GARBAGE):
        gateway.troubles["rpc/claim_outbound"] = trouble
        gateway.seen.clear()
        message_id = await shop.queue_text()
        await until(lambda: claims(gateway), lambda count: count > 1)
        gateway.troubles.clear()
        await shop.tenant.until_message(message_id, lambda row: row["status"] == "read")


async def test_an_outcome_that_cannot_be_written_is_kept_until_it_can(
    programs: Programs, shop: Shop, gateway: FlakyGateway
) -> None:
    await shop.business.behave(statuses=[])
    gateway.troubles["rpc/record_outbound"] = UNAVAILABLE
    await programs.worker(ready="doorbell.down", SUPABASE_URL=gateway.url)
    message_id = await shop.queue_text()
    await until(shop.sent)
    await until(lambda: records(gateway), lambda count: count > 2)
    assert (await shop.tenant.message(message_id))["status"] == "sending"
    gateway.troubles.clear()
    await shop.tenant.until_message(message_id, lambda row: row["status"] == "sent")
    assert await shop.sends() == 1


async def claims(gateway: FlakyGateway) -> int:
    return gateway.seen.count("/rest/v1/rpc/claim_outbound")


async def records(gateway: FlakyGateway) -> int:
    return gateway.seen.count("/rest/v1/rpc/record_outbound")
