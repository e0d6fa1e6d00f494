"""Resumable uploads, spoken by hand: no client for the TUS protocol is among the project's packages."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.conftest import Connect, Project
from tests.devstack.storage_buckets import own_bucket
from tests.devstack.supabase_clients import Person, signed_up

CHUNK = 6 * 1024 * 1024
CONTENT = os.urandom(CHUNK + 1000)


@pytest.fixture
async def person(project: Project) -> AsyncIterator[Person]:
    async with signed_up(project) as person:
        yield person


@pytest.fixture
async def bucket(project: Project, database: Connect) -> AsyncIterator[str]:
    async with own_bucket(project, database) as bucket:
        yield bucket


@pytest.fixture
async def tus(project: Project, person: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Plain HTTP in the person's name, relative to the address of Storage."""
    headers = {**project.headers(project.anon_key, person.session.access_token), "Tus-Resumable": "1.0.0"}
    base = f"{project.url}/storage/v1"
    async with httpx.AsyncClient(base_url=base, headers=headers, timeout=30) as client:
        yield client


def described(bucket: str, path: str, **more: str) -> str:
    values = {"bucketName": bucket, "objectName": path, **more}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


async def begin(tus: httpx.AsyncClient, bucket: str, path: str, length: int, **headers: str) -> httpx.Response:
    metadata = described(bucket, path, contentType="video/mp4", cacheControl="60", metadata='{"take": 2}')
    return await tus.post(
        "upload/resumable", headers={"Upload-Length": str(length), "Upload-Metadata": metadata, **headers}
    )


async def send(tus: httpx.AsyncClient, address: str, offset: int, content: bytes) -> httpx.Response:
    headers = {"Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
    return await tus.patch(address, headers=headers, content=content)


async def test_upload_in_two_chunks_is_an_object_when_the_last_byte_is_there(
    person: Person, bucket: str, tus: httpx.AsyncClient
) -> None:
    path = f"{person.id}/film.mp4"
    begun = await begin(tus, bucket, path, len(CONTENT))
    assert (begun.status_code, begun.headers["Tus-Resumable"]) == (201, "1.0.0")
    address = begun.headers["Location"]
    first = await send(tus, address, 0, CONTENT[:CHUNK])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(CHUNK))
    files = person.client.storage.from_(bucket)
    assert await files.exists(path) is False
    asked = await tus.head(address)
    assert (asked.headers["Upload-Offset"], asked.headers["Upload-Length"]) == (str(CHUNK), str(len(CONTENT)))
    assert (await send(tus, address, CHUNK, CONTENT[CHUNK:])).status_code == 204
    assert await files.download(path) == CONTENT
    info = await files.info(path)
    parts = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in (CONTENT[:CHUNK], CONTENT[CHUNK:]))
    assert info["etag"] == f'"{hashlib.md5(parts, usedforsecurity=False).hexdigest()}-2"'
    assert (info["content_type"], info["cache_control"]) == ("video/mp4", "max-age=60")
    assert info["metadata"] == {"take": 2}
    assert (await tus.head(address)).status_code == 404


async def test_chunk_at_the_wrong_offset_is_a_conflict(person: Person, bucket: str, tus: httpx.AsyncClient) -> None:
    address = (await begin(tus, bucket, f"{person.id}/film.mp4", len(CONTENT))).headers["Location"]
    assert (await send(tus, address, CHUNK, CONTENT[CHUNK:])).status_code == 409
    assert (await tus.head(address)).headers["Upload-Offset"] == "0"


async def test_chunk_of_another_size_is_refused_unless_it_is_the_last(
    person: Person, bucket: str, tus: httpx.AsyncClient
) -> None:
    address = (await begin(tus, bucket, f"{person.id}/film.mp4", len(CONTENT))).headers["Location"]
    assert (await send(tus, address, 0, CONTENT[:1000])).status_code == 400


async def test_permission_is_asked_before_the_first_byte_and_with_each_chunk(
    person: Person, bucket: str, tus: httpx.AsyncClient, project: Project
) -> None:
    begun = await begin(tus, bucket, f"{person.id}/film.mp4", len(CONTENT))
    async with signed_up(project) as stranger:
        tus.headers["Authorization"] = f"Bearer {stranger.session.access_token}"
        assert (await begin(tus, bucket, f"{person.id}/other.mp4", 10)).status_code == 403
        assert (await send(tus, begun.headers["Location"], 0, CONTENT[:CHUNK])).status_code == 403


async def test_taken_name_is_refused_without_upsert(person: Person, bucket: str, tus: httpx.AsyncClient) -> None:
    path = f"{person.id}/film.mp4"
    await person.client.storage.from_(bucket).upload(path, b"first")
    assert (await begin(tus, bucket, path, 6)).status_code == 409
    tus.headers["x-upsert"] = "true"
    begun = await begin(tus, bucket, path, 6)
    assert (await send(tus, begun.headers["Location"], 0, b"second")).status_code == 204
    assert await person.client.storage.from_(bucket).download(path) == b"second"


async def test_upload_over_the_limit_or_of_a_forbidden_type_does_not_begin(
    person: Person, project: Project, database: Connect, tus: httpx.AsyncClient
) -> None:
    limits = {"file_size_limit": 1000, "allowed_mime_types": ["video/*"]}
    async with own_bucket(project, database, **limits) as bucket:
        assert (await begin(tus, bucket, f"{person.id}/long.mp4", 1001)).status_code == 413
        metadata = described(bucket, f"{person.id}/a.png", contentType="image/png")
        refused = await tus.post("upload/resumable", headers={"Upload-Length": "10", "Upload-Metadata": metadata})
        assert refused.status_code == 415


async def test_ended_upload_is_gone(person: Person, bucket: str, tus: httpx.AsyncClient) -> None:
    address = (await begin(tus, bucket, f"{person.id}/film.mp4", len(CONTENT))).headers["Location"]
    assert (await tus.delete(address)).status_code == 204
    assert (await tus.head(address)).status_code == 404
