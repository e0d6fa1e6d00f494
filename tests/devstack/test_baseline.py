"""What a new hosted project has before its first migration (after October 2026), seen by role `postgres`.

Not here: safeupdate, which on hosted refuses UPDATE and DELETE without WHERE through the Data API, is in no registry.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.rows import DictRow, dict_row

from tests.devstack.conftest import SHOW_AND_WAIT, OwnStack, devstack

Connection = psycopg.AsyncConnection[DictRow]
API_ROLES = ("anon", "authenticated", "service_role")


@pytest.fixture(scope="module")
async def bare_url(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """A database that no migration has touched."""
    folder = tmp_path_factory.mktemp("bare")
    (folder / "supabase" / "migrations").mkdir(parents=True)
    process = await devstack("run", "--", *SHOW_AND_WAIT, env={"SUPABASE_WORKDIR": str(folder)})
    stack = await OwnStack.told_by(process)
    yield stack.environment["SUPABASE_DB_URL"]
    await stack.end()


@pytest.fixture
async def postgres(bare_url: str) -> AsyncIterator[Connection]:
    """Role postgres in a transaction that leaves nothing."""
    connection = await psycopg.AsyncConnection.connect(bare_url, autocommit=True, row_factory=dict_row)
    async with connection, connection.transaction(force_rollback=True):
        yield connection


async def value(connection: Connection, query: str, *parameters: object) -> object:
    row = await (await connection.execute(query.encode(), parameters)).fetchone()
    assert row is not None
    return next(iter(row.values()))


@pytest.mark.parametrize(
    ("role", "attributes"),
    [
        (
            "postgres",
            {"super": False, "login": True, "createdb": True, "createrole": True, "bypassrls": True},
        ),
        ("anon", {"super": False, "login": False, "inherit": True, "bypassrls": False}),
        ("authenticated", {"super": False, "login": False, "inherit": True, "bypassrls": False}),
        ("service_role", {"super": False, "login": False, "inherit": True, "bypassrls": True}),
        ("authenticator", {"super": False, "login": True, "inherit": False, "bypassrls": False}),
        ("supabase_admin", {"super": True, "login": True}),
        ("supabase_auth_admin", {"super": False, "login": True, "inherit": False, "createrole": False}),
        ("supabase_storage_admin", {"super": False, "login": True, "inherit": False}),
        ("supabase_realtime_admin", {"super": False, "login": True, "inherit": False, "replication": True}),
    ],
)
async def test_roles_have_their_attributes(role: str, attributes: dict[str, bool], postgres: Connection) -> None:
    row = await (await postgres.execute("select * from pg_roles where rolname = %s", [role])).fetchone()
    assert row is not None
    catalog = {"login": "rolcanlogin"}
    assert attributes == {name: row[catalog.get(name, f"rol{name}")] for name in attributes}


async def test_the_api_roles_have_their_timeouts(postgres: Connection) -> None:
    rows = await (
        await postgres.execute(
            "select rolname, option from pg_roles, unnest(rolconfig) option where option like 'statement_timeout%'"
        )
    ).fetchall()
    assert {row["rolname"]: row["option"] for row in rows} == {
        "anon": "statement_timeout=3s",
        "authenticated": "statement_timeout=8s",
        "authenticator": "statement_timeout=8s",
    }


async def test_postgres_may_change_the_api_roles_but_not_the_authenticator(postgres: Connection) -> None:
    await postgres.execute("alter role service_role set statement_timeout = '60s'")
    await postgres.execute("grant usage on schema public to service_role")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await postgres.execute("alter role supabase_admin set statement_timeout = '1s'")


async def test_a_new_table_gives_the_api_roles_no_rows(postgres: Connection) -> None:
    await postgres.execute("create table public.fresh (id int primary key)")
    for role in API_ROLES:
        granted = {
            privilege
            for privilege in (
                "SELECT",
                "INSERT",
                "UPDATE",
                "DELETE",
                "TRUNCATE",
                "REFERENCES",
                "TRIGGER",
                "MAINTAIN",
            )
            if await value(postgres, "select has_table_privilege(%s, 'public.fresh', %s)", role, privilege)
        }
        assert granted == {"TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}


async def test_a_new_sequence_keeps_update_only(postgres: Connection) -> None:
    await postgres.execute("create sequence public.fresh")
    for role in API_ROLES:
        granted = [
            privilege
            for privilege in ("SELECT", "USAGE", "UPDATE")
            if await value(postgres, "select has_sequence_privilege(%s, 'public.fresh', %s)", role, privilege)
        ]
        assert granted == ["UPDATE"]


async def test_a_new_function_is_executable_through_public(postgres: Connection) -> None:
    await postgres.execute("create function public.fresh() returns int language sql return 1")
    assert await value(postgres, "select has_function_privilege('anon', 'public.fresh()', 'EXECUTE')")
    await postgres.execute("revoke execute on function public.fresh() from public")
    for role in API_ROLES:
        assert not await value(postgres, "select has_function_privilege(%s, 'public.fresh()', 'EXECUTE')", role)


async def test_only_the_global_revoke_takes_public_away(postgres: Connection) -> None:
    await postgres.execute("alter default privileges in schema public revoke execute on functions from public")
    await postgres.execute("create function public.fresh() returns int language sql return 1")
    assert await value(postgres, "select has_function_privilege('anon', 'public.fresh()', 'EXECUTE')")
    await postgres.execute("alter default privileges revoke execute on functions from public")
    await postgres.execute("create function public.fresher() returns int language sql return 1")
    assert not await value(postgres, "select has_function_privilege('anon', 'public.fresher()', 'EXECUTE')")


async def test_the_realtime_publication_belongs_to_postgres(postgres: Connection) -> None:
    row = await (
        await postgres.execute(
            "select pg_get_userbyid(pubowner) as owner, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate "
            "from pg_publication where pubname = 'supabase_realtime'"
        )
    ).fetchone()
    assert row is not None
    assert tuple(row.values()) == ("postgres", False, True, True, True, True)
    members = "select count(*) from pg_publication_tables where pubname = 'supabase_realtime'"
    assert await value(postgres, members) == 0


async def test_preinstalled_extensions_and_no_graphql(postgres: Connection) -> None:
    rows = await (
        await postgres.execute("select extname, nspname from pg_extension join pg_namespace n on n.oid = extnamespace")
    ).fetchall()
    found = {row["extname"]: row["nspname"] for row in rows}
    assert {found[name] for name in ("pgcrypto", "uuid-ossp", "pg_stat_statements")} == {"extensions"}
    assert "pg_graphql" not in found


async def test_postgres_may_create_trusted_extensions(postgres: Connection) -> None:
    await postgres.execute("create extension if not exists pg_trgm with schema extensions")
    assert await value(postgres, "select 'שלום' operator(extensions.%%) 'שלום'"), "Hebrew letters have trigrams"


async def test_the_platforms_schemas_take_no_objects_of_ours(postgres: Connection) -> None:
    for schema in ("auth", "storage", "realtime", "vault"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with postgres.transaction():
                await postgres.execute(f"create table {schema}.ours (id int)".encode())


async def test_postgres_may_do_what_hosted_lets_it_do_there(postgres: Connection) -> None:
    await postgres.execute("create table public.profile (id uuid references auth.users (id))")
    await postgres.execute("create policy ours on storage.objects for select to authenticated using (true)")
    await postgres.execute("create policy ours on realtime.messages for select to authenticated using (true)")
    await postgres.execute("insert into storage.buckets (id, name) values ('ours', 'ours')")
    await postgres.execute("alter publication supabase_realtime add table public.profile")


async def test_storage_rows_are_not_deleted_by_sql(postgres: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        async with postgres.transaction():
            await postgres.execute("delete from storage.objects")
    await postgres.execute("set local storage.allow_delete_query = 'true'")
    await postgres.execute("delete from storage.objects where bucket_id = 'none'")


async def test_vault_keeps_secrets_encrypted_and_gives_them_back(postgres: Connection) -> None:
    secret, name = secrets.token_hex(8), secrets.token_hex(8)
    made = await value(postgres, "select vault.create_secret(%s, %s)", secret, name)
    stored = await value(postgres, "select secret from vault.secrets where id = %s", made)
    assert secret not in str(stored)
    read = "select decrypted_secret from vault.decrypted_secrets where name = %s"
    assert await value(postgres, read, name) == secret
    await postgres.execute("select vault.update_secret(%s, 'another')", [made])
    assert await value(postgres, read, name) == "another"


async def test_vault_ciphertext_is_bound_to_its_row(postgres: Connection) -> None:
    one = await value(postgres, "select vault.create_secret('one')")
    other = await value(postgres, "select vault.create_secret('other')")
    query = """
        select vault._crypto_aead_det_decrypt(
          decode(s.secret, 'base64'), convert_to(%s::text, 'utf8'), 0, nonce => s.nonce
        )
        from vault.secrets s where id = %s
    """
    assert await value(postgres, query, one, one) == b"one"
    with pytest.raises(psycopg.errors.DataException):
        await value(postgres, query, one, other)


async def test_vault_is_closed_to_the_public_roles(postgres: Connection) -> None:
    for role in ("anon", "authenticated"):
        assert not await value(postgres, "select has_schema_privilege(%s, 'vault', 'USAGE')", role)
    for role in ("postgres", "service_role"):
        for privilege, granted in (("SELECT", True), ("DELETE", True), ("INSERT", False), ("UPDATE", False)):
            query = "select has_table_privilege(%s, 'vault.secrets', %s)"
            assert await value(postgres, query, role, privilege) is granted
        create = "select has_function_privilege(%s, 'vault.create_secret(text, text, text, uuid)', 'EXECUTE')"
        assert await value(postgres, create, role)
