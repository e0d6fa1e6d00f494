"""A file that somebody has taken out of the bucket, or put another in its place: found, fetched anew, proven."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import Project
from tests.flows.pictures import PICTURE, objects_of, receive_picture, until_media
from tests.flows.shop import Shop
from tests.flows.stored_files import StoredFiles
from tests.ops.conftest import wabase

pytestmark = pytest.mark.usefixtures("worker")


@pytest.mark.parametrize("harm", ["removed", "replaced"])
async def test_a_file_that_came_to_harm_is_fetched_anew(
    harm: str, shop: Shop, project: Project, http: httpx.AsyncClient
) -> None:
    files = StoredFiles(project, http, shop.tenant)
    message = await until_media(shop, await receive_picture(shop), "stored")
    path = message["media_path"]
    if harm == "removed":
        await files.remove(path)
    else:
        await files.put(path, PICTURE[::-1])
    look = ("media", "verify", "--workspace", shop.tenant.workspace_id)
    assert (await wabase(*look)).status == 1
    repaired = await wabase(*look, "--repair")
    assert (repaired.status, repaired.said.splitlines()[0].rsplit(maxsplit=1)[1]) == (1, "queued")
    again = await until_media(shop, message, "stored")
    assert (again["media_path"], await objects_of(shop)) == (path, [path])
    clean = await wabase(*look)
    assert (clean.status, clean.said) == (0, "1 messages with a file, 1 objects, 1 files read: 0 differences.\n")
