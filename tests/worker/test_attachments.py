"""Files of the bucket: uploaded once per number, named by id while that lives, and never a reason for doubt."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.provider.simulator import Simulator
from tests.flows.outgoing_files import Drawer
from tests.flows.programs import Program
from tests.flows.shop import Shop
from tests.flows.waiting import until
from tests.worker.conftest import Unkind

pytestmark = pytest.mark.usefixtures("worker")

PHOTO = b"\xff\xd8\xff\xe0 a picture"


@pytest.fixture
async def drawer(shop: Shop, project: Project, http: httpx.AsyncClient) -> Drawer:
    return Drawer(shop, project, http)


async def test_a_file_goes_up_once_and_is_named_by_its_id_in_every_message(drawer: Drawer) -> None:
    path = await drawer.put("2026/a photo? + more.jpg", PHOTO, "image/jpeg")
    first = await drawer.sent("image", {"path": path, "caption": "look", "link": None})
    second = await drawer.sent("image", {"path": path})
    assert (first, second) == ({"caption": "look", "id": first["id"]}, {"id": first["id"]})
    assert await drawer.uploads() == 1
    arrived = await drawer.shop.business.download(first["id"])
    assert (arrived.raw, arrived.headers["Content-Type"]) == (PHOTO, "image/jpeg")


async def test_several_messages_with_a_file_at_once_upload_it_once(drawer: Drawer) -> None:
    await drawer.shop.business.fault("media", {"delay_ms": 400})
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    sent = await asyncio.gather(*(drawer.sent("image", {"path": path}) for _ in range(4)))
    assert (len({content["id"] for content in sent}), await drawer.uploads()) == (1, 1)


async def test_an_object_that_is_overwritten_is_uploaded_anew(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    before = await drawer.sent("image", {"path": path})
    await drawer.put("photo.jpg", PHOTO + b", retouched", "image/jpeg")
    after = await drawer.sent("image", {"path": path})
    assert (await drawer.shop.business.download(after["id"])).raw == PHOTO + b", retouched"
    assert (before["id"] != after["id"], await drawer.remembered()) == (True, {path: after["id"]})


async def test_each_number_has_its_own_upload(
    drawer: Drawer, database: Connect, simulator: Simulator, webhook: Program
) -> None:
    other = Drawer(await Shop.new(database, simulator, webhook), drawer.project, drawer.http)
    for one in (drawer, other):
        await one.sent("image", {"path": await one.put("photo.jpg", PHOTO, "image/jpeg")})
    assert (await drawer.uploads(), await other.uploads()) == (1, 1)


async def test_after_29_days_a_file_is_uploaded_anew_and_the_old_id_is_swept(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    await drawer.sent("image", {"path": path})
    await drawer.age("29 days")
    await drawer.sent("image", {"path": path})
    assert await drawer.uploads() == 2
    await drawer.age("29 days")
    await until(drawer.remembered, lambda remembered: not remembered)


async def test_an_id_that_whatsapp_has_forgotten_is_replaced_by_a_fresh_upload(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    gone = (await drawer.sent("image", {"path": path}))["id"]
    assert (await drawer.shop.business.call("DELETE", f"/{gone}")).status == 200
    await drawer.age("1 day")
    sent = await asyncio.gather(*(drawer.sent("image", {"path": path}) for _ in range(3)))
    assert {content["id"] for content in sent} == {(await drawer.remembered())[path]} != {gone}
    assert await drawer.uploads() == 2


async def test_a_refusal_soon_after_an_upload_means_something_else(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    await drawer.sent("image", {"path": path})
    await drawer.shop.business.fault("messages", {"error": 100})
    assert (await drawer.failed("image", {"path": path}))["code"] == 100
    assert (await drawer.uploads(), await drawer.shop.sends()) == (1, 2)


async def test_a_retry_by_hand_uploads_anew(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    await drawer.sent("image", {"path": path})
    await drawer.shop.business.fault("messages", {"failed": 131053}, times=1)
    message_id = await drawer.send("image", {"path": path})
    await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    await drawer.shop.tenant.rows("select retry_message(%(id)s)", id=message_id)
    await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "read")
    assert await drawer.uploads() == 2


@pytest.mark.parametrize(("mime_type", "name"), [("audio/opus", "note.opus"), ("application/octet-stream", "blob")])
async def test_a_voice_note_gets_the_name_and_type_that_whatsapp_takes(
    drawer: Drawer, mime_type: str, name: str
) -> None:
    path = await drawer.put(name, b"OggS a voice", mime_type)
    sent = await drawer.sent("audio", {"path": path, "voice": True})
    arrived = await drawer.shop.business.download(sent["id"])
    assert arrived.headers["Content-Type"] == "audio/ogg; codecs=opus"
    assert arrived.headers["Content-Disposition"].endswith(f"{name.partition('.')[0]}.ogg")
    assert sent == {"voice": True, "id": sent["id"]}


@pytest.mark.parametrize(
    "action",
    [
        {"cut": "before"},
        {"cut": "after"},
        {"http": 502, "body": "<html>Bad Gateway</html>"},
        {"http": 200, "body": "<html>welcome</html>"},
        {"error": 131000},
    ],
)
async def test_an_upload_that_goes_wrong_is_tried_again_and_leaves_no_doubt(
    drawer: Drawer, action: dict[str, Any]
) -> None:
    await drawer.shop.business.fault("media", action, times=1)
    await drawer.sent("image", {"path": await drawer.put("photo.jpg", PHOTO, "image/jpeg")})
    assert (await drawer.uploads(), await drawer.shop.sends()) == (2, 1)


async def test_while_storage_is_down_the_message_waits(drawer: Drawer, unkind: Unkind) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    await unkind("storage", down=True)
    message_id = await drawer.send("image", {"path": path})
    message = await drawer.shop.tenant.until_message(message_id, lambda row: row["error"])
    assert (message["status"], message["error"]["code"]) == ("queued", "not_sent")
    await unkind("storage", down=False)
    await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "read" and row["error"] is None)
    assert await drawer.shop.sends() == 1


async def test_a_file_that_has_gone_fails_the_message_and_lets_its_followers_go(drawer: Drawer) -> None:
    path = await drawer.put("gone.jpg", PHOTO, "image/jpeg")
    conversation_id = await drawer.shop.tenant.conversation()
    await drawer.shop.tenant.rows("select pause_connection(%(connection)s)")
    message_id = await drawer.shop.tenant.queue(conversation_id, {"path": path}, "image")
    follower = await drawer.shop.tenant.queue(conversation_id, "after it")
    await drawer.remove("gone.jpg")
    await drawer.shop.tenant.rows("select resume_connection(%(connection)s)")
    message = await drawer.shop.tenant.until_message(message_id, lambda row: row["status"] == "failed")
    assert (message["error"]["code"], message["error"]["class"]) == ("media_not_found", "PERMANENT")
    assert "outgoing" in message["error"]["remedy"]
    await drawer.shop.tenant.until_message(follower, lambda row: row["status"] == "read")
    assert await drawer.uploads() == 0


async def test_a_file_that_has_become_too_large_fails_before_it_is_uploaded(drawer: Drawer) -> None:
    path = await drawer.put("photo.jpg", PHOTO, "image/jpeg")
    larger = bytes(5 * 1024 * 1024 + 1)
    error = await drawer.failed("image", {"path": path}, lambda: drawer.put("photo.jpg", larger, "image/jpeg"))
    assert (error["code"], error["class"], await drawer.uploads()) == ("media_too_large", "PERMANENT", 0)


async def test_a_type_that_whatsapp_does_not_take_any_more_is_its_own_word(drawer: Drawer) -> None:
    path = await drawer.put("page.pdf", b"%PDF", "application/pdf")
    error = await drawer.failed("document", {"path": path}, lambda: drawer.put("page.pdf", b"<p>", "text/html"))
    assert (error["code"], await drawer.shop.sends()) == (100, 0)


@pytest.mark.parametrize(
    "path", ["{other}/outgoing/photo.jpg", "{own}/outgoing/../photo.jpg", "{own}/x/photo.jpg", "7"]
)
async def test_a_path_that_the_database_let_through_goes_nowhere(
    drawer: Drawer, database: Connect, simulator: Simulator, path: str
) -> None:
    other = Drawer(await Shop.new(database, simulator, None), drawer.project, drawer.http)
    await other.put("photo.jpg", PHOTO, "image/jpeg")
    own = drawer.shop.tenant.workspace_id
    await drawer.put("photo.jpg", PHOTO, "image/jpeg", f"{own}/x/photo.jpg")
    # Kinds of parameters that are new to us are not looked at: WhatsApp adds some every year.
    foreign = path.format(other=other.shop.tenant.workspace_id, own=own)
    parameter = {"type": "audio", "audio": {"path": int(foreign) if foreign.isdigit() else foreign}}
    content = {"name": "x", "components": [{"type": "header", "parameters": [parameter]}]}
    assert (await drawer.failed("template", content))["code"] == "media_not_found"
    assert (await drawer.uploads(), await drawer.shop.sends()) == (0, 0)
