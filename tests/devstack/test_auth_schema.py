"""What migrations and policies find in schema auth."""

from __future__ import annotations

import json
import uuid

import psycopg
import pytest

from tests.conftest import Connect


async def test_identity_functions_read_the_claims_and_prefer_the_older_form(database: Connect) -> None:
    sub, older = uuid.uuid4(), uuid.uuid4()
    claims = {"sub": str(sub), "role": "authenticated", "email": "noa@example.com"}
    query = "select auth.uid() as uid, auth.role() as role, auth.email() as email, auth.jwt() as jwt"
    async with database() as connection, connection.transaction():
        cursor = await connection.execute(query)
        assert await cursor.fetchone() == {"uid": None, "role": None, "email": None, "jwt": None}
        await connection.execute("select set_config('request.jwt.claims', %s, true)", [json.dumps(claims)])
        cursor = await connection.execute(query)
        assert await cursor.fetchone() == {
            "uid": sub,
            "role": "authenticated",
            "email": "noa@example.com",
            "jwt": claims,
        }
        await connection.execute("select set_config('request.jwt.claim.sub', %s, true)", [str(older)])
        cursor = await connection.execute("select auth.uid() as uid")
        assert await cursor.fetchone() == {"uid": older}


async def test_api_roles_ask_who_they_are_but_see_no_user(database: Connect) -> None:
    async with database() as connection:
        for role in ("anon", "authenticated", "service_role"):
            async with connection.transaction(force_rollback=True):
                await connection.execute(psycopg.sql.SQL("set local role {}").format(psycopg.sql.Identifier(role)))
                await connection.execute("select auth.uid(), auth.jwt()")
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    async with connection.transaction():
                        await connection.execute("select * from auth.users")


async def test_migrations_may_reference_users_and_hang_triggers_on_them(database: Connect) -> None:
    async with database() as connection, connection.transaction(force_rollback=True):
        await connection.execute("create schema trial")
        await connection.execute(
            "create table trial.profile (id uuid primary key references auth.users on delete cascade)"
        )
        await connection.execute(
            """
            create function trial.greet() returns trigger language plpgsql as $$
            begin
              insert into trial.profile values (new.id);
              return new;
            end $$
            """
        )
        await connection.execute(
            "create trigger greet after insert on auth.users for each row execute function trial.greet()"
        )
        user = uuid.uuid4()
        await connection.execute("insert into auth.users (id, email) values (%s, %s)", [user, f"{user}@example.com"])
        cursor = await connection.execute("select id from trial.profile")
        assert await cursor.fetchall() == [{"id": user}]


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine (id int)",
        "create function auth.mine() returns int language sql as 'select 1'",
        "alter table auth.users add column mine int",
        "alter table auth.users disable row level security",
    ],
)
async def test_migrations_change_nothing_in_schema_auth(database: Connect, statement: str) -> None:
    async with database() as connection, connection.transaction(force_rollback=True):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with connection.transaction():
                await connection.execute(statement.encode())
