"""Files of a number that is reached at Meta itself: another address, another header, the same care."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.outgoing_files import Drawer
from tests.flows.pictures import PICTURE, hurry, objects_of, receive_document, receive_picture, until_media
from tests.flows.programs import Program
from tests.flows.shop import Shop, register_webhook
from tests.flows.tenant import Tenant
from tests.whatsapp.files import PDF
from tests.whatsapp.scripted import answer, serving

pytestmark = pytest.mark.usefixtures("worker")

BOOK = PDF + random.Random(8).randbytes(7 * 1024 * 1024)
CALLS = ("media_lookup", "download")


@pytest.fixture
async def meta(database: Connect, simulator: Simulator, webhook: Program) -> Shop:
    """A number whose credential is a token of Meta's."""
    business = await simulator.business()
    await business.behave(enforce_window="off")
    tenant = await Tenant.new(database, business.id, business.waba_id, provider="meta")
    await tenant.set_credential(business.access_token)
    await register_webhook(business, webhook)
    return Shop(tenant, business)


@pytest.mark.parametrize("raw", [PICTURE, BOOK], ids=["small", "large"])
async def test_a_file_is_stored_by_metas_own_calls(meta: Shop, raw: bytes) -> None:
    message = await until_media(meta, await receive_document(meta, raw, "application/x-any"), "stored")
    assert (message["media_size"], message["media_sha256"]) == (len(raw), hashlib.sha256(raw).hexdigest())
    assert await objects_of(meta) == [message["media_path"]]
    for call in CALLS:
        (request,) = await meta.business.seen("requests", operation=call)
        assert (request["dialect"], request["status"]) == ("meta", 200), request


@pytest.mark.parametrize("lie", [{"sha256": "00" * 32}, {"file_size": "9"}])
async def test_a_file_that_is_not_what_was_announced_is_corrupt(meta: Shop, lie: dict[str, Any]) -> None:
    message = await until_media(meta, await receive_picture(meta, **lie), "corrupt")
    assert (message["media_path"], await objects_of(meta)) == (None, [])


async def test_a_file_that_meta_has_forgotten_is_expired(meta: Shop) -> None:
    message = await until_media(meta, await receive_picture(meta, expires_in="0"), "expired")
    assert (message["media_error"]["code"], await objects_of(meta)) == ("gone", [])


async def test_a_file_offered_at_a_foreign_host_fails_and_nobody_gets_the_token(meta: Shop) -> None:
    async with serving(answer(200, "bait")) as stranger:
        body = {"url": f"{stranger.url}/whatsapp_business/attachments/?mid=1", "mime_type": "image/jpeg"}
        await meta.business.fault("media_lookup", {"http": 200, "body": body})
        message = await until_media(meta, await receive_picture(meta), "failed")
    assert (message["media_error"]["code"], stranger.connections) == ("foreign_host", 0)


@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_nobody_goes_where_an_answer_leads(meta: Shop, operation: str, status: int) -> None:
    async with serving(answer(200, "bait")) as stranger:
        await meta.business.fault(operation, {"redirect": f"{stranger.url}/x", "http": status})
        message = await until_media(meta, await receive_picture(meta), "failed")
    assert (message["media_error"]["code"], stranger.connections, await objects_of(meta)) == ("redirected", 0, [])


@pytest.mark.parametrize("operation", CALLS)
async def test_with_a_token_that_is_refused_the_file_waits_and_is_stored_later(meta: Shop, operation: str) -> None:
    await meta.business.fault(operation, {"error": 190})
    message = await receive_picture(meta)
    message = await meta.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    assert (message["media_status"], message["media_error"]["code"]) == ("pending", "190")
    await meta.business.simulator.call("DELETE", "/_control/faults", params={"phone_number_id": meta.business.id})
    await hurry(meta)
    await until_media(meta, message, "stored")


async def test_a_file_goes_out_by_metas_own_upload(meta: Shop, project: Project, http: httpx.AsyncClient) -> None:
    drawer = Drawer(meta, project, http)
    path = await drawer.put("menu.pdf", BOOK, "application/pdf")
    content = await drawer.sent("document", {"path": path, "filename": "menu.pdf"})
    assert (await meta.business.download(content["id"])).raw == BOOK
    (request,) = await meta.business.seen("requests", operation="media")
    assert (request["dialect"], request["status"]) == ("meta", 200), request
