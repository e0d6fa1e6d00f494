"""Migrations only go forward: those of the newest release are what they were, and new ones come after them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.upgrade.__main__ import NO_RELEASE, upgrade
from tests.upgrade.trees import MIGRATIONS, ROOT, UpgradeFailure, gone_astray, migrations_at, migrations_of, newest_tag

RELEASED = {"20260101000100_one.sql": b"select 1;", "20260101000200_two.sql": b"select 2;"}


def test_those_of_the_newest_release_are_unchanged() -> None:
    tag = newest_tag()
    if tag is None:
        pytest.skip("There is no release yet.")
    released = migrations_at(tag)
    assert released
    assert gone_astray(released, migrations_of(ROOT)) == []


@pytest.mark.parametrize(
    ("today", "said"),
    [
        (RELEASED, []),
        (RELEASED | {"20260101000300_three.sql": b""}, []),
        (RELEASED | {"20260101000200_two.sql": b"select 3;"}, ["20260101000200_two.sql has changed"]),
        ({"20260101000200_two.sql": b"select 2;"}, ["20260101000100_one.sql is not there"]),
        (RELEASED | {"20260101000150_late.sql": b""}, ["20260101000150_late.sql would come before"]),
    ],
)
def test_what_does_not_go_forward_is_named(today: dict[str, bytes], said: list[str]) -> None:
    found = gone_astray(RELEASED, today)
    assert [line.startswith(start) for line, start in zip(found, said, strict=True)] == [True] * len(said)


def test_an_edited_migration_ends_it_before_anything_is_started(tmp_path: Path) -> None:
    (tmp_path / MIGRATIONS).mkdir(parents=True)
    for name, text in migrations_of(ROOT).items():
        (tmp_path / MIGRATIONS / name).write_bytes(text)
    edited = next(iter(migrations_of(ROOT)))
    (tmp_path / MIGRATIONS / edited).write_bytes(b"select 1;\n")
    with pytest.raises(UpgradeFailure, match=f"Migrations only go forward, but {edited} has changed"):
        upgrade(tmp_path, ROOT)


def test_without_a_release_it_says_so_and_an_unknown_one_is_none() -> None:
    def run(*arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "-m", "tests.upgrade", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert "Traceback" not in done.stderr
        return done.returncode, done.stdout + done.stderr

    status, said = run("no-such-release")
    assert status == 1
    assert said.startswith("git rev-parse: ")
    if newest_tag() is None:
        assert run() == (0, f"{NO_RELEASE}\n")
