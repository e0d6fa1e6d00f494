"""Postgres Changes: what is committed in a published table reaches those who asked for it."""

from __future__ import annotations

from datetime import datetime

from tests.conftest import Project
from tests.devstack.realtime.conftest import Connect
from tests.devstack.realtime.tables import Table, published_table


async def test_a_channel_is_subscribed_first_and_live_later(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("a room", table.changes())
    kinds = [e["data"].get("status") for e in client.events.all]
    assert kinds[0] == "SUBSCRIBED"
    live = await client.live("a room")
    assert live["data"] | {"channel": "a room", "extension": "postgres_changes", "status": "ok"} == live["data"]


async def test_insert_update_and_delete_arrive_in_commit_order(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    row = await table.insert(body="one", amount=1)
    await table.sql("update {table} set body = 'two' where id = %s", row)
    await table.sql("delete from {table} where id = %s", row)
    await client.change("DELETE", id=row)
    assert [e["data"]["type"] for e in client.events.all if e["kind"] == "change"] == [
        "INSERT",
        "UPDATE",
        "DELETE",
    ]
    inserted = await client.change("INSERT", id=row)
    assert inserted["schema"], inserted["table"] == ("public", table.name)
    assert inserted["record"]["amount"] == 1
    assert (await client.change("UPDATE", id=row, body="two"))["old_record"] == {"id": row}
    assert datetime.fromisoformat(inserted["commit_timestamp"]).tzinfo


async def test_values_have_the_types_of_their_columns(connect: Connect, project: Project) -> None:
    columns = "id int8 primary key, flag bool, price numeric, at timestamptz, tags text[], extra jsonb, nothing text"
    async with published_table(project.db_url, columns) as table:
        client = await connect()
        await client.joined("room", table.changes())
        await table.sql(
            "insert into {table} values (7, true, 1.5, '2026-01-02 03:04:05+00', '{a,b}', '{\"k\": [1]}', null)"
        )
        record = (await client.change("INSERT", id=7))["record"]
        assert datetime.fromisoformat(record.pop("at")) == datetime.fromisoformat("2026-01-02T03:04:05+00:00")
        assert record == {
            "id": 7, "flag": True, "price": 1.5, "tags": ["a", "b"], "extra": {"k": [1]}, "nothing": None
        }  # fmt: skip


async def test_only_the_event_asked_for_arrives(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", table.changes("DELETE"))
    row = await table.insert(body="unseen")
    await table.sql("delete from {table} where id = %s", row)
    await client.change("DELETE", id=row)
    assert client.records() == [{"id": row}]


async def test_filters_limit_what_arrives(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("equal", table.changes(filter="body=eq.wanted"))
    await client.joined("both", table.changes(filter="amount=gte.10,body=not.in.(x,y)"))
    await client.joined("pattern", table.changes(filter="body=like.want%"))
    for body, amount in [("x", 50), ("other", 1), ("wanted", 2), ("z", 10)]:
        await table.insert(body=body, amount=amount)
    await client.change("INSERT", body="z")

    def bodies(topic: str) -> list[str]:
        changes = [e["data"] for e in client.events.all if e["kind"] == "change" and e["topic"] == topic]
        return [change["record"]["body"] for change in changes]

    assert (bodies("equal"), bodies("both"), bodies("pattern")) == (["wanted"], ["z"], ["wanted"])


async def test_only_selected_columns_and_the_primary_key_arrive(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", table.changes(select=["amount"]))
    row = await table.insert(body="large", amount=3)
    assert (await client.change("INSERT", id=row))["record"] == {"id": row, "amount": 3}


async def test_a_row_gone_before_it_is_looked_at_was_never_inserted(connect: Connect, table: Table) -> None:
    await table.owned()
    await table.sql("create policy seen on {table} for select to anon using (true)")
    client = await connect()
    await client.joined("room", table.changes())
    async with table.connection.transaction():
        gone = await table.insert(body="gone")
        await table.sql("delete from {table} where id = %s", gone)
    kept = await table.insert(body="kept")
    await client.change("INSERT", id=kept)
    assert [record["id"] for record in client.records()] == [gone, kept]
    await client.change("DELETE", id=gone)


async def test_full_replica_identity_brings_the_whole_old_row(connect: Connect, table: Table) -> None:
    await table.sql("alter table {table} replica identity full")
    client = await connect()
    await client.joined("room", table.changes())
    row = await table.insert(body="before", amount=1)
    await table.sql("update {table} set body = 'after' where id = %s", row)
    old = (await client.change("UPDATE", id=row))["old_record"]
    assert old == {"id": row, "owner": None, "body": "before", "amount": 1}


async def test_a_large_value_that_was_not_changed_is_left_out(connect: Connect, table: Table) -> None:
    await table.sql("alter table {table} alter column body set storage external")
    client = await connect()
    await client.joined("room", table.changes("UPDATE"))
    row = await table.insert(body="x" * 10_000, amount=1)
    await table.sql("update {table} set amount = 2 where id = %s", row)
    assert (await client.change("UPDATE", id=row))["record"] == {"id": row, "owner": None, "amount": 2}


async def test_of_a_record_over_one_mebibyte_only_small_values_arrive(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    row = await table.insert(body="x" * 1_100_000, amount=1)
    change = await client.change("INSERT", id=row)
    assert change["errors"] == ["Error 413: Payload Too Large"]
    assert change["record"] == {"id": row, "owner": None, "amount": 1}


async def test_a_table_added_to_the_publication_later_is_heard(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", {"event": "INSERT", "schema": "public"})
    async with published_table(table.database_url) as added:
        row = await added.insert(body="new table")
        await client.change("INSERT", id=row)


async def test_a_table_that_is_not_published_is_refused(connect: Connect, table: Table) -> None:
    await table.sql("alter publication supabase_realtime drop table {table}")
    client = await connect()
    await client.join("room", [table.changes()])
    await client.told("Unable to subscribe to changes with given parameters. Please check Realtime is enabled")
    await table.sql("alter publication supabase_realtime add table {table}")


async def test_a_filter_that_cannot_be_parsed_is_refused(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.join("room", [table.changes(filter="amount=about.7")])
    await client.told("Error parsing `filter` params: ")


async def test_what_happens_in_a_rolled_back_transaction_is_never_heard(connect: Connect, table: Table) -> None:
    client = await connect()
    await client.joined("room", table.changes())
    async with table.connection.transaction(force_rollback=True):
        await table.insert(body="undone")
    await table.sql("truncate {table}")
    row = await table.insert(body="done")
    await client.change("INSERT", id=row)
    assert [record["body"] for record in client.records()] == ["done"]
