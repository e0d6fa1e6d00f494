"""Storage on a bad day, and on a heavy one."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from storage3.exceptions import StorageApiError

from tests.conftest import Connect, Project
from tests.devstack.storage_buckets import DEVSTACK_URL, only_here, own_bucket, text_of
from tests.devstack.supabase_clients import Person, signed_up

pytestmark = only_here

CONTROL = f"{DEVSTACK_URL}/_devstack/storage"
MEBIBYTE = 1024 * 1024


@pytest.fixture
async def person(project: Project) -> AsyncIterator[Person]:
    async with signed_up(project) as person:
        yield person


@pytest.fixture
async def bucket(project: Project, database: Connect) -> AsyncIterator[str]:
    async with own_bucket(project, database) as bucket:
        yield bucket


@pytest.fixture
async def faults(bucket: str, http: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """POST here to be unkind; kind again afterwards, before the bucket is removed."""
    yield http
    await http.post(CONTROL, json={"reset": True})


async def test_storage_that_is_down_answers_503_until_it_is_up(
    person: Person, bucket: str, faults: httpx.AsyncClient
) -> None:
    await faults.post(CONTROL, json={"down": True})
    for _ in range(2):
        with pytest.raises(StorageApiError) as refusal:
            await person.client.storage.from_(bucket).upload(f"{person.id}/a.txt", b"a")
        assert refusal.value.status == "503"
    await faults.post(CONTROL, json={"down": False})
    await person.client.storage.from_(bucket).upload(f"{person.id}/a.txt", b"a")


async def test_the_next_requests_fail_and_the_one_after_them_does_not(
    person: Person, bucket: str, faults: httpx.AsyncClient
) -> None:
    await faults.post(CONTROL, json={"fail_next": 2})
    for _ in range(2):
        with pytest.raises(StorageApiError):
            await person.client.storage.from_(bucket).list()
    assert await person.client.storage.from_(bucket).list() == []


async def test_slow_storage_takes_its_time(person: Person, bucket: str, faults: httpx.AsyncClient) -> None:
    await faults.post(CONTROL, json={"delay_ms": 200})
    begun = time.monotonic()
    await person.client.storage.from_(bucket).list()
    assert time.monotonic() - begun >= 0.2


async def test_upload_that_is_cut_leaves_nothing_and_can_be_repeated(
    person: Person, bucket: str, faults: httpx.AsyncClient, database: Connect
) -> None:
    files, content = person.client.storage.from_(bucket), b"x" * 4 * MEBIBYTE
    await faults.post(CONTROL, json={"cut_uploads_after": MEBIBYTE})
    with pytest.raises(httpx.TransportError):
        await files.upload(f"{person.id}/a.bin", content)
    async with database() as connection:
        cursor = await connection.execute("select from storage.objects where bucket_id = %s", [bucket])
        assert cursor.rowcount == 0
    await faults.post(CONTROL, json={"cut_uploads_after": None})
    await files.upload(f"{person.id}/a.bin", content)
    assert await files.download(f"{person.id}/a.bin") == content


async def test_storage_without_room_takes_no_upload_and_keeps_what_it_has(
    person: Person, bucket: str, faults: httpx.AsyncClient
) -> None:
    files = person.client.storage.from_(bucket)
    await files.upload(f"{person.id}/a.txt", b"before")
    await faults.post(CONTROL, json={"full": True})
    with pytest.raises(StorageApiError) as refusal:
        await files.upload(f"{person.id}/b.txt", b"too much")
    assert refusal.value.status == "500"
    assert await files.download(f"{person.id}/a.txt") == b"before"
    await faults.post(CONTROL, json={"full": False})
    await files.upload(f"{person.id}/b.txt", b"fits again")


async def test_a_server_without_resumable_uploads_does_not_know_the_path(
    project: Project, faults: httpx.AsyncClient
) -> None:
    headers = project.headers(project.service_role_key)
    url = f"{project.url}/storage/v1/upload/resumable"
    await faults.post(CONTROL, json={"no_resumable": True})
    assert (await faults.post(url, headers=headers)).status_code == 404
    await faults.post(CONTROL, json={"no_resumable": False})
    assert (await faults.post(url, headers=headers)).status_code == 400


async def test_an_upload_is_forgotten_with_its_second_piece(project: Project, faults: httpx.AsyncClient) -> None:
    headers = project.headers(project.service_role_key)
    url = f"{project.url}/storage/v1/upload/resumable/none"
    await faults.post(CONTROL, json={"forget_next": 1})
    for offset, left in (("0", 1), ("6291456", 0)):
        answer = await faults.patch(url, headers={**headers, "Upload-Offset": offset})
        assert (answer.status_code, (await faults.get(CONTROL)).json()["forget_next"]) == (404, left)


async def test_requests_and_bytes_are_counted_from_when_a_test_says(
    person: Person, bucket: str, faults: httpx.AsyncClient
) -> None:
    files = person.client.storage.from_(bucket)
    await files.upload(f"{person.id}/a.txt", b"uncounted")
    await faults.post(CONTROL, json={"counts": {}})
    await files.upload(f"{person.id}/b.txt", b"four")
    await files.download(f"{person.id}/b.txt")
    counts = (await faults.get(CONTROL)).json()["counts"]
    assert counts == {"POST object": 1, "GET object": 1, "bytes": 4}


async def test_unknown_fault_is_refused(faults: httpx.AsyncClient) -> None:
    assert (await faults.post(CONTROL, json={"explode": True})).status_code == 400


async def test_uploads_of_one_name_at_once_leave_one_whole_object(person: Person, bucket: str) -> None:
    files = person.client.storage.from_(bucket)
    contents = [str(number).encode() * MEBIBYTE for number in range(4)]
    path = f"{person.id}/a.bin"
    await asyncio.gather(*(files.upload(path, content, {"upsert": "true"}) for content in contents))
    assert await files.download(path) in contents


@pytest.mark.parametrize("form", ["multipart", "raw"])
async def test_sixty_megabytes_pass_through_without_staying_in_memory(
    person: Person, bucket: str, project: Project, tmp_path: Path, form: str
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(MEBIBYTE) * 60)
    await person.client.storage.from_(bucket).upload(f"{person.id}/warm-up.bin", b"x" * MEBIBYTE)
    before = _resident_mebibytes()
    headers = project.headers(project.anon_key, person.session.access_token)
    url = f"{project.url}/storage/v1/object/{bucket}/{person.id}/film.mp4"
    async with httpx.AsyncClient(headers=headers, timeout=60) as http:
        if form == "multipart":
            with path.open("rb") as file:
                answer = await http.post(url, files={"file": ("film.mp4", file, "video/mp4")})
        else:
            answer = await http.post(url, content=_chunks(path), headers={"Content-Type": "video/mp4"})
        assert answer.status_code == 200
        peak = _resident_mebibytes()
        size = 0
        async with http.stream("GET", url) as download:
            async for chunk in download.aiter_bytes():
                size += len(chunk)
        assert size == 60 * MEBIBYTE
    assert max(peak, _resident_mebibytes()) - before < 15


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(MEBIBYTE):
            yield chunk


def _resident_mebibytes() -> float:
    """The stack's memory, at its highest so far."""
    status = Path(f"/proc/{os.environ['DEVSTACK_PID']}/status")
    if not status.exists():
        pytest.skip("no /proc here")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


async def test_small_files_survive_a_crowd(person: Person, bucket: str) -> None:
    files = person.client.storage.from_(bucket)
    await asyncio.gather(*(files.upload(f"{person.id}/{number}.txt", str(number).encode()) for number in range(40)))
    assert len(await files.list(person.id)) == 40
    assert await text_of(person.client, bucket, f"{person.id}/39.txt") == "39"
