"""What is not the file, or is another than it says: each ends in its state, unseen until right; others go on."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Any

import httpx
import pytest

from tests.conftest import Project
from tests.flows.pictures import PICTURE, objects_of, receive_document, receive_picture, until_media
from tests.flows.programs import Program
from tests.flows.shop import Shop, register_webhook
from tests.flows.stored_files import served
from tests.flows.waiting import until
from tests.whatsapp.files import PAGE, PDF, jpeg, png
from tests.whatsapp.scripted import answer, serving

MEGABYTE = 1024 * 1024
BOOK = PDF + random.Random(7).randbytes(7 * MEGABYTE)
NOISE = bytes(range(1, 200))


async def receive_unproven(shop: Shop, raw: bytes, mime_type: str = "image/jpeg", **lookup: Any) -> dict[str, Any]:
    """A picture whose hash nobody tells, neither the webhook nor the lookup."""
    media = await shop.business.media_from_user(raw, mime_type)
    told = (await shop.business.call("GET", f"/{media['id']}")).body
    bare = {"url": told["url"], "mime_type": mime_type} | lookup
    await shop.business.fault("media_lookup", {"http": 200, "body": bare})
    await shop.business.receive({"type": "image", "image": {"id": media["id"], "sha256": None}})
    (message,) = await shop.tenant.until_messages(bool)
    # Its own, if the worker was quicker than this look.
    assert message["media_sha256"] is None or message["media_status"] == "stored"
    return message


async def asked(shop: Shop, operation: str = "media_lookup") -> int:
    return len(await shop.business.seen("requests", operation=operation))


@pytest.mark.usefixtures("worker")
async def test_a_compressed_file_is_not_taken_and_waits_for_one_that_is_not(shop: Shop, other: Shop) -> None:
    await shop.business.fault("download", {"encoding": "gzip"}, times=2)
    message = await receive_document(shop, BOOK)
    waiting = await shop.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    assert (waiting["media_error"]["code"], await objects_of(shop)) == ("unavailable", [])
    await until_media(other, await receive_picture(other), "stored")
    stored = await until_media(shop, message, "stored")
    assert stored["media_sha256"] == hashlib.sha256(BOOK).hexdigest()


@pytest.mark.usefixtures("worker")
async def test_a_file_that_comes_compressed_for_ever_ends_with_its_deadline(shop: Shop) -> None:
    await shop.business.fault("download", {"encoding": "gzip"})
    message = await receive_picture(shop)
    await shop.tenant.until_message(str(message["id"]), lambda row: row["media_error"])
    await shop.tenant.rows("update media_downloads set deadline = now() where workspace_id = %(workspace)s")
    message = await until_media(shop, message, "expired")
    assert (message["media_error"]["code"], message["media_path"], await objects_of(shop)) == ("expired", None, [])


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("raw", [PICTURE, BOOK], ids=["small", "large"])
async def test_a_body_that_goes_on_behind_its_end_is_corrupt(shop: Shop, other: Shop, raw: bytes) -> None:
    await shop.business.fault("download", {"append": 1})
    message = await until_media(shop, await receive_document(shop, raw, "application/x-any"), "corrupt")
    assert (message["media_error"]["code"], await asked(shop), await objects_of(shop)) == ("corrupt", 2, [])
    await until_media(other, await receive_picture(other), "stored")


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("operation", "status"), [("media_lookup", 302), ("download", 301), ("download", 302), ("download", 307)]
)
async def test_nobody_goes_where_an_answer_leads_and_nobody_there_gets_the_key(
    shop: Shop, other: Shop, operation: str, status: int
) -> None:
    async with serving(answer(200, "bait")) as stranger:
        assert stranger.url.startswith("http://127.0.0.1:")
        await shop.business.fault(operation, {"redirect": f"{stranger.url}/x", "http": status})
        message = await until_media(shop, await receive_picture(shop), "failed")
        await until_media(other, await receive_picture(other), "stored")
    assert (message["media_error"]["code"], stranger.requests, await objects_of(shop)) == ("redirected", [], [])
    assert await asked(shop, operation) == 1


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize(
    ("raw", "kept_as", "extension"),
    [
        (png(3, 4), "image/png", ".png"),
        (PDF, "application/pdf", ".pdf"),
        (PAGE, "text/html", ""),
        (NOISE, "application/octet-stream", ""),
    ],
)
async def test_a_type_that_lies_gives_way_to_what_proven_bytes_show(
    shop: Shop, project: Project, http: httpx.AsyncClient, raw: bytes, kept_as: str, extension: str
) -> None:
    message = await until_media(shop, await receive_picture(shop, raw), "stored")
    assert message["media_mime_type"] == kept_as
    assert message["media_path"].endswith(f"/{message['id']}{extension}")
    stored = await served(project, http, message["media_path"])
    safe = kept_as if kept_as != "text/html" else "application/octet-stream"
    assert (stored.content, stored.headers["content-type"]) == (raw, safe)


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("raw", [PDF, PAGE, b""])
async def test_a_type_that_lies_without_a_hash_is_corrupt(shop: Shop, other: Shop, raw: bytes) -> None:
    message = await until_media(shop, await receive_unproven(shop, raw), "corrupt")
    assert (message["media_error"]["code"], message["media_path"], await asked(shop, "download")) == (
        "corrupt",
        None,
        2,
    )
    assert await objects_of(shop) == []
    await until_media(other, await receive_picture(other), "stored")


@pytest.mark.usefixtures("worker")
async def test_a_file_of_which_nobody_tells_hash_or_length_is_not_shown(shop: Shop) -> None:
    """Its end may be the end of it, or of the line."""
    await shop.business.fault("download", {"append": 1})
    message = await until_media(shop, await receive_unproven(shop, jpeg(5, 6)), "corrupt")
    assert (message["media_path"], await objects_of(shop)) == (None, [])


@pytest.mark.usefixtures("worker")
async def test_a_file_of_which_only_the_type_was_told_is_stored_with_the_hash_that_it_has(shop: Shop) -> None:
    raw = jpeg(5, 6)
    message = await until_media(shop, await receive_unproven(shop, raw), "stored")
    assert (message["media_sha256"], message["media_size"]) == (hashlib.sha256(raw).hexdigest(), len(raw))


# What a sender may call a file; what Postgres cannot hold of it is the only thing that changes.
NAMES = {
    "../../../etc/passwd": None,
    "..\\..\\boot.ini": None,
    "invoice\u202efdp.exe": None,
    "\u2066שלום\u2069/\u200f.pdf": None,
    "a\r\nX-Evil: 1\r\n\r\n.pdf": None,
    "nul\x00.pdf": "nul\ufffd.pdf",
    "half \ud83d.pdf": "half \ufffd.pdf",
    "%2e%2e%2f?x#y": None,
    " ": None,
    "n" * 5000 + ".exe": None,
}


async def test_a_file_name_is_kept_as_data_and_nothing_else(shop: Shop, worker: Program) -> None:
    media = await shop.business.media_from_user(PDF, "application/pdf")
    kept = {}
    for name, changed in NAMES.items():
        document = {"id": media["id"], "filename": name}
        kept[await shop.business.receive({"type": "document", "document": document})] = changed or name
    messages = await shop.tenant.until_messages(
        lambda rows: [row["media_status"] for row in rows] == ["stored"] * len(NAMES)
    )
    assert {row["wamid"]: row["media_filename"] for row in messages} == kept
    paths = [f"{shop.tenant.workspace_id}/{row['conversation_id']}/{row['id']}.pdf" for row in messages]
    assert [row["media_path"] for row in messages] == paths
    assert await objects_of(shop) == sorted(paths)
    assert not [word for word in ("passwd", "boot.ini", "fdp.exe", "X-Evil", "nnnn") if word in worker.said]


async def rotate_key(shop: Shop, webhook: Program) -> None:
    """Another key at WhatsApp, where the old one is refused from now on, and in Vault."""
    key = f"new-{shop.business.id}"
    await shop.business.control("numbers", api_key=key)
    await register_webhook(replace(shop.business, api_key=key), webhook)
    await shop.tenant.set_credential(key)
    assert (await shop.business.call("GET", "/1")).status == 401


@pytest.mark.usefixtures("worker")
async def test_a_key_that_changes_between_address_and_file_is_taken_up_at_once(shop: Shop, webhook: Program) -> None:
    await shop.business.fault("media_lookup", {"delay_ms": 4000}, times=1)
    message = await receive_picture(shop)
    await until(lambda: asked(shop))
    await rotate_key(shop, webhook)
    await until_media(shop, message, "stored")
    # Calls with a key that is nobody's are on nobody's record.
    assert (await asked(shop), await asked(shop, "download")) == (2, 1)


@pytest.mark.usefixtures("worker")
async def test_a_key_that_changes_in_the_middle_of_a_file_spoils_neither_this_one_nor_the_next(
    shop: Shop, webhook: Program
) -> None:
    await shop.business.fault("download", {"stall": {"after_bytes": MEGABYTE, "seconds": 1}}, times=1)
    first = await receive_document(shop, BOOK)
    await until(lambda: asked(shop, "download"))
    await rotate_key(shop, webhook)
    media = await shop.business.media_from_user(PICTURE)
    await shop.business.receive({"type": "image", "image": {"id": media["id"]}})
    _, second = await shop.tenant.until_messages(lambda rows: len(rows) == 2)
    for message in (first, second):
        await until_media(shop, message, "stored")
    assert (await asked(shop), await asked(shop, "download")) == (2, 2)
