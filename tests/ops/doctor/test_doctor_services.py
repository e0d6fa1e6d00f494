"""`wabase doctor` on what a project leans on: a doorbell that is late, clocks that differ, Vault that is not there."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from tests.ops.doctor.own_project import OwnProject


async def test_a_doorbell_that_is_late(project: OwnProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ops.doctor_project.SLOW_SECONDS", -1.0)
    (doorbell,) = [one for one in await project.wrong() if one.name == "doorbell"]
    assert (doorbell.state, "It rings after" in doorbell.finding) == ("warn", True)
    assert doorbell.remedy


@pytest.mark.parametrize(("seconds", "state"), [(-20, "warn"), (7200, "fail")])
async def test_a_clock_that_is_wrong(
    project: OwnProject, monkeypatch: pytest.MonkeyPatch, seconds: int, state: str
) -> None:
    right = time.time
    monkeypatch.setattr(
        "ops.doctor_project.time", SimpleNamespace(time=lambda: right() + seconds, monotonic=time.monotonic)
    )
    (clock,) = [one for one in await project.wrong() if one.name == "clock"]
    assert clock.state == state
    assert ("behind" if seconds < 0 else "ahead of") in clock.finding
    assert "NTP" in str(clock.remedy)


async def test_members_who_may_not_add_numbers_are_the_operators_choice(project: OwnProject) -> None:
    function = "function public.add_connection(uuid, text, text, text, text)"
    await project.sql(f"revoke execute on {function} from authenticated")
    try:
        assert [one for one in await project.wrong() if one.name == "drift"] == []
    finally:
        await project.sql(f"grant execute on {function} to authenticated")


async def test_a_project_without_vault_is_told_so_and_not_to_push_migrations(project: OwnProject) -> None:
    await project.sql_as_admin("alter view vault.decrypted_secrets rename to away")
    try:
        (vault,) = [one for one in await project.wrong() if one.name == "vault"]
    finally:
        await project.sql_as_admin("alter view vault.away rename to decrypted_secrets")
    assert (vault.state, vault.finding.startswith("Vault is not there")) == ("fail", True)
    assert "supabase_vault" in str(vault.remedy)
