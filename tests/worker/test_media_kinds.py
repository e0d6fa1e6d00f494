"""Stickers, voice notes, documents of whatever type, in whatever way they come: as the bucket serves them."""

from __future__ import annotations

import random

import httpx
import pytest

from tests.conftest import Project
from tests.flows.parcels import Parcel, picture, send, sticker, voice
from tests.flows.pictures import objects_of, receive_document, until_media
from tests.flows.shop import Shop
from tests.flows.stored_files import served
from tests.whatsapp.files import PAGE

pytestmark = pytest.mark.usefixtures("worker")

DICE = random.Random(6)
ANIMATED = sticker(DICE)
NOTE = voice(DICE)
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize("way", ["live", "echo", "history"])
@pytest.mark.parametrize("parcel", [ANIMATED, NOTE, picture(DICE)], ids=["sticker", "voice", "image"])
async def test_a_file_is_stored_measured_and_served_in_whatever_way_it_comes(
    shop: Shop, project: Project, http: httpx.AsyncClient, parcel: Parcel, way: str
) -> None:
    wamid = await send(shop, parcel, way)
    (message,) = await shop.tenant.until_messages(bool)
    message = await until_media(shop, message, "stored")
    assert (message["wamid"], message["type"]) == (wamid, parcel.kind)
    assert message["direction"] == ("outbound" if way == "echo" else "inbound")
    assert (message["media_width"], message["media_height"], message["media_duration"]) == parcel.measured
    assert message["media_path"].endswith(f"/{message['id']}{parcel.extension}")
    answer = await served(project, http, message["media_path"])
    assert (answer.content == parcel.raw, answer.headers["content-type"]) == (True, parcel.mime_type)
    assert message["media_mime_type"] == parcel.mime_type


@pytest.mark.parametrize(
    ("kind", "raw", "told", "asked", "extension"),
    [
        ("document", b"a;b\r\n1;2\r\n", "text/csv", "text/plain", ".csv"),
        ("audio", NOTE.raw, "audio/ogg; codecs=opus", "audio/ogg", ".ogg"),
        ("document", b"a;b\r\n1;2\r\n", None, "text/plain", ".txt"),
    ],
)
async def test_the_type_is_the_webhooks_so_that_it_is_the_same_with_each_try(
    shop: Shop, kind: str, raw: bytes, told: str | None, asked: str, extension: str
) -> None:
    media = await shop.business.media_from_user(raw, asked)
    await shop.business.receive({"type": kind, kind: {"id": media["id"], "mime_type": told}})
    (message,) = await shop.tenant.until_messages(bool)
    message = await until_media(shop, message, "stored")
    assert message["media_mime_type"] == (told or asked)
    assert message["media_path"].endswith(extension)


@pytest.mark.parametrize("way", ["announced", "looked up"])
@pytest.mark.parametrize(
    ("parcel", "mime_type"),
    [
        (NOTE, "Audio/OGG; Codecs=Opus"),
        (NOTE, "audio/opus"),
        (NOTE, "audio/ogg"),
        (picture(DICE), "IMAGE/JPEG"),
        (picture(DICE), 'image/jpg; name="a b;c"'),
        (ANIMATED, "Image/WebP"),
    ],
)
async def test_a_type_in_other_letters_by_another_name_or_with_parameters_is_the_same_type(
    shop: Shop, project: Project, http: httpx.AsyncClient, parcel: Parcel, mime_type: str, way: str
) -> None:
    media = await shop.business.media_from_user(parcel.raw, mime_type)
    told = {"mime_type": mime_type if way == "announced" else None}
    await shop.business.receive({"type": parcel.kind, parcel.kind: {"id": media["id"], **told}})
    (message,) = await shop.tenant.until_messages(bool)
    message = await until_media(shop, message, "stored")
    assert message["media_mime_type"] == mime_type
    assert (message["media_width"], message["media_height"], message["media_duration"]) == parcel.measured
    assert message["media_path"].endswith(f"/{message['id']}{parcel.extension}")
    answer = await served(project, http, message["media_path"])
    assert (answer.content == parcel.raw, answer.headers["content-type"]) == (True, mime_type)


@pytest.mark.parametrize(
    ("mime_type", "raw", "served_as", "extension"),
    [
        ("application/x-step+never-heard-of", b"ISO-10303-21;", "application/x-step+never-heard-of", ""),
        ("text/csv", b"a;b\r\n1;2\r\n", "text/csv", ".csv"),
        ("text/html", PAGE, "application/octet-stream", ""),
        ("TEXT/HTML; charset=utf-8", PAGE, "application/octet-stream", ""),
        ("application/xhtml+xml", PAGE, "application/octet-stream", ""),
        ("image/svg+xml", SVG, "application/octet-stream", ""),
        ("text/javascript", b"alert(1)", "application/octet-stream", ""),
        ("no type at all", b"\x01\x02\x03", "application/octet-stream", ""),
    ],
)
async def test_a_document_may_be_anything_and_nothing_of_it_runs_in_a_browser(
    shop: Shop, project: Project, http: httpx.AsyncClient, mime_type: str, raw: bytes, served_as: str, extension: str
) -> None:
    message = await until_media(shop, await receive_document(shop, raw, mime_type), "stored")
    answer = await served(project, http, message["media_path"])
    assert (answer.content, answer.headers["content-type"]) == (raw, served_as)
    assert message["media_path"].endswith(f"/{message['id']}{extension}")


@pytest.mark.parametrize("kind", ["image", "sticker", "audio", "video", "document"])
async def test_a_file_without_an_id_has_failed_from_the_start(shop: Shop, kind: str) -> None:
    await shop.business.receive({"type": kind, kind: {"mime_type": "image/jpeg"}})
    (message,) = await shop.tenant.until_messages(bool)
    assert (message["media_status"], message["media_error"]["code"]) == ("failed", "no_media_id")
    assert (await objects_of(shop), await shop.business.seen("requests", operation="media_lookup")) == ([], [])
