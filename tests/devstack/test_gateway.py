"""The gateway treats keys as a hosted project's does, and PostgREST behind it is the real one."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from functools import partial

import httpx
import jwt
import pytest

from tests.conftest import Connect, Project
from tests.devstack.conftest import eventually


@pytest.fixture
async def whoami(project: Project, database: Connect, http: httpx.AsyncClient) -> AsyncIterator[str]:
    """A function that tells the role it is called with, at its address."""
    name = f"whoami_{secrets.token_hex(4)}"
    async with database() as connection:
        await connection.execute(
            f"create function public.{name}() returns text language sql stable return current_user"
        )
        await connection.execute(f"grant execute on function public.{name} to anon, authenticated, service_role")
        url = f"{project.url}/rest/v1/rpc/{name}"

        async def known() -> bool:
            """Nobody asked PostgREST to reload: the event trigger does."""
            answer = await http.get(url, headers={"apikey": project.anon_key})
            return answer.status_code == 200

        await eventually(known, within=30)
        yield url
        await connection.execute(f"drop function public.{name}")


def user_token(project: Project, **claims: object) -> str:
    everything = {"role": "authenticated", "sub": secrets.token_hex(8), "exp": time.time() + 60, **claims}
    return jwt.encode(everything, project.jwt_secret, algorithm="HS256")


@pytest.mark.parametrize(
    ("key", "role"),
    [
        ("anon_key", "anon"),
        ("publishable_key", "anon"),
        ("service_role_key", "service_role"),
        ("secret_key", "service_role"),
    ],
)
async def test_each_key_has_its_role_wherever_it_is_sent(
    key: str, role: str, whoami: str, project: Project, http: httpx.AsyncClient
) -> None:
    value = getattr(project, key)
    for headers, query in (
        ({"apikey": value}, {}),
        ({"apikey": value, "Authorization": f"Bearer {value}"}, {}),
        ({"Authorization": f"Bearer {value}"}, {}),
        ({}, {"apikey": value}),
    ):
        answer = await http.get(whoami, headers=headers, params=query)
        assert (answer.status_code, answer.json()) == (200, role)


async def test_a_users_token_decides_over_the_key_beside_it(
    whoami: str, project: Project, http: httpx.AsyncClient
) -> None:
    for key in (project.publishable_key, project.secret_key):
        answer = await http.get(whoami, headers=project.headers(key, user_token(project)))
        assert answer.json() == "authenticated"


async def test_no_key_and_unknown_keys_are_refused_in_the_gateways_words(
    whoami: str, project: Project, http: httpx.AsyncClient
) -> None:
    nothing = await http.get(whoami)
    assert (nothing.status_code, nothing.json()["message"]) == (401, "No API key found in request")
    for key in ("sb_secret_unknown", "sb_publishable_unknown", "eyJ.a.b", user_token(project)):
        unknown = await http.get(whoami, headers={"apikey": key})
        assert (unknown.status_code, unknown.json()["message"]) == (401, "Invalid API key")


async def test_a_users_token_alone_is_no_key(whoami: str, project: Project, http: httpx.AsyncClient) -> None:
    answer = await http.get(whoami, headers={"Authorization": f"Bearer {user_token(project)}"})
    assert (answer.status_code, answer.json()["message"]) == (401, "No API key found in request")


async def test_a_secret_key_from_a_browser_is_refused(whoami: str, project: Project, http: httpx.AsyncClient) -> None:
    browser = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64)"}
    assert (await http.get(whoami, headers={"apikey": project.secret_key, **browser})).status_code == 401
    assert (await http.get(whoami, headers={"apikey": project.publishable_key, **browser})).status_code == 200


async def test_an_expired_token_is_postgrests_to_refuse(whoami: str, project: Project, http: httpx.AsyncClient) -> None:
    token = user_token(project, exp=time.time() - 3600)
    answer = await http.get(whoami, headers=project.headers(project.publishable_key, token))
    assert (answer.status_code, answer.json()["message"]) == (401, "JWT expired")


async def test_a_forged_token_does_not_reach_a_service(project: Project, http: httpx.AsyncClient) -> None:
    forged = jwt.encode({"role": "service_role", "exp": time.time() + 60}, "x" * 40, algorithm="HS256")
    headers = project.headers(project.publishable_key, forged)
    assert (await http.get(f"{project.url}/storage/v1/bucket", headers=headers)).status_code == 400
    assert (await http.get(f"{project.url}/auth/v1/user", headers=headers)).status_code == 403


async def test_a_browser_from_anywhere_may_ask(whoami: str, project: Project, http: httpx.AsyncClient) -> None:
    asked = {
        "Origin": "http://localhost:5173",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "apikey,authorization,x-client-info",
    }
    preflight = await http.options(whoami, headers=asked)
    assert preflight.status_code == 200
    assert preflight.headers["Access-Control-Allow-Origin"] == "*"
    assert "apikey" in preflight.headers["Access-Control-Allow-Headers"]
    answer = await http.get(whoami, headers={"apikey": project.anon_key, "Origin": "http://localhost:5173"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_unknown_paths_are_not_found(project: Project, http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{project.url}/elsewhere/v1", headers={"apikey": project.anon_key})
    assert (answer.status_code, answer.json()["message"]) == (404, "no Route matched with those values")


async def test_large_bodies_pass_both_ways_unchanged(
    project: Project, database: Connect, http: httpx.AsyncClient
) -> None:
    name = f"echo_{secrets.token_hex(4)}"
    async with database() as connection:
        await connection.execute(
            f"create function public.{name}(body text) returns text language sql immutable return body"
        )
        await connection.execute(f"grant execute on function public.{name} to service_role")
        text = secrets.token_hex(2_000_000)
        url = f"{project.url}/rest/v1/rpc/{name}"

        async def echoed() -> bool:
            answer = await http.post(url, headers={"apikey": project.secret_key}, json={"body": text})
            return answer.status_code == 200 and answer.json() == text

        await eventually(echoed, within=10)
        await connection.execute(f"drop function public.{name}")


async def test_filters_reach_postgrest_as_they_were_written(
    project: Project, database: Connect, http: httpx.AsyncClient
) -> None:
    table = f"signs_{secrets.token_hex(4)}"
    async with database() as connection:
        await connection.execute(f"create table public.{table} (sign text); grant select on public.{table} to anon")
        await connection.execute(f"insert into public.{table} values ('a&b=c'), ('100%'), ('שלום'), ('x+y')")

        async def found(sign: str) -> bool:
            answer = await http.get(
                f"{project.url}/rest/v1/{table}",
                headers={"apikey": project.anon_key},
                params={"select": "sign", "sign": f"eq.{sign}"},
            )
            return answer.status_code == 200 and answer.json() == [{"sign": sign}]

        for sign in ("a&b=c", "100%", "שלום", "x+y"):
            await eventually(partial(found, sign), within=30)
        await connection.execute(f"drop table public.{table}")
