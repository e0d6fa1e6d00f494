"""create_whatsapp_client, as somebody's own program calls it: settings from the environment, the key from Vault."""

from __future__ import annotations

import asyncio
import uuid

import pytest

from store.errors import Denied, Unavailable
from store.settings import SettingsError
from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.flaky_gateway import UNAVAILABLE, FlakyGateway
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant, new_workspace
from whatsapp.errors import ErrorClass, NotSent, Refused, WhatsAppError
from worker.clients import PIECE, NoConnection, NoCredential, create_whatsapp_client, provider_http

TO = "972501234567"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, project: Project) -> pytest.MonkeyPatch:
    for name in ("WHATSAPP_360_API_KEY", "WHATSAPP_PHONE_NUMBER_ID", "WHATSAPP_DEFAULT_WORKSPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("WHATSAPP_360_BASE_URL", project.provider_url)
    monkeypatch.setenv("META_GRAPH_BASE_URL", f"{project.provider_url}/v25.0")
    return monkeypatch


@pytest.fixture
async def business(simulator: Simulator) -> Business:
    business = await simulator.business()
    await business.behave(enforce_window="off", statuses=[])
    return business


async def texts(business: Business) -> list[str]:
    return [row["body"]["text"]["body"] for row in await business.seen("sent")]


@pytest.mark.parametrize("provider", ["360dialog", "meta"])
async def test_a_workspaces_number_sends_with_its_key_from_vault(
    database: Connect, business: Business, provider: str
) -> None:
    tenant = await Tenant.new(database, business.id, business.waba_id, provider)
    await tenant.set_credential(business.api_key if provider == "360dialog" else business.access_token)
    async with await create_whatsapp_client(tenant.workspace_id) as client:
        await client.send_text_message(TO, "hi")
    (request,) = await business.seen("requests", operation="messages")
    assert (request["dialect"], request["status"]) == (provider, 200)


async def test_the_pool_is_closed_behind_the_client(database: Connect, simulator: Simulator) -> None:
    shop = await Shop.new(database, simulator, None)
    async with await create_whatsapp_client(shop.tenant.workspace_id) as client:
        await client.send_text_message(TO, "hi")
    with pytest.raises(RuntimeError):
        await client.send_text_message(TO, "after the end")
    assert await shop.sent_texts() == ["hi"]


async def test_one_of_several_numbers_must_be_named(database: Connect, simulator: Simulator) -> None:
    shop = await Shop.new(database, simulator, None)
    tenant = shop.tenant
    await tenant.rows("update workspaces set connection_limit = 2 where id = %(workspace)s")
    await tenant.rows(
        "insert into whatsapp_connections (workspace_id, phone_number_id) values (%(workspace)s, %(second)s)",
        second=uuid.uuid4().hex,
    )
    with pytest.raises(NoConnection) as several:
        await create_whatsapp_client(tenant.workspace_id)
    assert several.value.code == "several_connections"
    async with await create_whatsapp_client(uuid.UUID(tenant.workspace_id), tenant.connection_id) as client:
        await client.send_text_message(TO, "hi")
    assert await shop.sent_texts() == ["hi"]


async def test_a_number_that_was_disconnected_is_none(database: Connect, simulator: Simulator) -> None:
    """Neither beside the one that has come in its place, nor alone."""
    shop, tenant = (found := await Shop.new(database, simulator, None)), found.tenant
    await tenant.rows("update workspaces set connection_limit = 2 where id = %(workspace)s")
    await tenant.rows(
        "insert into whatsapp_connections (workspace_id, phone_number_id, status)"
        " values (%(workspace)s, %(former)s, 'disconnected')",
        former=uuid.uuid4().hex,
    )
    async with await create_whatsapp_client(tenant.workspace_id) as client:
        await client.send_text_message(TO, "hi")
    assert await shop.sent_texts() == ["hi"]
    await tenant.rows("update whatsapp_connections set status = 'disconnected' where id = %(connection)s")
    with pytest.raises(NoConnection) as none:
        await create_whatsapp_client(tenant.workspace_id)
    assert none.value.code == "no_connection"


async def test_a_workspace_without_a_number_has_no_client(database: Connect) -> None:
    with pytest.raises(NoConnection) as none:
        await create_whatsapp_client(await new_workspace(database))
    assert none.value.code == "no_connection"
    assert isinstance(none.value, WhatsAppError)


async def test_the_number_of_another_workspace_is_none(database: Connect, simulator: Simulator) -> None:
    own, other = await Shop.new(database, simulator, None), await Shop.new(database, simulator, None)
    with pytest.raises(NoConnection) as none:
        await create_whatsapp_client(own.tenant.workspace_id, other.tenant.connection_id)
    assert none.value.code == "no_connection"


async def test_a_number_without_a_key_has_no_client(database: Connect) -> None:
    tenant = await Tenant.new(database)
    with pytest.raises(NoCredential) as none:
        await create_whatsapp_client(tenant.workspace_id)
    assert none.value.code == "no_credential"


async def test_an_id_that_is_none_is_said_so_before_anything_is_asked() -> None:
    with pytest.raises(ValueError, match="UUID"):
        await create_whatsapp_client("my shop")


async def test_the_environments_key_needs_no_row_at_all(
    database: Connect, business: Business, environment: pytest.MonkeyPatch
) -> None:
    workspace_id = await new_workspace(database)
    environment.setenv("WHATSAPP_360_API_KEY", business.api_key)
    environment.setenv("WHATSAPP_DEFAULT_WORKSPACE_ID", workspace_id)
    async with await create_whatsapp_client(workspace_id.upper()) as client:
        await client.send_text_message(TO, "hi")
    assert await texts(business) == ["hi"]


async def test_the_environments_key_goes_out_for_its_own_workspace_and_number_only(
    database: Connect, business: Business, environment: pytest.MonkeyPatch
) -> None:
    own, foreign = await Tenant.new(database), await new_workspace(database)
    environment.setenv("WHATSAPP_360_API_KEY", business.api_key)
    environment.setenv("WHATSAPP_DEFAULT_WORKSPACE_ID", own.workspace_id)
    environment.setenv("WHATSAPP_PHONE_NUMBER_ID", "another number")
    with pytest.raises(NoConnection):
        await create_whatsapp_client(foreign)
    with pytest.raises(NoCredential):
        await create_whatsapp_client(own.workspace_id)


async def test_a_key_in_vault_comes_before_the_environments(
    database: Connect, simulator: Simulator, environment: pytest.MonkeyPatch
) -> None:
    shop = await Shop.new(database, simulator, None)
    environment.setenv("WHATSAPP_360_API_KEY", "stale")
    environment.setenv("WHATSAPP_DEFAULT_WORKSPACE_ID", shop.tenant.workspace_id)
    async with await create_whatsapp_client(shop.tenant.workspace_id) as client:
        await client.send_text_message(TO, "hi")
    assert await shop.sent_texts() == ["hi"]


async def test_a_refused_key_is_asked_for_anew_at_the_next_call(database: Connect, simulator: Simulator) -> None:
    shop = await Shop.new(database, simulator, None, credential="revoked")
    async with await create_whatsapp_client(shop.tenant.workspace_id) as client:
        with pytest.raises(Refused) as refused:
            await client.send_text_message(TO, "with the old key")
        assert refused.value.error_class is ErrorClass.AUTH
        await shop.tenant.set_credential(shop.business.api_key)
        await client.send_text_message(TO, "with the new key")
    assert await shop.sent_texts() == ["with the new key"]


async def test_what_waits_for_a_key_that_cannot_be_asked_for_is_not_sent(
    database: Connect, simulator: Simulator, gateway: FlakyGateway, environment: pytest.MonkeyPatch
) -> None:
    shop = await Shop.new(database, simulator, None, credential="revoked")
    environment.setenv("SUPABASE_URL", gateway.url)
    async with await create_whatsapp_client(shop.tenant.workspace_id) as client:
        with pytest.raises(Refused):
            await client.send_text_message(TO, "with the old key")
        gateway.troubles["rpc/get_connection_credential"] = UNAVAILABLE
        with pytest.raises(NotSent):
            await client.send_text_message(TO, "with no key")
        gateway.troubles.clear()
        await shop.tenant.set_credential(shop.business.api_key)
        await client.send_text_message(TO, "with the new key")
    assert await shop.sent_texts() == ["with the new key"]


async def test_a_project_that_is_not_there_or_does_not_let_in_is_the_stores_error(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("SUPABASE_SERVICE_ROLE_KEY", "no key")
    with pytest.raises(Denied):
        await create_whatsapp_client(uuid.uuid4())
    environment.setenv("SUPABASE_URL", "http://no-such-host.invalid")
    with pytest.raises(Unavailable):
        await create_whatsapp_client(uuid.uuid4())
    environment.delenv("SUPABASE_URL")
    with pytest.raises(SettingsError, match="SUPABASE_URL: is missing"):
        await create_whatsapp_client(uuid.uuid4())


async def test_a_body_is_handed_on_as_it_came_and_not_in_slices() -> None:
    body = bytes(2 * PIECE)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server, provider_http() as http:
        port = server.sockets[0].getsockname()[1]
        async with http.stream("GET", f"http://127.0.0.1:{port}/") as response:
            pieces = [len(piece) async for piece in response.aiter_raw()]
    # The transport's own slices have 16 KiB.
    assert (sum(pieces), 16 * 1024 < max(pieces) <= PIECE) == (len(body), True)
