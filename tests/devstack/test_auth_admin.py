"""What the secret key does to users, as supabase-py asks for it."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from supabase_auth.errors import AuthApiError

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


async def test_admin_creates_lists_changes_and_deletes_users(admin: AsyncClient) -> None:
    email = new_email()
    created = await admin.auth.admin.create_user(
        {"email": email, "password": PASSWORD, "email_confirm": True, "app_metadata": {"plan": "pro"}}
    )
    assert created.user.app_metadata == {"provider": "email", "providers": ["email"], "plan": "pro"}
    assert created.user.id in [user.id for user in await admin.auth.admin.list_users(page=1, per_page=5)]
    changed = await admin.auth.admin.update_user_by_id(created.user.id, {"user_metadata": {"city": "Akko"}})
    assert changed.user.user_metadata["city"] == "Akko"
    await admin.auth.admin.delete_user(created.user.id)
    with pytest.raises(AuthApiError) as refusal:
        await admin.auth.admin.get_user_by_id(created.user.id)
    assert (refusal.value.status, refusal.value.code) == (404, "user_not_found")


async def test_pages_of_users_do_not_overlap(admin: AsyncClient) -> None:
    for _ in range(3):
        await admin.auth.admin.create_user({"email": new_email(), "password": PASSWORD})
    pages = [await admin.auth.admin.list_users(page=page, per_page=1) for page in (1, 2, 3)]
    assert len({user.id for page in pages for user in page}) == 3


async def test_address_taken_by_another_user_is_refused_to_the_admin_too(person: Person, admin: AsyncClient) -> None:
    with pytest.raises(AuthApiError) as refusal:
        await admin.auth.admin.create_user({"email": person.email, "password": PASSWORD})
    assert (refusal.value.status, refusal.value.code) == (422, "email_exists")


async def test_nobody_but_the_secret_key_is_admin(person: Person, visitor: AsyncClient) -> None:
    for client in (person.client, visitor):
        with pytest.raises(AuthApiError) as refusal:
            await client.auth.admin.list_users()
        assert (refusal.value.status, refusal.value.code) == (403, "not_admin")


async def test_user_created_without_confirmation_cannot_sign_in_until_confirmed(
    admin: AsyncClient, visitor: AsyncClient
) -> None:
    email = new_email()
    created = await admin.auth.admin.create_user({"email": email, "password": PASSWORD})
    with pytest.raises(AuthApiError) as refusal:
        await visitor.auth.sign_in_with_password({"email": email, "password": PASSWORD})
    assert refusal.value.code == "email_not_confirmed"
    await admin.auth.admin.update_user_by_id(created.user.id, {"email_confirm": True})
    assert (await visitor.auth.sign_in_with_password({"email": email, "password": PASSWORD})).session


async def test_banned_user_neither_signs_in_nor_refreshes_until_the_ban_is_lifted(
    person: Person, admin: AsyncClient, visitor: AsyncClient
) -> None:
    await admin.auth.admin.update_user_by_id(person.id, {"ban_duration": "1h30m"})
    with pytest.raises(AuthApiError) as refusal:
        await visitor.auth.sign_in_with_password({"email": person.email, "password": PASSWORD})
    assert refusal.value.code == "user_banned"
    with pytest.raises(AuthApiError) as refusal:
        await person.client.auth.refresh_session(person.session.refresh_token)
    assert refusal.value.code == "user_banned"
    await admin.auth.admin.update_user_by_id(person.id, {"ban_duration": "none"})
    assert (await visitor.auth.sign_in_with_password({"email": person.email, "password": PASSWORD})).session


async def test_user_seeded_by_sql_signs_in_and_the_smallest_row_is_a_user(
    database: Connect, visitor: AsyncClient, admin: AsyncClient
) -> None:
    seeded, smallest = new_email(), uuid.uuid4()
    async with database() as connection:
        await connection.execute(
            """
            insert into auth.users (id, aud, role, email, encrypted_password, email_confirmed_at)
            values (gen_random_uuid(), 'authenticated', 'authenticated', %s,
              extensions.crypt(%s, extensions.gen_salt('bf')), now())
            """,
            [seeded, PASSWORD],
        )
        await connection.execute(
            "insert into auth.users (id, email) values (%s, %s)", [smallest, f"{smallest}@example.com"]
        )
    assert (await visitor.auth.sign_in_with_password({"email": seeded, "password": PASSWORD})).session
    assert (await admin.auth.admin.get_user_by_id(str(smallest))).user.email == f"{smallest}@example.com"
