"""`wabase media retry` and `verify --repair`: asked for once more, removed, or said to be lost; never twice."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from tests.conftest import Connect, Project
from tests.flows.stored_files import BYTES, StoredFiles
from tests.flows.tenant import Tenant
from tests.ops.conftest import Answer, wabase

LONG_AGO = "2026-01-01"
ENDED = {"media_path": None, "media_size": None}


async def _states(files: StoredFiles) -> dict[str, tuple[str, bool]]:
    """Of each message what it says of its file, and whether that is queued."""
    rows = await files.tenant.rows(
        "select id, media_status, exists (select from media_downloads where message_id = id) as waits"
        " from messages where workspace_id = %(workspace)s"
    )
    return {str(row["id"]): (row["media_status"], row["waits"]) for row in rows}


# retry


async def test_what_ended_badly_is_asked_for_once_more_and_what_has_not_is_said_so(files: StoredFiles) -> None:
    ended = [await files.message(media_status=state, **ENDED) for state in ("failed", "expired", "corrupt")]
    stored, unknown = await files.stored(), str(uuid4())
    answer = await wabase("media", "retry", *ended, ended[0])
    assert (answer.status, answer.said, answer.complained) == (0, "3 files queued once more.\n", "")
    assert await _states(files) == dict.fromkeys(ended, ("pending", True)) | {stored: ("stored", False)}
    refused = await wabase("media", "retry", stored, unknown, ended[0])
    assert (refused.status, refused.said) == (1, "0 files queued once more.\n")
    as_json = await wabase("media", "retry", stored, "--json")
    assert (as_json.status, as_json.json) == (1, {"queued": [], "refused": [stored]})
    told = [line.partition(" is not fetched again. ") for line in refused.complained.splitlines()]
    assert [(before, after[:5]) for before, _, after in told] == [
        (f"Message {stored}", "WA008"),
        (f"Message {unknown}", "WA004"),
        (f"Message {ended[0]}", "WA008"),
    ]


async def test_all_that_ended_so_are_asked_for_once_more(files: StoredFiles, database: Connect) -> None:
    failed = {await files.message(media_status="failed", **ENDED) for _ in range(3)}
    expired = await files.message(media_status="expired", **ENDED)
    theirs = StoredFiles(files.project, files.http, await Tenant.new(database))
    foreign = await theirs.message(media_status="failed", **ENDED)
    answer = await wabase("media", "retry", "--state", "failed", "--number", files.tenant.phone_number_id)
    assert (answer.status, answer.said) == (0, "3 files queued once more.\n")
    assert await _states(files) == dict.fromkeys(failed, ("pending", True)) | {expired: ("expired", False)}
    answer = await wabase("media", "retry", "--state", "failed", "--workspace", theirs.tenant.workspace_id)
    assert (answer.said, await _states(theirs)) == ("1 files queued once more.\n", {foreign: ("pending", True)})


# repair


async def _repaired(files: StoredFiles) -> tuple[Answer, dict[Any, str]]:
    answer = await wabase("media", "verify", "--workspace", files.tenant.workspace_id, "--repair", "--json")
    return answer, {
        (row["problem"], row["message_id"] or row["path"]): row["repair"] for row in answer.json["differences"]
    }


async def test_what_differs_is_put_right_and_a_second_time_nothing_is_changed(
    files: StoredFiles, database: Connect, project: Project, http: httpx.AsyncClient
) -> None:
    theirs = StoredFiles(project, http, await Tenant.new(database))
    untouched = await theirs.forgotten(theirs.path_of(str(uuid4())))
    good = await files.stored()
    missing, lost = await files.message(), await files.message(occurred_at=LONG_AGO)
    short = await files.stored(BYTES[:-1])
    wrong = await files.stored(BYTES[::-1], occurred_at=LONG_AGO)
    stuck, twice = await files.message(media_status="downloading", **ENDED), await files.stored()
    await files.queued(twice)
    orphan, outgoing = files.path_of(str(uuid4())), f"{files.tenant.workspace_id}/outgoing/offer.pdf"
    await files.forgotten(orphan)
    await files.forgotten(outgoing)
    answer, repairs = await _repaired(files)
    assert (answer.status, repairs) == (
        1,
        {
            ("missing", missing): "queued",
            ("missing", lost): "expired",
            ("size", short): "queued",
            ("hash", wrong): "expired",
            ("stuck", stuck): "queued",
            ("stuck", twice): "unqueued",
            ("orphan", orphan): "removed",
        },
    )
    states = await _states(files)
    assert states == {
        **dict.fromkeys((good, twice), ("stored", False)),
        **dict.fromkeys((missing, short, stuck), ("pending", True)),
        **dict.fromkeys((lost, wrong), ("expired", False)),
    }
    assert (await files.tenant.message(lost))["media_error"]["code"] == "lost"
    # What is wrong and queued is overwritten when it comes; nobody is shown it until then.
    objects = sorted([*map(files.path_of, (good, twice, short)), outgoing])
    assert await files.objects() == objects
    again, repairs = await _repaired(files)
    assert (again.status, repairs, await _states(files), await files.objects()) == (0, {}, states, objects)
    assert await theirs.objects() == [untouched]


async def test_each_repair_is_told(files: StoredFiles) -> None:
    missing, orphan = await files.message(), await files.forgotten(files.path_of(str(uuid4())))
    answer = await wabase("media", "verify", "--workspace", files.tenant.workspace_id, "--repair")
    assert (answer.status, answer.said.splitlines()) == (
        1,
        [
            f"missing   {missing}  {files.path_of(missing)}  {len(BYTES)} -> -  queued",
            f"orphan    {'-':<36}  {orphan}  - -> 3  removed",
            "1 messages with a file, 1 objects, 0 files read: 2 differences.",
        ],
    )
