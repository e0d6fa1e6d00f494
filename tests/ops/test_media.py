"""`wabase media list` and `verify`: what waits or has ended, what differs, and that looking changes nothing."""

from __future__ import annotations

import hashlib
from typing import Any
from uuid import uuid4

import httpx
import pytest

from ops.media_verify import REPEATS, Verifier, differing_bytes
from store.connect import connect
from store.errors import Unavailable
from store.files import Files
from store.rpc import Rpc
from tests.conftest import Project
from tests.flows.stored_files import BYTES, StoredFiles
from tests.ops.conftest import Answer, wabase
from tests.whatsapp.scripted import answer, serving

SHA256 = hashlib.sha256(BYTES).hexdigest()
NAME = "my secret.png"


async def _listed(files: StoredFiles, *options: str) -> list[str]:
    answer = await wabase("media", "list", "--number", files.tenant.phone_number_id, "--json", *options)
    assert answer.status == 0, answer.complained
    return [row["id"] for row in answer.json]


async def _verified(files: StoredFiles, *options: str) -> tuple[Answer, list[dict[str, Any]]]:
    answer = await wabase("media", "verify", "--workspace", files.tenant.workspace_id, "--json", *options)
    assert answer.status in (0, 1), answer.complained
    return answer, answer.json["differences"]


# list


async def test_what_waits_is_listed_and_what_has_ended_badly_without_names(files: StoredFiles) -> None:
    error = '{"code": "gone", "title": "x"}'
    nothing = {"media_path": None, "media_filename": NAME}
    stored = await files.message()
    waiting = await files.message(media_status="pending", **nothing)
    await files.queued(waiting)
    expired = await files.message(media_status="expired", media_error=error, **nothing)
    answer = await wabase("media", "list", "--workspace", files.tenant.workspace_id)
    lines = [line.split() for line in answer.said.splitlines()[1:]]
    number = files.tenant.phone_number_id
    assert (answer.status, lines[1]) == (0, [expired, number, "image", "expired", "gone", "-", "-", "-"])
    assert lines[0][:6] == [waiting, number, "image", "pending", "-", "0"]
    assert lines[0][7:] == ["2030-01-02T03:04:05"]
    assert NAME not in answer.said
    assert await _listed(files) == [waiting, expired]
    assert await _listed(files, "--state", "stored") == [stored]
    assert await _listed(files, "--state", "expired") == [expired]
    assert await _listed(files, "--state", "pending") == [waiting]
    assert await _listed(files, "--state", "downloading") == []
    assert await _listed(files, "--limit", "1") == [waiting]
    assert await _listed(files, "--workspace", str(uuid4())) == []
    assert (await wabase("media", "list", "--state", "sent")).status == 2


# verify


async def test_nothing_differs_where_everything_is_in_its_place(files: StoredFiles) -> None:
    await files.stored()
    await files.put(f"{files.tenant.workspace_id}/outgoing/offer.pdf")
    await files.queued(await files.message(media_status="downloading", media_path=None))
    answer = await wabase("media", "verify", "--workspace", files.tenant.workspace_id)
    assert (answer.status, answer.said) == (0, "2 messages with a file, 2 objects, 1 files read: 0 differences.\n")


async def test_each_difference_is_found_and_none_other_and_nothing_is_changed(files: StoredFiles) -> None:
    await files.stored()
    missing = await files.message()
    short = await files.stored(BYTES[:-1])
    other = await files.stored(BYTES[::-1])
    stuck = await files.message(media_status="downloading", media_path=None)
    twice = await files.stored()
    await files.queued(twice)
    orphan = await files.forgotten(files.path_of(str(uuid4())))
    before = await files.tenant.messages(), await files.objects()
    answer, found = await _verified(files)
    told = {(row["problem"], row["message_id"] or row["path"], row["recorded"], row["found"]) for row in found}
    assert told == {
        ("missing", missing, len(BYTES), None),
        ("size", short, len(BYTES), len(BYTES) - 1),
        ("hash", other, SHA256, hashlib.sha256(BYTES[::-1]).hexdigest()),
        ("stuck", stuck, "downloading", "not queued"),
        ("stuck", twice, "stored", "queued"),
        ("orphan", orphan, None, 3),
    }
    assert (answer.status, len(found)) == (1, 6)
    assert {name: answer.json[name] for name in ("messages", "hashed")} == {"messages": 6, "hashed": 3}
    assert (await files.tenant.messages(), await files.objects()) == before


async def test_differences_are_told_one_a_line(files: StoredFiles) -> None:
    missing = await files.message()
    answer = await wabase("media", "verify", "--workspace", files.tenant.workspace_id)
    assert answer.said.splitlines() == [
        f"missing   {missing}  {files.path_of(missing)}  {len(BYTES)} -> -",
        "1 messages with a file, 0 objects, 0 files read: 1 differences.",
    ]


async def test_without_reading_the_bytes_only_their_number_counts(files: StoredFiles) -> None:
    await files.stored(BYTES[::-1])
    answer, found = await _verified(files, "--sizes-only")
    assert (answer.status, found, answer.json["hashed"]) == (0, [], 0)


async def test_what_lies_in_no_workspaces_folder_has_strayed(files: StoredFiles) -> None:
    stray = await files.forgotten(f"{uuid4()} copy/letter.txt")
    young = f"{uuid4()} copy/letter.txt"
    await files.put(young)
    answer = await wabase("media", "verify", "--sizes-only", "--json")
    told = {row["path"]: row["problem"] for row in answer.json["differences"]}
    assert (answer.status, told.get(stray), told.get(young)) == (1, "stray", None)


async def test_pages_are_walked_to_the_end(
    files: StoredFiles, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.media_verify.PAGE", 2)
    wrong = {await files.stored(BYTES[::-1]) for _ in range(5)}
    told: list[dict[str, Any]] = []
    said: list[tuple[str, int]] = []
    async with connect(project.url, project.service_role_key) as client:
        rpc, bucket = Rpc(client), Files(client, "whatsapp-media")
        workspace = files.tenant.workspace_id
        verdict = await Verifier(
            *(rpc, bucket, workspace),
            hashes=True,
            repair=False,
            tell=told.append,
            count=lambda noun, done: said.append((noun, done)),
        ).verify()
    assert vars(verdict) == {"messages": 5, "objects": 5, "hashed": 5, "differences": 5}
    assert ({row["message_id"] for row in told}, {row["problem"] for row in told}) == (wrong, {"hash"})
    assert said == [(f"{noun} looked at", done) for noun in ("messages", "objects") for done in (2, 4, 5)]


async def test_a_file_deleted_while_it_is_looked_at_is_no_difference(files: StoredFiles, project: Project) -> None:
    deleted, lost, wrong = await files.stored(), await files.stored(), await files.stored(BYTES[::-1])
    told: list[dict[str, Any]] = []

    class Meanwhile(Rpc):
        """Looks, and then somebody deletes a message, its object with it, and another object alone."""

        async def verify_media(self, after: str | None, max_rows: int, workspace_id: str | None = None) -> Any:
            page = await super().verify_media(after, max_rows, workspace_id)
            if await files.tenant.rows("delete from messages where id = %(id)s returning id", id=deleted):
                await files.remove(files.path_of(deleted))
                await files.remove(files.path_of(lost))
            return page

    async with connect(project.url, project.service_role_key) as client:
        bucket, workspace = Files(client, "whatsapp-media"), files.tenant.workspace_id
        await Verifier(
            Meanwhile(client), bucket, workspace, True, False, told.append, lambda _noun, _done: None
        ).verify()
    assert {(row["problem"], row["message_id"]) for row in told} == {("missing", lost), ("hash", wrong)}


async def test_supabase_away_ends_it_with_its_own_status(files: StoredFiles) -> None:
    answer = await wabase("media", "verify", SUPABASE_URL="http://127.0.0.1:9")
    assert (answer.status, answer.said) == (3, "")


async def test_a_file_that_cannot_be_read_is_tried_again_and_then_is_an_error(
    project: Project, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.media_verify.PAUSE", 0.0)
    file = {"workspace_id": "w", "message_id": "m", "path": "a.png", "sha256": SHA256}
    async with serving(answer(503, "busy")) as server, connect(server.url, "key") as client:
        with pytest.raises(Unavailable):
            await differing_bytes(Files(client, "whatsapp-media"), [file])
        assert len(server.requests) == REPEATS + 1


async def test_a_storage_that_is_busy_for_a_moment_is_outlived(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.media_verify.PAUSE", 0.0)
    file = {"workspace_id": "w", "message_id": "m", "path": "a.png", "sha256": SHA256.upper()}
    described = answer(200, {"size": len(BYTES), "content_type": "image/png", "etag": '"1"'})
    async with (
        serving(answer(503, "busy"), described, answer(503, "busy"), described, answer(200, BYTES.decode())) as server,
        connect(server.url, "key") as client,
    ):
        assert await differing_bytes(Files(client, "whatsapp-media"), [file]) == []
        assert len(server.requests) == 5


# retry


@pytest.mark.parametrize(
    "options", [(), ("--state", "stored"), ("4711",), (str(uuid4()), "--state", "failed"), ("--number", "1")]
)
async def test_a_retry_says_what_it_is_about(options: tuple[str, ...]) -> None:
    answer = await wabase("media", "retry", *options)
    assert (answer.status, answer.said) == (2, "")
