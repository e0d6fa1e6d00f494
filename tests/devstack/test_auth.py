"""Auth as supabase-py uses it. The same with supabase-js stands in test_auth_js.py."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import httpx
import jwt
import pytest
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from supabase import AsyncClient
from tests.conftest import Connect, Project
from tests.devstack.supabase_clients import PASSWORD, Person, new_email, signed_up, supabase


@pytest.fixture
async def person(project: Project) -> AsyncIterator[Person]:
    async with signed_up(project, nickname="Noa") as person:
        yield person


@pytest.fixture
async def visitor(project: Project) -> AsyncIterator[AsyncClient]:
    async with supabase(project.url, project.anon_key) as client:
        yield client


@pytest.fixture
async def admin(project: Project) -> AsyncIterator[AsyncClient]:
    async with supabase(project.url, project.service_role_key) as client:
        yield client


async def test_sign_up_answers_with_a_session_whose_token_carries_the_claims_of_a_hosted_project(
    person: Person, project: Project
) -> None:
    claims = jwt.decode(person.session.access_token, options={"verify_signature": False})
    assert claims["iss"] == f"{project.url}/auth/v1"
    assert claims["sub"] == person.id
    assert (claims["aud"], claims["role"], claims["aal"]) == ("authenticated", "authenticated", "aal1")
    assert (claims["email"], claims["phone"], claims["is_anonymous"]) == (person.email, "", False)
    assert claims["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert claims["user_metadata"]["nickname"] == "Noa"
    assert claims["exp"] - claims["iat"] == 3600
    assert uuid.UUID(claims["session_id"])
    assert claims["amr"][0]["method"] == "password"


async def test_a_signed_up_person_has_a_confirmed_row_with_an_identity(person: Person, database: Connect) -> None:
    async with database() as connection:
        cursor = await connection.execute(
            """
            select aud, role, email, confirmed_at is not null as confirmed, encrypted_password ^@ '$2a$' as bcrypt,
              (select provider from auth.identities where user_id = users.id) as provider
            from auth.users where id = %s
            """,
            [person.id],
        )
        assert await cursor.fetchone() == {
            "aud": "authenticated",
            "role": "authenticated",
            "email": person.email,
            "confirmed": True,
            "bcrypt": True,
            "provider": "email",
        }


async def test_second_sign_up_with_an_address_is_refused(person: Person, visitor: AsyncClient) -> None:
    with pytest.raises(AuthApiError) as refusal:
        await visitor.auth.sign_up({"email": person.email.upper(), "password": PASSWORD})
    assert (refusal.value.status, refusal.value.code) == (422, "user_already_exists")


async def test_short_password_is_refused_with_its_reason(visitor: AsyncClient) -> None:
    with pytest.raises(AuthWeakPasswordError) as refusal:
        await visitor.auth.sign_up({"email": new_email(), "password": "short"})
    assert refusal.value.reasons == ["length"]


async def test_sign_up_with_something_that_is_no_address_is_refused(visitor: AsyncClient) -> None:
    with pytest.raises(AuthApiError) as refusal:
        await visitor.auth.sign_up({"email": "nobody", "password": PASSWORD})
    assert (refusal.value.status, refusal.value.code) == (400, "validation_failed")


async def test_anonymous_sign_in_is_switched_off(visitor: AsyncClient) -> None:
    with pytest.raises(AuthApiError) as refusal:
        await visitor.auth.sign_in_anonymously()
    assert refusal.value.code == "anonymous_provider_disabled"


async def test_sign_in_opens_another_session(person: Person, visitor: AsyncClient) -> None:
    answer = await visitor.auth.sign_in_with_password({"email": person.email, "password": PASSWORD})
    assert answer.session and answer.user
    assert answer.user.id == person.id
    assert answer.session.refresh_token != person.session.refresh_token
    assert answer.user.last_sign_in_at


async def test_wrong_password_and_unknown_address_get_the_same_answer(person: Person, visitor: AsyncClient) -> None:
    for email, password in ((person.email, "wrong password"), (new_email(), PASSWORD)):
        with pytest.raises(AuthApiError) as refusal:
            await visitor.auth.sign_in_with_password({"email": email, "password": password})
        assert (refusal.value.status, refusal.value.code) == (400, "invalid_credentials")


async def test_refresh_token_is_exchanged_for_a_new_pair(person: Person) -> None:
    answer = await person.client.auth.refresh_session(person.session.refresh_token)
    assert answer.session and answer.user
    assert answer.session.refresh_token != person.session.refresh_token
    assert answer.user.id == person.id
    former, current = (
        jwt.decode(token, options={"verify_signature": False})
        for token in (person.session.access_token, answer.session.access_token)
    )
    assert former["session_id"] == current["session_id"]


async def test_the_token_before_the_current_one_gets_the_current_one_again(person: Person) -> None:
    first = await person.client.auth.refresh_session(person.session.refresh_token)
    again = await person.client.auth.refresh_session(person.session.refresh_token)
    assert first.session and again.session
    assert again.session.refresh_token == first.session.refresh_token


async def test_reuse_of_an_old_refresh_token_is_refused_and_ends_the_session(person: Person, database: Connect) -> None:
    second = await person.client.auth.refresh_session(person.session.refresh_token)
    assert second.session
    third = await person.client.auth.refresh_session(second.session.refresh_token)
    assert third.session
    async with database() as connection:  # let the ten seconds of grace be over
        await connection.execute(
            "update auth.refresh_tokens set updated_at = now() - interval '1 minute' where token = %s",
            [person.session.refresh_token],
        )
    for token in (person.session.refresh_token, third.session.refresh_token):
        with pytest.raises(AuthApiError) as refusal:
            await person.client.auth.refresh_session(token)
        assert (refusal.value.status, refusal.value.code) == (400, "refresh_token_already_used")
        async with database() as connection:
            await connection.execute(
                "update auth.refresh_tokens set updated_at = now() - interval '1 minute' where user_id = %s",
                [person.id],
            )


async def test_unknown_refresh_token_is_refused(visitor: AsyncClient) -> None:
    with pytest.raises(AuthApiError) as refusal:
        await visitor.auth.refresh_session("unknown")
    assert (refusal.value.status, refusal.value.code) == (400, "refresh_token_not_found")


async def test_user_updates_data_and_password(person: Person, visitor: AsyncClient) -> None:
    answer = await person.client.auth.update_user({"data": {"nickname": None, "city": "Haifa"}})
    assert "nickname" not in answer.user.user_metadata
    assert answer.user.user_metadata["city"] == "Haifa"
    await person.client.auth.update_user({"password": "another password"})
    signed_in = await visitor.auth.sign_in_with_password({"email": person.email, "password": "another password"})
    assert signed_in.user and signed_in.user.id == person.id


async def test_the_same_password_again_is_refused(person: Person) -> None:
    with pytest.raises(AuthApiError) as refusal:
        await person.client.auth.update_user({"password": PASSWORD})
    assert (refusal.value.status, refusal.value.code) == (422, "same_password")


async def test_sign_out_ends_the_session_for_refresh_and_for_the_access_token(person: Person) -> None:
    await person.client.auth.sign_out()
    with pytest.raises(AuthApiError) as refusal:
        await person.client.auth.refresh_session(person.session.refresh_token)
    assert (refusal.value.status, refusal.value.code) == (400, "refresh_token_not_found")
    with pytest.raises(AuthApiError) as refusal:
        await person.client.auth.get_user(person.session.access_token)
    assert (refusal.value.status, refusal.value.code) == (403, "session_not_found")


async def test_sign_out_of_others_keeps_this_session(person: Person, visitor: AsyncClient) -> None:
    elsewhere = await visitor.auth.sign_in_with_password({"email": person.email, "password": PASSWORD})
    assert elsewhere.session
    await person.client.auth.sign_out({"scope": "others"})
    with pytest.raises(AuthApiError):
        await visitor.auth.refresh_session(elsewhere.session.refresh_token)
    assert (await person.client.auth.refresh_session(person.session.refresh_token)).session


async def test_errors_without_an_api_version_have_the_older_form(project: Project, http: httpx.AsyncClient) -> None:
    answer = await http.post(
        f"{project.url}/auth/v1/token?grant_type=password",
        headers={"apikey": project.anon_key},
        json={"email": new_email(), "password": PASSWORD},
    )
    assert answer.status_code == 400
    assert answer.json() == {
        "code": 400,
        "error_code": "invalid_credentials",
        "msg": "Invalid login credentials",
    }


async def test_user_endpoint_wants_a_user(project: Project, http: httpx.AsyncClient) -> None:
    for token in (project.anon_key, "ey.not.jwt"):
        headers = {"apikey": project.anon_key, "Authorization": f"Bearer {token}"}
        answer = await http.get(f"{project.url}/auth/v1/user", headers=headers)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "bad_jwt")


async def test_service_says_who_it_is_and_that_keys_are_secret(project: Project, http: httpx.AsyncClient) -> None:
    headers = {"apikey": project.anon_key}
    health = await http.get(f"{project.url}/auth/v1/health", headers=headers)
    settings = await http.get(f"{project.url}/auth/v1/settings", headers=headers)
    keys = await http.get(f"{project.url}/auth/v1/.well-known/jwks.json")
    assert health.json()["name"] == "GoTrue"
    assert settings.json()["mailer_autoconfirm"] is True
    assert keys.json() == {"keys": []}
