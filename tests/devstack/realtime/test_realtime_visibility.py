"""Postgres Changes: who is told. Policies, privileges and primary keys decide, per subscription."""

from __future__ import annotations

import json
from collections.abc import Callable

import psycopg
import pytest
from psycopg.rows import dict_row

from devstack.realtime.rows import Batch, look_up
from tests.conftest import Project
from tests.devstack.realtime.conftest import Connect
from tests.devstack.realtime.tables import Table, User, published_table

Users = Callable[..., User]


async def test_a_member_sees_a_row_and_a_stranger_does_not(connect: Connect, table: Table, user: Users) -> None:
    await table.owned()
    member, stranger = user(), user()
    inside, outside = await connect(member), await connect(stranger)
    await inside.joined("room", table.changes())
    await outside.joined("room", table.changes())
    await table.insert(owner=member.id, body="private")
    own = await table.insert(owner=stranger.id, body="own")
    await inside.change("INSERT", body="private")
    await outside.change("INSERT", id=own)
    assert [record["body"] for record in outside.records()] == ["own"]
    assert [record["body"] for record in inside.records()] == ["private"]


async def test_the_current_row_decides_not_the_changed_one(connect: Connect, table: Table, user: Users) -> None:
    await table.owned()
    reader, other = user(), user()
    client = await connect(reader)
    await client.joined("room", table.changes())
    async with table.connection.transaction():
        moved = await table.insert(owner=reader.id, body="first")
        await table.sql("update {table} set owner = %s where id = %s", other.id, moved)
    kept = await table.insert(owner=reader.id, body="kept")
    await client.change("INSERT", id=kept)
    assert [record["id"] for record in client.records()] == [kept]


async def test_a_delete_reaches_strangers_with_the_primary_key_only(
    connect: Connect, table: Table, user: Users
) -> None:
    await table.owned()
    await table.sql("alter table {table} replica identity full")
    owner = user()
    stranger = await connect(user())
    await stranger.joined("room", table.changes())
    row = await table.insert(owner=owner.id, body="private")
    await table.sql("delete from {table} where id = %s", row)
    await stranger.change("DELETE", id=row)
    assert stranger.records() == [{"id": row}]


async def test_a_filter_on_another_column_holds_back_deletes(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", table.changes(filter="body=eq.wanted"))
    first = await table.insert(body="wanted")
    await table.sql("delete from {table} where id = %s", first)
    await table.insert(body="wanted", amount=2)
    await client.change("INSERT", amount=2)
    assert all("body" in record for record in client.records())


async def test_a_column_without_privilege_is_not_told(connect: Connect, table: Table) -> None:
    await table.sql("revoke select on {table} from anon")
    await table.sql("grant select (id, body) on {table} to anon")
    client = await connect()
    await client.joined("room", table.changes())
    row = await table.insert(body="public", amount=5)
    assert (await client.change("INSERT", id=row))["record"] == {"id": row, "body": "public"}


async def test_a_filter_on_a_column_without_privilege_is_refused(connect: Connect, table: Table) -> None:
    await table.sql("revoke select on {table} from anon")
    await table.sql("grant select (id, body) on {table} to anon")
    client = await connect()
    await client.join("room", [table.changes(filter="amount=eq.5")])
    await client.told("invalid column for filter amount")


async def test_without_any_grant_there_is_no_record_for_service_role_either(
    connect: Connect, library: str, table: Table, project: Project
) -> None:
    await table.sql("revoke select on {table} from service_role")
    client = await connect(key=project.service_role_key)
    witness = await connect()
    await client.joined("room", table.changes())
    await witness.joined("room", table.changes())
    await table.insert(body="unseen")
    await witness.change("INSERT", body="unseen")
    if library != "realtime-py":  # it cannot parse the frame and drops it: all it ever shows is silence
        await client.told("Error 401: Unauthorized")
    await table.sql("grant select on {table} to service_role")
    row = await table.insert(body="seen")
    await client.change("INSERT", id=row)
    assert [record["body"] for record in client.records() if record] == ["seen"]


@pytest.mark.parametrize("key", ["service_role_key", "secret_key"])
async def test_service_role_sees_every_row_with_either_kind_of_key(
    connect: Connect, table: Table, user: Users, project: Project, key: str
) -> None:
    await table.owned()
    client = await connect(key=getattr(project, key))
    await client.joined("room", table.changes())
    row = await table.insert(owner=user().id, body="somebody's")
    await client.change("INSERT", id=row)


async def test_a_table_without_primary_key_has_changes_without_records(
    connect: Connect, library: str, project: Project
) -> None:
    if library == "realtime-py":
        pytest.skip("realtime-py cannot parse error frames and drops them")
    async with published_table(project.db_url, "body text") as table:
        client = await connect()
        await client.joined("room", table.changes())
        await table.sql("insert into {table} values ('nobody knows me')")
        await client.told("Error 400: Bad Request, no primary key")
        assert client.records() == [{}]


async def test_a_policy_that_fails_concerns_its_own_subscriber_only(
    connect: Connect, library: str, table: Table, user: Users, project: Project
) -> None:
    await table.owned()
    await table.sql("create policy broken on {table} for select to anon using ((1 / (amount - amount)) = 1)")
    unlucky, lucky = await connect(), await connect(key=project.service_role_key)
    await unlucky.joined("room", table.changes())
    await lucky.joined("room", table.changes())
    row = await table.insert(amount=1)
    await lucky.change("INSERT", id=row)
    if library != "realtime-py":
        await unlucky.told("Error 500: Internal Server Error, RLS policy evaluation failed")


async def test_a_row_is_looked_up_by_its_key_however_many_there_are(
    table: Table, user: Users, project: Project
) -> None:
    await table.owned()
    reader = user()
    await table.sql("insert into {table} (owner) select gen_random_uuid() from generate_series(1, 5000)")
    own, other = await table.insert(owner=reader.id), await table.insert(owner=user().id)
    await table.sql("analyze {table}")
    claims = json.dumps({"sub": reader.id, "role": "authenticated"})
    async with await psycopg.AsyncConnection.connect(project.db_url, row_factory=dict_row) as connection:
        (oid,) = (await table.sql("select '{table}'::regclass::oid"))[0]
        found = await look_up(connection, oid, ["authenticated"])
        assert found is not None
        await connection.execute(
            "select set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)", [claims]
        )
        assert await Batch(found, [{"id": other}, {"id": own}]).still_there(connection) == {1}
        cursor = await connection.execute(
            "select pg_stat_get_xact_tuples_returned(%s) + pg_stat_get_xact_tuples_fetched(%s) as read", [oid, oid]
        )
        row = await cursor.fetchone()
        assert row is not None
        assert row["read"] <= 4
