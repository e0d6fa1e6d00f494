"""Objects out of Storage for good: in sets, without a word about what was not there."""

from __future__ import annotations

import uuid

import httpx
import pytest

from store.connect import connect
from store.errors import Denied, Missing, Rejected, StoreError, Unavailable
from store.files import Files
from tests.conftest import Project
from tests.whatsapp.scripted import Answer, answer, serving


async def test_a_set_of_objects_goes_in_one_call(project: Project, http: httpx.AsyncClient) -> None:
    folder = f"{uuid.uuid4()}/outgoing"
    headers = project.headers(project.service_role_key) | {"content-type": "image/jpeg"}
    for name in ("a.jpg", "b c.jpg", "kept.jpg"):
        address = f"{project.url}/storage/v1/object/whatsapp-media/{folder}/{name}"
        assert (await http.post(address, content=b"a picture", headers=headers)).status_code == 200
    async with connect(project.url, project.service_role_key) as client:
        files = Files(client, "whatsapp-media")
        wanted = [f"{folder}/{name}" for name in ("a.jpg", "b c.jpg", "none.jpg")]
        assert await files.remove(wanted) == set(wanted[:2])
        assert await files.remove(wanted) == set()
        with pytest.raises(Missing):
            await files.describe(wanted[0])
        assert (await files.describe(f"{folder}/kept.jpg")).size == 9


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (answer(400, {"statusCode": "404", "error": "Bucket not found", "message": "Bucket not found"}), Rejected),
        (answer(403, {"statusCode": "403", "error": "Unauthorized", "message": "x"}), Denied),
        (answer(503, "<html>"), Unavailable),
        (answer(200, "<html>"), Unavailable),
        (answer(200, {}), Unavailable),
    ],
)
async def test_every_trouble_is_the_stores_error(said: Answer, expected: type[StoreError]) -> None:
    async with serving(said) as server, connect(server.url, "key") as http:
        with pytest.raises(expected):
            await Files(http, "bucket").remove(["a"])
        assert server.requests[0][0].startswith("DELETE /storage/v1/object/bucket ")
