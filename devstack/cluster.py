"""A database cluster with what a new hosted project has before its first migration, made once and then copied."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any

import psycopg

from devstack import folders
from devstack.account import Account
from devstack.children import Children
from devstack.failure import StackFailure
from devstack.postgres import Postgres, Server

BASELINE = Path(__file__).parent / "baseline"

KEPT = 7 * 24 * 3600

# Collation is ICU's as on hosted. The C library's character classes still matter: pg_trgm asks them, and under plain
# "C" it would find no letter in Hebrew or Arabic text.
CTYPE = "en_US.UTF-8" if sys.platform == "darwin" else "C.UTF-8"

# The socket lies in a folder that only the stack's own user opens; TCP asks for the password.
HBA = "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n"


async def template(cache: Path, binaries: Path, account: Account | None, children: Children) -> Path:
    """The cluster to copy; made anew when the baseline or the binaries change."""
    target = cache / f"template-{_fingerprint(binaries)}"
    if not target.exists():
        _prune(cache)
        await _build(target, binaries, account, children)
    os.utime(target)
    return target


def _prune(cache: Path) -> None:
    """Every change of the baseline makes a template; those that nobody has copied for a week are in nobody's way."""
    for folder in cache.glob("template-*"):
        if folder.stat().st_mtime < time.time() - KEPT:
            shutil.rmtree(folder, ignore_errors=True)


def _fingerprint(binaries: Path) -> str:
    digest = hashlib.sha256(f"{binaries.name} {CTYPE} {HBA}".encode())
    for file in sorted(BASELINE.glob("*.sql")):
        digest.update(file.name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


async def _build(target: Path, binaries: Path, account: Account | None, children: Children) -> None:
    draft, scratch = folders.make(account, target.parent), folders.make(account)
    for folder in (draft, scratch):
        children.owns(folder)
    data, sockets = folders.private(draft / "data", account), folders.private(scratch / "sockets", account)
    await _initdb(binaries, data, account, children)
    server = Server(binaries, data, sockets, scratch / "postgres.log", account, fsync=False)
    postgres = Postgres(server, children)
    try:
        await postgres.start()
        await _apply_baseline(server.admin_url)
    finally:
        await postgres.stop(signal.SIGINT)
    with contextlib.suppress(OSError):  # another stack was quicker
        data.rename(target)


async def _initdb(binaries: Path, data: Path, account: Account | None, children: Children) -> None:
    locale: list[Any] = [
        "--locale-provider=icu",
        "--icu-locale=en-US",
        f"--locale={CTYPE}",
        "--encoding=UTF8",
    ]
    process = await children.spawn(
        *(binaries / "bin" / "initdb", "-D", data, "-U", "supabase_admin", "-A", "trust"),
        *("--no-sync", "--no-instructions", *locale),
        env={"PATH": os.defpath},
        account=account,
        output=asyncio.subprocess.PIPE,
        cwd=data,
    )
    output, errors = await process.communicate()
    if process.returncode:
        raise StackFailure(f"initdb failed: {(output + errors).decode(errors='replace').strip()}")
    (data / "pg_hba.conf").write_text(HBA)


async def _apply_baseline(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        for file in sorted(BASELINE.glob("*.sql")):
            try:
                await connection.execute(file.read_bytes())
            except psycopg.Error as error:
                raise StackFailure(f"{file.relative_to(BASELINE.parent.parent)}: {error}") from error


async def copy(template: Path, target: Path, account: Account | None, children: Children) -> None:
    """Copy a stopped cluster. It has its name only when it is whole."""
    draft = target.with_name(f"{target.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    folders.private(draft, account)
    command = ("cp", "-pR", f"{template}/.", draft)
    process = await children.spawn(*command, env={"PATH": os.defpath}, account=account, cwd="/")
    if await process.wait():
        raise StackFailure(f"Copying the cluster to {target} failed: is the disk full?")
    draft.rename(target)
