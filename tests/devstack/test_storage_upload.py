"""Uploading as storage3 and plain HTTP do it. The same with storage-js stands in test_storage_js.py."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from storage3.exceptions import StorageApiError
from storage3.types import FileOptions

from tests.conftest import Connect, Project
from tests.devstack.storage_buckets import own_bucket, text_of
from tests.devstack.supabase_clients import Person, signed_up, supabase


@pytest.fixture
async def person(project: Project) -> AsyncIterator[Person]:
    async with signed_up(project) as person:
        yield person


@pytest.fixture
async def bucket(project: Project, database: Connect) -> AsyncIterator[str]:
    async with own_bucket(project, database) as bucket:
        yield bucket


async def rows(database: Connect, bucket: str) -> list[dict[str, Any]]:
    async with database() as connection:
        cursor = await connection.execute("select * from storage.objects where bucket_id = %s order by name", [bucket])
        return await cursor.fetchall()


async def test_upload_stores_bytes_and_a_row_that_describes_them(
    person: Person, bucket: str, database: Connect
) -> None:
    options: FileOptions = {
        "content-type": "image/png",
        "cache-control": "60",
        "metadata": {"source": "camera"},
    }
    answer = await person.client.storage.from_(bucket).upload(f"{person.id}/a b.png", b"picture", options)
    assert answer.full_path == f"{bucket}/{person.id}/a b.png"
    assert await text_of(person.client, bucket, f"{person.id}/a b.png") == "picture"
    [row] = await rows(database, bucket)
    assert (row["name"], row["owner_id"], str(row["owner"])) == (
        f"{person.id}/a b.png",
        person.id,
        person.id,
    )
    assert row["path_tokens"] == [person.id, "a b.png"]
    assert row["user_metadata"] == {"source": "camera"}
    assert row["metadata"].pop("lastModified")
    assert row["metadata"] == {
        "size": 7,
        "mimetype": "image/png",
        "eTag": f'"{hashlib.md5(b"picture").hexdigest()}"',
        "cacheControl": "max-age=60",
        "contentLength": 7,
        "httpStatusCode": 200,
    }


async def test_upload_from_a_file_on_disk(person: Person, bucket: str, tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    path.write_text("from disk")
    await person.client.storage.from_(bucket).upload(f"{person.id}/note.txt", path)
    assert await text_of(person.client, bucket, f"{person.id}/note.txt") == "from disk"


async def test_second_upload_without_upsert_is_refused(person: Person, bucket: str) -> None:
    files = person.client.storage.from_(bucket)
    await files.upload(f"{person.id}/a.txt", b"first")
    with pytest.raises(StorageApiError) as refusal:
        await files.upload(f"{person.id}/a.txt", b"second")
    assert (refusal.value.status, refusal.value.code) == ("409", "Duplicate")
    assert refusal.value.message == "The resource already exists"
    assert await text_of(person.client, bucket, f"{person.id}/a.txt") == "first"


async def test_upsert_and_update_replace_bytes_and_keep_the_row(person: Person, bucket: str, database: Connect) -> None:
    files = person.client.storage.from_(bucket)
    await files.upload(f"{person.id}/a.txt", b"first")
    [first] = await rows(database, bucket)
    await files.upload(f"{person.id}/a.txt", b"second", {"upsert": "true"})
    assert await text_of(person.client, bucket, f"{person.id}/a.txt") == "second"
    await files.update(f"{person.id}/a.txt", b"third")
    assert await text_of(person.client, bucket, f"{person.id}/a.txt") == "third"
    [last] = await rows(database, bucket)
    assert (last["id"], last["created_at"]) == (first["id"], first["created_at"])
    assert last["version"] != first["version"]


async def test_upload_that_policies_refuse_leaves_nothing(
    person: Person, bucket: str, project: Project, database: Connect
) -> None:
    async with signed_up(project) as stranger, supabase(project.url, project.anon_key) as visitor:
        for client in (stranger.client, visitor):
            with pytest.raises(StorageApiError) as refusal:
                await client.storage.from_(bucket).upload(f"{person.id}/a.txt", b"not mine")
            assert (refusal.value.status, refusal.value.code) == ("403", "Unauthorized")
            assert refusal.value.message == "new row violates row-level security policy"
    assert await rows(database, bucket) == []


async def test_who_may_only_insert_uploads_but_does_not_upsert(person: Person, bucket: str) -> None:
    files = person.client.storage.from_(bucket)
    await files.upload("inbox/letter.txt", b"dear all")
    with pytest.raises(StorageApiError) as refusal:
        await files.upload("inbox/other.txt", b"dear all", {"upsert": "true"})
    assert refusal.value.status == "403"


async def test_unknown_bucket_is_not_found(person: Person) -> None:
    with pytest.raises(StorageApiError) as refusal:
        await person.client.storage.from_("nowhere").upload("a.txt", b"lost")
    assert (refusal.value.status, refusal.value.code) == ("404", "Bucket not found")


@pytest.mark.parametrize("name", ["שלום.png", "a#b.png", "a\\b.png", "a[1].png", "a~b.png", "a%25b.png"])
async def test_name_with_a_forbidden_character_is_refused(person: Person, bucket: str, name: str) -> None:
    with pytest.raises(StorageApiError) as refusal:
        await person.client.storage.from_(bucket).upload(f"{person.id}/{name}", b"picture")
    assert (refusal.value.status, refusal.value.code) == ("400", "InvalidKey")


async def test_every_allowed_character_is_taken_and_found_again(person: Person, bucket: str) -> None:
    path = f"{person.id}/aZ09_-.',!*&$@=;:+ ()"
    await person.client.storage.from_(bucket).upload(path, b"odd")
    assert await text_of(person.client, bucket, path) == "odd"


async def test_bucket_takes_its_mime_types_only(person: Person, project: Project, database: Connect) -> None:
    allowed = ["image/*", "application/pdf"]
    async with own_bucket(project, database, allowed_mime_types=allowed) as bucket:
        files = person.client.storage.from_(bucket)
        await files.upload(f"{person.id}/a.png", b"picture", {"content-type": "image/png"})
        await files.upload(f"{person.id}/a.pdf", b"paper", {"content-type": "application/pdf"})
        with pytest.raises(StorageApiError) as refusal:
            await files.upload(f"{person.id}/a.mp4", b"film", {"content-type": "video/mp4"})
        assert (refusal.value.status, refusal.value.code) == ("415", "invalid_mime_type")
        assert refusal.value.message == "mime type video/mp4 is not supported"
        assert len(await rows(database, bucket)) == 2


async def test_file_over_the_bucket_limit_is_refused_in_every_form(
    person: Person, project: Project, database: Connect, http: httpx.AsyncClient
) -> None:
    async def without_length() -> AsyncIterator[bytes]:
        for _ in range(4):
            yield b"x" * 1000

    async with own_bucket(project, database, file_size_limit=3000) as bucket:
        with pytest.raises(StorageApiError) as refusal:
            await person.client.storage.from_(bucket).upload(f"{person.id}/form.bin", b"x" * 4000)
        assert (refusal.value.status, refusal.value.code) == ("413", "Payload too large")
        headers = project.headers(project.anon_key, person.session.access_token)
        for name, content in (("raw", b"x" * 4000), ("chunked", without_length())):
            url = f"{project.url}/storage/v1/object/{bucket}/{person.id}/{name}.bin"
            answer = await http.post(url, headers=headers, content=content)
            assert (answer.status_code, answer.json()["statusCode"]) == (400, "413")
        await person.client.storage.from_(bucket).upload(f"{person.id}/fits.bin", b"x" * 3000)
        assert [row["name"] for row in await rows(database, bucket)] == [f"{person.id}/fits.bin"]


async def test_raw_body_is_described_by_its_headers(
    person: Person, bucket: str, project: Project, database: Connect, http: httpx.AsyncClient
) -> None:
    about = base64.b64encode(json.dumps({"source": "camera"}).encode()).decode()
    answer = await http.post(
        f"{project.url}/storage/v1/object/{bucket}/{person.id}/raw.png",
        headers={
            **project.headers(project.anon_key, person.session.access_token),
            **{"content-type": "image/png", "cache-control": "max-age=5", "x-metadata": about},
        },
        content=b"picture",
    )
    [row] = await rows(database, bucket)
    assert answer.json() == {"Id": str(row["id"]), "Key": f"{bucket}/{person.id}/raw.png"}
    assert (row["metadata"]["mimetype"], row["metadata"]["cacheControl"]) == ("image/png", "max-age=5")
    assert row["user_metadata"] == {"source": "camera"}


async def test_empty_file_is_a_file(person: Person, bucket: str) -> None:
    await person.client.storage.from_(bucket).upload(f"{person.id}/empty.txt", b"")
    assert await text_of(person.client, bucket, f"{person.id}/empty.txt") == ""


async def test_secret_key_writes_anywhere(project: Project, bucket: str) -> None:
    async with supabase(project.url, project.service_role_key) as admin:
        await admin.storage.from_(bucket).upload("somebody/a.txt", b"from the worker")
        assert await text_of(admin, bucket, "somebody/a.txt") == "from the worker"


async def test_policy_can_ask_for_the_operation(person: Person, bucket: str, database: Connect) -> None:
    async with database() as connection:
        await connection.execute(
            f"""
            create policy "list only {bucket}" on storage.objects for select to authenticated
            using (bucket_id = '{bucket}' and storage.allow_only_operation('object.list'))
            """.encode()
        )
        try:
            files = person.client.storage.from_(bucket)
            await files.upload("inbox/letter.txt", b"dear all")
            assert [entry["name"] for entry in await files.list("inbox")] == ["letter.txt"]
            with pytest.raises(StorageApiError):
                await files.download("inbox/letter.txt")
        finally:
            await connection.execute(f'drop policy "list only {bucket}" on storage.objects'.encode())
