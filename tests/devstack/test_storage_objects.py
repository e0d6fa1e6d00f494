"""Listing, removing, moving and copying objects; making, changing and deleting buckets."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import psycopg
import pytest
from storage3.exceptions import StorageApiError

from supabase import AsyncClient
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


@pytest.fixture
async def admin(project: Project) -> AsyncIterator[AsyncClient]:
    async with supabase(project.url, project.service_role_key) as client:
        yield client


async def fill(person: Person, bucket: str, *names: str) -> None:
    for name in names:
        await person.client.storage.from_(bucket).upload(f"{person.id}/{name}", name.encode())


async def test_list_shows_one_folder_level_with_folders_as_entries_without_id(person: Person, bucket: str) -> None:
    await fill(person, bucket, "b.txt", "photos/1.jpg", "photos/old/2.jpg", "a.txt")
    files = person.client.storage.from_(bucket)
    entries = await files.list(person.id)
    assert [(entry["name"], entry["id"] is None) for entry in entries] == [
        ("a.txt", False),
        ("b.txt", False),
        ("photos", True),
    ]
    assert entries[0]["metadata"]["size"] == 5
    assert [entry["name"] for entry in await files.list(f"{person.id}/photos/")] == ["1.jpg", "old"]
    assert [entry["name"] for entry in await files.list()] == [person.id]


async def test_list_searches_sorts_and_pages(person: Person, bucket: str) -> None:
    await fill(person, bucket, "alpha.txt", "Beta.txt", "beta-2.txt", "gamma.txt")
    files = person.client.storage.from_(bucket)

    async def names(**options: object) -> list[str]:
        return [entry["name"] for entry in await files.list(person.id, options)]  # type: ignore[arg-type]

    assert await names(search="beta") == ["beta-2.txt", "Beta.txt"]
    by_name_descending = {"column": "name", "order": "desc"}
    assert await names(sortBy=by_name_descending, limit=2) == ["gamma.txt", "Beta.txt"]
    assert await names(limit=2, offset=2) == ["Beta.txt", "gamma.txt"]
    assert await names(sortBy={"column": "created_at", "order": "desc"}, limit=1) == ["gamma.txt"]


async def test_list_v2_pages_through_whole_keys_and_groups_folders_by_delimiter(person: Person, bucket: str) -> None:
    await fill(person, bucket, "a.txt", "photos/1.jpg", "photos/2.jpg", "z.txt")
    files = person.client.storage.from_(bucket)
    page = await files.list_v2({"prefix": f"{person.id}/", "with_delimiter": True})
    assert [folder.name for folder in page.folders] == [f"{person.id}/photos/"]
    assert [found.name for found in page.objects] == [f"{person.id}/a.txt", f"{person.id}/z.txt"]
    first = await files.list_v2({"limit": 3})
    assert first.hasNext and first.nextCursor
    last = await files.list_v2({"limit": 3, "cursor": first.nextCursor})
    assert not last.hasNext
    assert [found.name for found in [*first.objects, *last.objects]] == [
        f"{person.id}/{name}" for name in ("a.txt", "photos/1.jpg", "photos/2.jpg", "z.txt")
    ]


async def test_stranger_lists_and_removes_nothing(person: Person, bucket: str, project: Project) -> None:
    await fill(person, bucket, "a.txt")
    async with signed_up(project) as stranger:
        files = stranger.client.storage.from_(bucket)
        assert await files.list(person.id) == []
        assert await files.remove([f"{person.id}/a.txt"]) == []
    assert await text_of(person.client, bucket, f"{person.id}/a.txt") == "a.txt"


async def test_remove_answers_with_what_went(person: Person, bucket: str) -> None:
    await fill(person, bucket, "a.txt", "b.txt", "c.txt")
    files = person.client.storage.from_(bucket)
    removed = await files.remove([f"{person.id}/a.txt", f"{person.id}/b.txt", f"{person.id}/missing.txt"])
    assert sorted(row["name"] for row in removed) == [f"{person.id}/a.txt", f"{person.id}/b.txt"]
    assert [entry["name"] for entry in await files.list(person.id)] == ["c.txt"]
    with pytest.raises(StorageApiError):
        await files.download(f"{person.id}/a.txt")


async def test_delete_by_sql_is_refused(person: Person, bucket: str, database: Connect) -> None:
    await fill(person, bucket, "a.txt")
    async with database() as connection:
        for table in ("objects", "buckets"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="Direct deletion"):
                await connection.execute(f"delete from storage.{table} where false".encode())


async def test_moved_object_is_found_under_its_new_name_only(person: Person, bucket: str) -> None:
    await fill(person, bucket, "a.txt", "taken.txt")
    files = person.client.storage.from_(bucket)
    answer = await files.move(f"{person.id}/a.txt", f"{person.id}/moved/b.txt")
    assert answer["message"] == "Successfully moved"
    assert await text_of(person.client, bucket, f"{person.id}/moved/b.txt") == "a.txt"
    with pytest.raises(StorageApiError) as refusal:
        await files.download(f"{person.id}/a.txt")
    assert refusal.value.code == "not_found"
    with pytest.raises(StorageApiError) as refusal:
        await files.move(f"{person.id}/moved/b.txt", f"{person.id}/taken.txt")
    assert (refusal.value.status, refusal.value.code) == ("409", "Duplicate")
    with pytest.raises(StorageApiError) as refusal:
        await files.move(f"{person.id}/moved/b.txt", "elsewhere/b.txt")
    assert refusal.value.status == "403"


async def test_copy_lives_on_when_its_origin_is_gone(person: Person, bucket: str) -> None:
    await fill(person, bucket, "a.txt")
    files = person.client.storage.from_(bucket)
    answer = await files.copy(f"{person.id}/a.txt", f"{person.id}/copy.txt")
    assert answer["Key"] == f"{bucket}/{person.id}/copy.txt"
    with pytest.raises(StorageApiError) as refusal:
        await files.copy(f"{person.id}/a.txt", f"{person.id}/copy.txt")
    assert refusal.value.code == "Duplicate"
    await files.remove([f"{person.id}/a.txt"])
    assert await text_of(person.client, bucket, f"{person.id}/copy.txt") == "a.txt"


async def test_nobody_copies_or_moves_what_they_cannot_see(person: Person, bucket: str, project: Project) -> None:
    await fill(person, bucket, "a.txt")
    async with signed_up(project) as stranger:
        files = stranger.client.storage.from_(bucket)
        for attempt in (files.copy, files.move):
            with pytest.raises(StorageApiError) as refusal:
                await attempt(f"{person.id}/a.txt", f"{stranger.id}/a.txt")
            assert refusal.value.code == "not_found"


async def test_secret_key_makes_changes_and_deletes_a_bucket(admin: AsyncClient) -> None:
    name = f"test-{uuid.uuid4()}"
    await admin.storage.create_bucket(name, options={"public": True, "allowed_mime_types": ["image/*"]})
    with pytest.raises(StorageApiError) as refusal:
        await admin.storage.create_bucket(name)
    assert (refusal.value.status, refusal.value.code) == ("409", "Duplicate")
    await admin.storage.update_bucket(name, {"file_size_limit": 1000})
    bucket = await admin.storage.get_bucket(name)
    assert (bucket.public, bucket.file_size_limit, bucket.allowed_mime_types) == (True, 1000, ["image/*"])
    assert name in [bucket.id for bucket in await admin.storage.list_buckets()]
    await admin.storage.from_(name).upload("a.png", b"picture", {"content-type": "image/png"})
    with pytest.raises(StorageApiError) as refusal:
        await admin.storage.delete_bucket(name)
    assert refusal.value.status == "409"
    await admin.storage.empty_bucket(name)
    await admin.storage.delete_bucket(name)
    with pytest.raises(StorageApiError) as refusal:
        await admin.storage.get_bucket(name)
    assert (refusal.value.status, refusal.value.code) == ("404", "Bucket not found")


async def test_without_a_policy_nobody_else_makes_or_sees_buckets(person: Person, bucket: str) -> None:
    with pytest.raises(StorageApiError) as refusal:
        await person.client.storage.create_bucket(f"test-{uuid.uuid4()}")
    assert (refusal.value.status, refusal.value.code) == ("403", "Unauthorized")
    assert await person.client.storage.list_buckets() == []
    with pytest.raises(StorageApiError):
        await person.client.storage.get_bucket(bucket)


async def test_bucket_names_and_limits_are_checked(admin: AsyncClient) -> None:
    for name in ("a/b", "ü", "x" * 64):
        with pytest.raises(StorageApiError) as refusal:
            await admin.storage.create_bucket(name)
        assert refusal.value.status == "400"
    with pytest.raises(StorageApiError) as refusal:
        await admin.storage.create_bucket(f"test-{uuid.uuid4()}", options={"allowed_mime_types": ["image"]})
    assert refusal.value.code == "invalid_mime_type"


async def test_bucket_made_by_a_migration_works(database: Connect, admin: AsyncClient) -> None:
    name = f"test-{uuid.uuid4()}"
    async with database() as connection:
        await connection.execute("insert into storage.buckets (id, name) values (%s, %s)", [name, name])
    await admin.storage.from_(name).upload("a.txt", b"a")
    await admin.storage.empty_bucket(name)
    await admin.storage.delete_bucket(name)
