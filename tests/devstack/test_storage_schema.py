"""What migrations and policies find in schema storage."""

from __future__ import annotations

import psycopg
import pytest

from tests.conftest import Connect


async def test_api_roles_hold_every_privilege_and_row_level_security_is_the_gate(database: Connect) -> None:
    async with database() as connection:
        cursor = await connection.execute(
            """
            select bool_and(has_table_privilege(role, relation, privilege)) as privileged
            from unnest(array['anon', 'authenticated', 'service_role']) as role,
              unnest(array['storage.objects', 'storage.buckets']) as relation,
              unnest(array['select', 'insert', 'update', 'delete']) as privilege
            """
        )
        assert await cursor.fetchone() == {"privileged": True}
        cursor = await connection.execute(
            """
            select relname, relrowsecurity, relowner::regrole::text as owner from pg_class
            where oid in ('storage.objects'::regclass, 'storage.buckets'::regclass)
            """
        )
        for row in await cursor.fetchall():
            assert (row["relrowsecurity"], row["owner"]) == (True, "supabase_storage_admin")


async def test_migrations_make_policies_and_triggers_on_objects(database: Connect) -> None:
    async with database() as connection, connection.transaction(force_rollback=True):
        await connection.execute("create policy trial on storage.objects for select to authenticated using (true)")
        await connection.execute("alter policy trial on storage.objects using (false)")
        await connection.execute("drop policy trial on storage.objects")
        await connection.execute("create schema trial")
        await connection.execute(
            "create function trial.noted() returns trigger language plpgsql as 'begin return new; end'"
        )
        await connection.execute(
            "create trigger noted after insert on storage.objects for each row execute function trial.noted()"
        )


@pytest.mark.parametrize(
    "statement",
    [
        "create table storage.mine (id int)",
        "create function storage.mine() returns int language sql as 'select 1'",
        "create index mine on storage.objects (version)",
        "set role supabase_storage_admin",
    ],
)
async def test_migrations_make_nothing_else_in_schema_storage(database: Connect, statement: str) -> None:
    async with database() as connection, connection.transaction(force_rollback=True):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with connection.transaction():
                await connection.execute(statement.encode())


async def test_operations_are_named_with_or_without_their_prefix(database: Connect) -> None:
    query = """
        select storage.allow_only_operation('object.list') as short,
          storage.allow_only_operation('storage.object.list') as long,
          storage.allow_any_operation(array['object.upload', 'object.list']) as any,
          storage.allow_only_operation('object.upload') as other, storage.allow_only_operation('') as empty
    """
    async with database() as connection, connection.transaction(force_rollback=True):
        cursor = await connection.execute(query)
        assert not any((await cursor.fetchone() or {}).values())
        await connection.execute("select set_config('storage.operation', 'storage.object.list', true)")
        cursor = await connection.execute(query)
        assert await cursor.fetchone() == {
            "short": True,
            "long": True,
            "any": True,
            "other": False,
            "empty": False,
        }


async def test_path_helpers_take_a_name_apart(database: Connect) -> None:
    async with database() as connection:
        cursor = await connection.execute(
            """
            select storage.foldername('a/b/c.tar.gz') as folders, storage.filename('a/b/c.tar.gz') as file,
              storage.extension('a/b/c.tar.gz') as extension, storage.foldername('c.txt') as none
            """
        )
        assert await cursor.fetchone() == {
            "folders": ["a", "b"],
            "file": "c.tar.gz",
            "extension": "gz",
            "none": [],
        }
