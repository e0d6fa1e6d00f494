"""What one batch says about somebody counts in whole, whatever else of it is known already."""

from __future__ import annotations

from tests.store.tenant import Session, Tenant, call, rows


async def test_a_newcomer_who_is_somebody_known_does_not_hide_a_later_sighting(
    sessions: list[Session], tenant: Tenant
) -> None:
    """Brazil: with the ninth digit at 0 and 5 seconds, without it and with a user id at 4."""
    long, short = "5511987654321", "551187654321"
    await call(sessions[0], "record_inbound", [], [tenant.message("first", long, occurred_at=_at(0))], [])
    batch = [
        tenant.message("last", long, occurred_at=_at(5)),
        tenant.message("between", short, bsuid="BR.bbb", occurred_at=_at(4)),
    ]
    await call(sessions[0], "record_inbound", [], batch, [])
    threads = await rows(
        sessions[0], "select phone, bsuid from public.conversations where workspace_id = %s", tenant.workspace_id
    )
    assert threads == [{"phone": long, "bsuid": "BR.bbb"}]


async def test_a_name_taken_and_laid_down_in_one_batch_leaves_the_old_one(
    sessions: list[Session], tenant: Tenant
) -> None:
    phone = "972501111111"
    first = tenant.message("first", phone, profile_name="Dana", occurred_at=_at(0))
    batch = [
        tenant.message("between", phone, profile_name="Dana on leave", occurred_at=_at(1)),
        tenant.message("last", phone, profile_name="Dana", occurred_at=_at(2)),
    ]
    await call(sessions[0], "record_inbound", [], [first], [])
    await call(sessions[0], "record_inbound", [], batch, [])
    assert await _names(sessions[0], tenant) == ["Dana"]


async def test_an_older_name_that_comes_late_stays_away_though_the_newer_was_not_written_again(
    sessions: list[Session], tenant: Tenant
) -> None:
    phone = "972501111111"
    for wamid, name, second in (("1", "Dana", 0), ("2", "Dana", 9), ("3", "Dana on leave", 5)):
        message = tenant.message(wamid, phone, profile_name=name, occurred_at=_at(second))
        await call(sessions[0], "record_inbound", [], [message], [])
    assert await _names(sessions[0], tenant) == ["Dana"]


async def test_a_name_that_stays_is_not_written_again(sessions: list[Session], tenant: Tenant) -> None:
    """Or every message would also be a change of a contact, for each index on contacts and each subscriber."""
    version = "select xmin::text from public.contacts where workspace_id = %s"
    await call(sessions[0], "record_inbound", [], [tenant.message("1", "972501111111", profile_name="Dana")], [])
    before = await rows(sessions[0], version, tenant.workspace_id)
    later = tenant.message("2", "972501111111", profile_name="Dana", occurred_at=_at(9))
    await call(sessions[0], "record_inbound", [], [later], [])
    assert await rows(sessions[0], version, tenant.workspace_id) == before


async def test_few_wait_for_the_disk_so_that_realtime_tells_of_them_at_once(
    sessions: list[Session], tenant: Tenant
) -> None:
    """What is only written with the log's next round, 0.2 to 0.6 s later, is told of no sooner."""
    waits = {}
    for count in (1, 8, 9, 100):
        items = [tenant.message(f"{count}.{n}", f"9725011{n:05}") for n in range(count)]
        async with sessions[0].transaction():
            await call(sessions[0], "record_inbound", [], items, [])
            (setting,) = await rows(sessions[0], "select current_setting('synchronous_commit') as it")
        waits[count] = setting["it"] == "on"
    assert waits == {1: True, 8: True, 9: False, 100: False}


async def _names(session: Session, tenant: Tenant) -> list[str]:
    contacts = await rows(
        session, "select profile_name from public.contacts where workspace_id = %s", tenant.workspace_id
    )
    return [contact["profile_name"] for contact in contacts]


def _at(second: int) -> str:
    return f"2026-11-01T12:00:{second:02}Z"
