"""What a call leaves in memory once its answer has been read."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import httpx
import pytest

from store.connect import connect
from tests.conftest import Project
from worker.clients import provider_http

pytestmark = pytest.mark.usefixtures("collector_off")
ALIVE = "/rest/v1/conversations?select=id&limit=1"


@pytest.fixture
def collector_off() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


async def test_what_went_out_is_let_go_with_its_answer_and_not_when_the_collector_comes(project: Project) -> None:
    headers = {"apikey": project.service_role_key, "Authorization": f"Bearer {project.service_role_key}"}
    async with connect(project.url, project.service_role_key) as supabase, provider_http() as provider:
        for http in (supabase, provider):
            request = http.build_request("GET", project.url + ALIVE, headers=headers)
            answer = await http.send(request)
            seen = weakref.ref(request), weakref.ref(answer)
            assert (answer.status_code, isinstance(answer.json(), list)) == (200, True)
            del request, answer
            assert [thing() for thing in seen] == [None, None]


async def test_an_answer_that_is_streamed_comes_as_it_comes_and_is_let_go_too(project: Project) -> None:
    async with connect(project.url, project.service_role_key) as http:
        async with http.stream("GET", ALIVE) as answer:
            assert not answer.is_stream_consumed
            assert isinstance(httpx.Response(200, content=await answer.aread()).json(), list)
        seen = weakref.ref(answer)
        del answer
        assert seen() is None
