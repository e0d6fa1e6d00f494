"""Every kind and variant of message, from a member's insert to what WhatsApp took: nothing is changed on the way."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import httpx
import jwt
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.outgoing_files import Drawer
from tests.flows.shop import Shop
from tests.flows.tenant import Tenant
from tests.flows.waiting import until
from tests.store.outgoing_catalogue import CATALOGUE, FILES

pytestmark = pytest.mark.usefixtures("worker")

REPLY_TO = "wamid.HBgMOTcyNTAxMjM0NTY3"


@pytest.mark.parametrize("provider", ["360dialog", "meta"])
async def test_the_whole_catalogue_arrives_as_it_was_written(
    provider: str, database: Connect, simulator: Simulator, project: Project, http: httpx.AsyncClient
) -> None:
    shop = await _shop(provider, database, simulator)
    drawer = Drawer(shop, project, http)
    for name, mime_type, raw in FILES.values():
        await drawer.put(name, raw, mime_type)
    held = {kind: await _uploaded(shop, *file) for kind, file in FILES.items()}
    for definition in (entry.template for entry in CATALOGUE.values() if entry.template):
        await shop.business.control("templates", **definition)

    member = await _member(project, shop.tenant)
    queued: dict[str, dict[str, Any]] = {}
    for entry in CATALOGUE.values():
        row = {"conversation_id": await shop.tenant.conversation(), "type": entry.type}
        row |= {"content": entry.filled(held, shop.tenant.workspace_id)}
        row |= {"reply_to_wamid": REPLY_TO} if entry.is_reply else {}
        message = await _insert(http, project, member, row)
        queued[message["id"]] = message

    rows = await until(shop.sent, lambda rows: len(rows) == len(CATALOGUE), within=30)
    assert {row["body"]["biz_opaque_callback_data"] for row in rows} == queued.keys()
    ids = await drawer.remembered()
    for body in (row["body"] for row in rows):
        message = queued[body["biz_opaque_callback_data"]]
        assert (body["type"], body[body["type"]]) == (message["type"], _with_ids(message["content"], ids))
        quoted = message["reply_to_wamid"] if message["type"] != "reaction" else None
        assert body.get("context", {}).get("message_id") == quoted
    await _each_file_arrived_whole(shop, ids)
    assert {row["dialect"] for row in await shop.business.seen("requests", operation="media")} == {
        provider,
        "360dialog",
    }


async def _shop(provider: str, database: Connect, simulator: Simulator) -> Shop:
    business = await simulator.business()
    await business.behave(enforce_window="off", statuses=[])
    tenant = await Tenant.new(database, business.id, business.waba_id, provider)
    await tenant.set_credential(business.api_key if provider == "360dialog" else business.access_token)
    return Shop(tenant, business)


async def _uploaded(shop: Shop, name: str, mime_type: str, raw: bytes) -> str:
    """The id of a file that somebody else has given to WhatsApp."""
    answer = await shop.business.upload(raw, mime_type, name)
    return str(answer.body["id"])


async def _member(project: Project, tenant: Tenant) -> dict[str, str]:
    """The headers of an agent of the workspace."""
    user_id = str(uuid.uuid4())
    await tenant.rows(
        "insert into auth.users (id, email) values (%(user)s, %(email)s)", user=user_id, email=f"{user_id}@example.com"
    )
    await tenant.rows(
        "insert into workspace_members (workspace_id, user_id, role) values (%(workspace)s, %(user)s, 'agent')",
        user=user_id,
    )
    token = jwt.encode({"sub": user_id, "role": "authenticated", "aud": "authenticated"}, project.jwt_secret)
    return project.headers(project.anon_key, token) | {"prefer": "return=representation"}


async def _insert(
    http: httpx.AsyncClient, project: Project, member: dict[str, str], row: dict[str, Any]
) -> dict[str, Any]:
    answer = await http.post(f"{project.url}/rest/v1/messages", headers=member, json=row)
    assert answer.status_code == 201, answer.text
    (message,) = answer.json()
    return dict(message)


def _with_ids(value: Any, ids: dict[str, str]) -> Any:
    """A copy in which every path is the id of its upload."""
    if isinstance(value, list):
        return [_with_ids(inner, ids) for inner in value]
    if not isinstance(value, dict):
        return value
    copy = {key: _with_ids(inner, ids) for key, inner in value.items() if key != "path"}
    return copy | ({"id": ids[value["path"]]} if "path" in value else {})


async def _each_file_arrived_whole(shop: Shop, ids: dict[str, str]) -> None:
    raws = {name: raw for name, _, raw in FILES.values()}
    arrived = await asyncio.gather(*(shop.business.download(media_id) for media_id in ids.values()))
    assert {path.rpartition("/")[2]: answer.raw for path, answer in zip(ids, arrived, strict=True)} == {
        path.rpartition("/")[2]: raws[path.rpartition("/")[2]] for path in ids
    }
    assert len(ids) >= 5
