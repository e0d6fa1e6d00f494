"""Media: upload, lookup, the five-minute URL with its foreign host, download, lifetimes, and lies."""

from __future__ import annotations

import hashlib
from urllib.parse import parse_qs, urlsplit

import aiohttp
import pytest

from tests.devstack.provider.conftest import NewBusiness
from tests.devstack.provider.receiver import Receiver
from tests.devstack.provider.simulator import Answer, Business

LOOKASIDE = "https://lookaside.fbsbx.com"
DAY = 24 * 3600
PICTURE = b"\xff\xd8" + bytes(range(256)) * 40


def swapped(answer: Answer) -> str:
    """Path and query of a media URL: what is asked of 360dialog's host instead."""
    parts = urlsplit(answer.body["url"])
    return f"{parts.path}?{parts.query}"


async def test_uploaded_file_comes_back_byte_for_byte(business: Business) -> None:
    media_id = (await business.upload(PICTURE, "image/jpeg", "a.jpg")).body["id"]
    found = await business.call("GET", f"/{media_id}")
    assert found.body["url"].startswith(f"{LOOKASIDE}/whatsapp_business/attachments/?mid=")
    assert parse_qs(urlsplit(found.body["url"]).query).keys() == {"mid", "ext", "hash"}
    assert found.body["sha256"] == hashlib.sha256(PICTURE).hexdigest()
    assert (found.body["file_size"], found.body["mime_type"]) == (len(PICTURE), "image/jpeg")
    fetched = await business.call("GET", swapped(found))
    assert fetched.raw == PICTURE
    assert fetched.headers["Content-Type"] == "image/jpeg"
    assert fetched.headers["Content-Length"] == str(len(PICTURE))


async def test_graph_urls_name_this_host_and_want_the_token(business: Business) -> None:
    media_id = (await business.upload(PICTURE, "image/jpeg")).body["id"]
    found = await business.call_graph("GET", f"/{media_id}", params={"phone_number_id": business.id})
    session = business.simulator.session
    assert found.body["url"].startswith(business.simulator.url)
    async with session.get(found.body["url"], headers=business.graph) as fetched:
        assert await fetched.read() == PICTURE
    async with session.get(found.body["url"]) as refused:
        assert refused.status == 401


async def test_media_of_another_number_does_not_exist(new_business: NewBusiness) -> None:
    mine, other = await new_business(), await new_business()
    media_id = (await mine.upload(PICTURE, "image/jpeg")).body["id"]
    url = swapped(await mine.call("GET", f"/{media_id}"))
    assert (await other.call("GET", f"/{media_id}")).error == (400, 100)
    assert (await other.call("GET", url)).status == 404
    assert (await other.call("DELETE", f"/{media_id}")).error == (400, 100)


async def test_url_is_good_for_five_minutes_and_cannot_be_prolonged(business: Business) -> None:
    media = await business.media_from_user(PICTURE)
    url = swapped(await business.call("GET", f"/{media['id']}"))
    await business.control("clock", offset_seconds=301)
    assert (await business.call("GET", url)).status == 404
    expires = parse_qs(urlsplit(url).query)["ext"][0]
    assert (await business.call("GET", url.replace(expires, str(int(expires) + 900)))).status == 404
    fresh = swapped(await business.call("GET", f"/{media['id']}"))
    assert (await business.call("GET", fresh)).raw == PICTURE


async def test_inbound_media_lives_seven_days_and_uploads_thirty(business: Business) -> None:
    inbound = (await business.media_from_user(PICTURE))["id"]
    uploaded = (await business.upload(PICTURE, "image/jpeg")).body["id"]
    await business.control("clock", offset_seconds=7 * DAY + 1)
    assert (await business.call("GET", f"/{inbound}")).error == (400, 100)
    assert (await business.call("GET", f"/{uploaded}")).status == 200
    await business.control("clock", offset_seconds=30 * DAY + 1)
    assert (await business.call("GET", f"/{uploaded}")).error == (400, 100)


async def test_deleted_media_is_gone(business: Business) -> None:
    media_id = (await business.upload(PICTURE, "image/jpeg")).body["id"]
    assert (await business.call("DELETE", f"/{media_id}")).body == {"success": True}
    assert (await business.call("GET", f"/{media_id}")).error == (400, 100)


@pytest.mark.parametrize(
    ("raw", "mime_type", "code"),
    [
        (b"x", "application/x-msdownload", 100),
        (b"x", "audio/opus", 100),
        (b"", "image/jpeg", 131053),
        (b"x" * (5 * 1024 * 1024 + 1), "image/jpeg", 131053),
    ],
)
async def test_upload_of_a_wrong_kind_or_size_is_refused(
    business: Business, raw: bytes, mime_type: str, code: int
) -> None:
    assert (await business.upload(raw, mime_type)).error == (400, code)


async def test_voice_note_type_with_parameters_is_taken(business: Business) -> None:
    media_id = (await business.upload(b"OggS", "audio/ogg; codecs=opus")).body["id"]
    to = await business.user()
    assert (await business.send(to, {"id": media_id, "voice": True}, "audio")).wamid


async def test_upload_needs_product_and_file(business: Business) -> None:
    form = aiohttp.FormData()
    form.add_field("file", PICTURE, filename="a.jpg", content_type="image/jpeg")
    assert (await business.call("POST", "/media", data=form)).error == (400, 100)
    form = aiohttp.FormData({"messaging_product": "whatsapp", "type": "image/jpeg"}, default_to_multipart=True)
    assert (await business.call("POST", "/media", data=form)).error == (400, 100)


async def test_uploaded_picture_can_be_sent(business: Business, heard: Receiver) -> None:
    media_id = (await business.upload(PICTURE, "image/jpeg")).body["id"]
    to = await business.user()
    await business.send(to, {"id": media_id, "caption": "look"}, "image")
    await heard.until(lambda r: len(r.statuses) == 3)
    assert "failed" not in {status["status"] for status in heard.statuses}


async def test_file_that_does_not_fit_the_message_type_fails_after_acceptance(
    business: Business, heard: Receiver
) -> None:
    media_id = (await business.upload(b"%PDF", "application/pdf")).body["id"]
    to = await business.user()
    answer = await business.send(to, {"id": media_id}, "image")
    await heard.until(lambda r: len(r.statuses) == 1)
    assert heard.statuses[0]["id"] == answer.wamid
    assert heard.statuses[0]["errors"][0]["code"] == 131053


async def test_inbound_picture_is_described_in_the_webhook(business: Business, heard: Receiver) -> None:
    media = await business.media_from_user(PICTURE)
    await business.receive({"type": "image", "image": {"id": media["id"], "caption": "hi"}})
    await heard.until(lambda r: len(r.messages) == 1)
    image = heard.messages[0]["image"]
    assert (image["mime_type"], image["caption"]) == ("image/jpeg", "hi")
    assert image["url"].startswith(LOOKASIDE) and "source=webhook" in image["url"]
    parts = urlsplit(image["url"])
    assert (await business.call("GET", f"{parts.path}?{parts.query}")).raw == PICTURE


async def test_media_can_be_made_to_lie(business: Business) -> None:
    media = await business.media_from_user(PICTURE, sha256="0" * 64, file_size="5")
    found = await business.call("GET", f"/{media['id']}")
    assert (found.body["sha256"], found.body["file_size"]) == ("0" * 64, 5)
    expired = await business.media_from_user(PICTURE, expires_in="0")
    assert (await business.call("GET", f"/{expired['id']}")).error == (400, 100)


async def test_truncated_media_ends_early_every_time(business: Business) -> None:
    media = await business.media_from_user(PICTURE, truncate="100")
    for _ in range(2):
        url = swapped(await business.call("GET", f"/{media['id']}"))
        with pytest.raises(aiohttp.ClientPayloadError):
            await business.call("GET", url)


async def test_large_file_goes_through_unharmed(business: Business) -> None:
    big = bytes(range(256)) * 4096 * 40
    media_id = (await business.upload(big, "application/pdf", "big.pdf")).body["id"]
    fetched = await business.download(media_id)
    assert hashlib.sha256(fetched.raw).digest() == hashlib.sha256(big).digest()
