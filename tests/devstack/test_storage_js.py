"""Storage as supabase-js uses it: js/storage.mjs plays through everything, each test looks at one step of it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import Connect, Project
from tests.devstack.storage_buckets import own_bucket
from tests.devstack.supabase_clients import run_node


@pytest.fixture(scope="module")
async def saw(project: Project, database: Connect) -> dict[str, Any]:
    async with own_bucket(project, database) as bucket, own_bucket(project, database, public=True) as public:
        return await run_node("storage.mjs", BUCKET=bucket, PUBLIC_BUCKET=public)


@pytest.mark.parametrize(
    ("step", "content"),
    [
        ("download", "raw text"),
        ("blob", "a blob"),
        ("stream", "a stream"),
        ("download as stream", "raw text"),
        ("upsert", "upserted"),
        ("update", "updated"),
        ("signed upload", "sent by link"),
        ("moved", "a blob"),
        ("public url", "for all"),
    ],
)
def test_bytes_come_back_as_they_went(saw: dict[str, Any], step: str, content: str) -> None:
    assert saw[step] == content


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("second upload", "409"),
        ("refused upload", "403"),
        ("anon upload", "403"),
        ("forbidden key", "400"),
        ("unknown bucket", "404"),
        ("unseen download", "404"),
        ("unseen sign", "404"),
        ("signed upload again", "409"),
        ("too large", "413"),
        ("wrong type", "415"),
        ("delete full bucket", "409"),
        ("deleted bucket", "404"),
        ("user makes bucket", "403"),
    ],
)
def test_refusal_is_a_code_inside_a_400(saw: dict[str, Any], step: str, code: str) -> None:
    assert saw[step] == {"status": 400, "code": code}


def test_upload_answers_with_path_and_id(saw: dict[str, Any]) -> None:
    assert saw["upload"] == {"fullPath": True, "id": True}


def test_info_and_existence(saw: dict[str, Any]) -> None:
    assert saw["info"] == {
        "size": 7,
        "contentType": "text/plain",
        "metadata": {"source": "camera"},
        "name": True,
    }
    assert saw["exists"] == [True, False]


def test_signed_urls_open_without_a_key(saw: dict[str, Any]) -> None:
    assert saw["signed url"] == {
        "text": "updated",
        "disposition": "attachment; filename=b.txt; filename*=UTF-8''b.txt;",
    }
    assert saw["signed urls"]["text"] == "updated"
    assert saw["signed urls"]["missing"].startswith("Either the object does not exist")


def test_list_shows_files_and_folders_to_who_may_see_them(saw: dict[str, Any]) -> None:
    assert saw["list"] == [
        ["stream.txt", False],
        ["link.txt", False],
        ["folder", True],
        ["blob.txt", False],
    ]
    assert saw["stranger list"] == []
    assert saw["list v2"] == {"hasNext": True, "folders": 1, "objects": 1}


def test_move_copy_and_remove(saw: dict[str, Any]) -> None:
    assert saw["move"] is None
    assert saw["copy"] is True
    assert saw["stranger remove"] == []
    assert saw["remove"] == [True]


def test_bucket_is_made_changed_and_deleted(saw: dict[str, Any]) -> None:
    assert saw["bucket"] is True
    assert saw["bucket changed"] == [True, None]
    assert saw["delete bucket"] is None
