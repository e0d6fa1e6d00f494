"""Downloading: who may, whole and in ranges, on conditions, and through signed URLs."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from storage3.exceptions import StorageApiError
from storage3.types import FileOptions

from tests.conftest import Connect, Project
from tests.devstack.storage_buckets import own_bucket, text_of
from tests.devstack.supabase_clients import Person, signed_up, supabase

CONTENT = b"0123456789"
ETAG = f'"{hashlib.md5(CONTENT).hexdigest()}"'


@pytest.fixture
async def person(project: Project) -> AsyncIterator[Person]:
    async with signed_up(project) as person:
        yield person


@pytest.fixture
async def bucket(project: Project, database: Connect) -> AsyncIterator[str]:
    async with own_bucket(project, database) as bucket:
        yield bucket


@pytest.fixture
async def path(person: Person, bucket: str) -> str:
    """A text of ten digits in the person's folder."""
    path = f"{person.id}/folder/digits.txt"
    options: FileOptions = {
        "content-type": "text/plain",
        "cache-control": "60",
        "metadata": {"source": "camera"},
    }
    await person.client.storage.from_(bucket).upload(path, CONTENT, options)
    return path


@pytest.fixture
async def reader(project: Project, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP in the person's name, relative to the objects' address."""
    headers = project.headers(project.anon_key, person.session.access_token)
    async with httpx.AsyncClient(base_url=f"{project.url}/storage/v1/object/", headers=headers) as client:
        yield client


async def test_who_may_see_an_object_downloads_it_and_others_find_nothing(
    person: Person, bucket: str, path: str, project: Project
) -> None:
    assert await text_of(person.client, bucket, path) == CONTENT.decode()
    async with signed_up(project) as stranger, supabase(project.url, project.anon_key) as visitor:
        for client in (stranger.client, visitor):
            with pytest.raises(StorageApiError) as refusal:
                await client.storage.from_(bucket).download(path)
            assert (refusal.value.status, refusal.value.code) == ("404", "not_found")
            assert refusal.value.message == "Object not found"
            assert await client.storage.from_(bucket).exists(path) is False


async def test_answer_carries_what_the_upload_said(reader: httpx.AsyncClient, bucket: str, path: str) -> None:
    for address in (f"{bucket}/{path}", f"authenticated/{bucket}/{path}"):
        answer = await reader.get(address)
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["Content-Type"] == "text/plain"
        assert answer.headers["Cache-Control"] == "max-age=60"
        assert answer.headers["ETag"] == ETAG
        assert answer.headers["Content-Length"] == "10"
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["Last-Modified"].endswith("GMT")


@pytest.mark.parametrize(
    ("asked", "content", "answered"),
    [
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ],
)
async def test_range_is_answered_with_its_part(
    reader: httpx.AsyncClient, bucket: str, path: str, asked: str, content: bytes, answered: str
) -> None:
    answer = await reader.get(f"{bucket}/{path}", headers={"Range": asked})
    assert (answer.status_code, answer.content) == (206, content)
    assert answer.headers["Content-Range"] == answered


async def test_range_behind_the_end_is_refused(reader: httpx.AsyncClient, bucket: str, path: str) -> None:
    answer = await reader.get(f"{bucket}/{path}", headers={"Range": "bytes=10-"})
    assert (answer.status_code, answer.json()["error"]) == (416, "InvalidRange")


async def test_copy_that_is_still_good_is_not_sent_again(reader: httpx.AsyncClient, bucket: str, path: str) -> None:
    modified = (await reader.get(f"{bucket}/{path}")).headers["Last-Modified"]
    for condition in ({"If-None-Match": ETAG}, {"If-Modified-Since": modified}):
        answer = await reader.get(f"{bucket}/{path}", headers=condition)
        assert (answer.status_code, answer.content) == (304, b"")
    answer = await reader.get(f"{bucket}/{path}", headers={"If-None-Match": '"another"'})
    assert answer.status_code == 200


async def test_head_tells_size_and_type_without_the_bytes(reader: httpx.AsyncClient, bucket: str, path: str) -> None:
    answer = await reader.head(f"{bucket}/{path}")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "10")
    assert (await reader.head(f"{bucket}/{path}-not")).status_code == 400


async def test_info_tells_what_is_known(person: Person, bucket: str, path: str) -> None:
    files = person.client.storage.from_(bucket)
    info = await files.info(path)
    assert (info["name"], info["bucket_id"], info["size"]) == (path, bucket, 10)
    assert (info["content_type"], info["cache_control"], info["etag"]) == ("text/plain", "max-age=60", ETAG)
    assert info["metadata"] == {"source": "camera"}
    assert await files.exists(path) is True


async def test_page_is_served_as_text(person: Person, reader: httpx.AsyncClient, bucket: str) -> None:
    await person.client.storage.from_(bucket).upload(
        f"{person.id}/page.html", b"<script>", {"content-type": "text/html"}
    )
    answer = await reader.get(f"{bucket}/{person.id}/page.html")
    assert answer.headers["Content-Type"] == "text/plain"


async def test_public_bucket_needs_no_key_and_a_private_one_pretends_not_to_be(
    person: Person, bucket: str, path: str, project: Project, database: Connect, http: httpx.AsyncClient
) -> None:
    async with own_bucket(project, database, public=True) as public:
        files = person.client.storage.from_(public)
        await files.upload(f"{person.id}/a.txt", b"for all")
        url = await files.get_public_url(f"{person.id}/a.txt", {"download": "b c.txt"})
        answer = await http.get(url)
        assert (answer.status_code, answer.text) == (200, "for all")
        assert "filename*=UTF-8''b%20c.txt" in answer.headers["Content-Disposition"]
        async with signed_up(project) as stranger:
            assert await text_of(stranger.client, public, f"{person.id}/a.txt") == "for all"
    answer = await http.get(await person.client.storage.from_(bucket).get_public_url(path))
    assert (answer.status_code, answer.json()["statusCode"]) == (400, "404")
    assert answer.json()["message"] == "Bucket not found"


async def test_signed_url_opens_its_object_without_a_key(
    person: Person, bucket: str, path: str, http: httpx.AsyncClient
) -> None:
    signed = await person.client.storage.from_(bucket).create_signed_url(path, 60, {"download": "digits.txt"})
    assert signed["signedURL"]
    answer = await http.get(signed["signedURL"], headers={"Range": "bytes=0-2"})
    assert (answer.status_code, answer.content) == (206, b"012")
    assert "filename=digits.txt" in answer.headers["Content-Disposition"]
    assert "Expires" in answer.headers


async def test_many_urls_are_signed_at_once_and_what_is_not_there_says_so(
    person: Person, bucket: str, path: str, http: httpx.AsyncClient
) -> None:
    found, missing = await person.client.storage.from_(bucket).create_signed_urls([path, "missing.txt"], 60)
    assert found["signedURL"] and found["error"] is None
    assert (await http.get(found["signedURL"])).content == CONTENT
    assert missing["signedURL"] is None
    assert missing["error"] == "Either the object does not exist or you do not have access to it"


async def test_who_cannot_see_an_object_cannot_sign_it(bucket: str, path: str, project: Project) -> None:
    async with signed_up(project) as stranger:
        with pytest.raises(StorageApiError) as refusal:
            await stranger.client.storage.from_(bucket).create_signed_url(path, 60)
        assert (refusal.value.status, refusal.value.code) == ("404", "not_found")


async def test_signed_url_is_good_for_its_object_its_purpose_and_its_time_only(
    person: Person, bucket: str, path: str, project: Project, http: httpx.AsyncClient
) -> None:
    files = person.client.storage.from_(bucket)
    await files.upload(f"{person.id}/other.txt", b"other")
    signed = str((await files.create_signed_url(path, 60))["signedURL"])
    upload = await files.create_signed_upload_url(f"{person.id}/new.txt")
    base = f"{project.url}/storage/v1/object/sign/{bucket}"
    for url, error in (
        (signed.replace("folder/digits.txt", "other.txt"), "InvalidSignature"),
        (f"{base}/{person.id}/new.txt?token={upload['token']}", "InvalidSignature"),
        (f"{base}/{path}?token={person.session.access_token}", "InvalidSignature"),
        (f"{base}/{path}?token={_expired(project, f'{bucket}/{path}')}", "InvalidJWT"),
        (f"{signed[:-3]}AAA", "InvalidJWT"),
        (f"{base}/{path}", "InvalidJWT"),
    ):
        answer = await http.get(url)
        assert (answer.status_code, answer.json()["error"]) == (400, error), url


def _expired(project: Project, path: str) -> str:
    if not project.jwt_secret:
        pytest.skip("needs the project's JWT secret")
    now = int(time.time())
    claims = {"url": path, "scope": "download", "iat": now - 120, "exp": now - 60}
    return jwt.encode(claims, project.jwt_secret, algorithm="HS256")


async def test_signed_upload_url_takes_one_new_object_in_the_signers_name(
    person: Person, bucket: str, project: Project, database: Connect
) -> None:
    path = f"{person.id}/from-elsewhere.txt"
    signed = await person.client.storage.from_(bucket).create_signed_upload_url(path)
    async with supabase(project.url, project.anon_key) as visitor:
        files = visitor.storage.from_(bucket)
        await files.upload_to_signed_url(path, signed["token"], b"sent by link")
        with pytest.raises(StorageApiError) as refusal:
            await files.upload_to_signed_url(path, signed["token"], b"again")
        assert (refusal.value.status, refusal.value.code) == ("409", "Duplicate")
        with pytest.raises(StorageApiError) as refusal:
            await files.upload_to_signed_url(f"{person.id}/another.txt", signed["token"], b"elsewhere")
        assert refusal.value.code == "InvalidSignature"
    assert await text_of(person.client, bucket, path) == "sent by link"
    async with database() as connection:
        cursor = await connection.execute("select owner_id from storage.objects where bucket_id = %s", [bucket])
        assert await cursor.fetchall() == [{"owner_id": person.id}]


async def test_who_may_not_upload_cannot_sign_an_upload(person: Person, bucket: str, project: Project) -> None:
    async with signed_up(project) as stranger:
        with pytest.raises(StorageApiError) as refusal:
            await stranger.client.storage.from_(bucket).create_signed_upload_url(f"{person.id}/a.txt")
        assert refusal.value.status == "403"
