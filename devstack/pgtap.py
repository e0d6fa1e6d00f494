"""`python -m devstack.pgtap [FILES]`: what `supabase test db` does, without Docker.

Each file is one session of role `postgres` with pgTAP in schema `extensions`: begin; select plan(n); tests;
select * from finish(); rollback. Without FILES, everything under supabase/tests. Exit status 1 if anything failed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import tuple_row

from devstack.packages import ROOT

TESTS = ROOT / "supabase" / "tests"
PLAN = re.compile(r"^1\.\.(\d+)")
RESULT = re.compile(r"^(not )?ok\b\s*\d*\s*(?:- )?([^#]*)(#\s*(?:todo|skip)\b.*)?", re.IGNORECASE)
EXTENSION_LOCK = 0x70675441  # two runners at once must not both create the extension


@dataclass(frozen=True)
class Report:
    """What one file said."""

    file: Path
    lines: list[str]
    error: str = ""

    @property
    def planned(self) -> int:
        return next((int(found[1]) for line in self.lines if (found := PLAN.match(line))), 0)

    @property
    def ran(self) -> int:
        return sum(1 for line in self.lines if RESULT.match(line))

    @property
    def failures(self) -> list[str]:
        """Everything that keeps the file from passing; a failed test with the diagnostics below it."""
        found = [f"{self.file.name}: {self.error}"] if self.error else []
        for position, line in enumerate(self.lines):
            result = RESULT.match(line)
            if result and result[1] and not result[3]:
                found.append("\n".join([line, *_diagnostics(self.lines[position + 1 :])]))
        if not self.error and self.planned != self.ran:
            found.append(f"{self.file.name}: planned {self.planned} tests but ran {self.ran}")
        return found


def _diagnostics(following: list[str]) -> list[str]:
    """The comment lines right below a result."""
    end = next((place for place, line in enumerate(following) if not line.startswith("#")), len(following))
    return following[:end]


def files() -> list[Path]:
    """Every test file of the repository, in a stable order."""
    return sorted(TESTS.rglob("*.sql"))


async def run(file: Path, url: str) -> Report:
    """Run one file in a session of its own."""
    script = await asyncio.to_thread(file.read_text)
    async with await psycopg.AsyncConnection.connect(url, autocommit=True, row_factory=tuple_row) as connection:
        await _create_extension(connection)
        cursor = connection.cursor()
        lines: list[str] = []
        try:
            await cursor.execute(script.encode())
            while True:
                if cursor.description:
                    lines += [line for row in await cursor.fetchall() for line in str(row[0] or "").splitlines()]
                if not cursor.nextset():
                    return Report(file, lines)
        except psycopg.Error as error:
            return Report(file, lines, error=_told(error, script))


def _told(error: psycopg.Error, script: str) -> str:
    position = int(error.diag.statement_position or 0)
    line = f" (line {script.count(chr(10), 0, position) + 1})" if position else ""
    parts = (
        f"{error.sqlstate}: {error.diag.message_primary}{line}",
        error.diag.message_detail,
        error.diag.context,
    )
    return "\n".join(part for part in parts if part)


async def _create_extension(connection: psycopg.AsyncConnection[tuple[object, ...]]) -> None:
    """As the platform does for `supabase test db`. Migrations never need it."""
    await connection.execute("select pg_advisory_lock(%s)", [EXTENSION_LOCK])
    await connection.execute("create extension if not exists pgtap with schema extensions")
    await connection.execute("select pg_advisory_unlock(%s)", [EXTENSION_LOCK])


async def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m devstack.pgtap", description=__doc__)
    parser.add_argument("files", nargs="*", type=Path)
    chosen = parser.parse_args().files or files()
    url = os.environ.get("SUPABASE_DB_URL")
    if not url:
        sys.exit("SUPABASE_DB_URL is not set: run this as `python -m devstack run -- python -m devstack.pgtap`.")
    reports = [await run(file, url) for file in chosen]
    for report in reports:
        print(f"{'not ok' if report.failures else 'ok':6}  {report.ran:3} tests  {report.file.name}")
        for failure in report.failures:
            print("        " + failure.replace("\n", "\n        "))
    return int(any(report.failures for report in reports))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
