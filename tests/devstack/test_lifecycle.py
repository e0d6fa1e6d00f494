"""Stacks start fresh, end completely, and survive what is done to their parts."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import sysconfig
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import psycopg
import pytest

from devstack import packages, reaper
from devstack.account import Account
from devstack.failure import StackFailure
from devstack.ports import Ports
from devstack.realtime.slot import open_slot
from devstack.stack import wipe
from tests.devstack.conftest import OwnStack, devstack, eventually

Start = Callable[[], Awaitable[OwnStack]]

NOBODY = 65534

PROMISED = (
    *(
        "SUPABASE_URL",
        "SUPABASE_ANON_KEY",
        "SUPABASE_SERVICE_ROLE_KEY",
        "SUPABASE_JWT_SECRET",
        "SUPABASE_DB_URL",
    ),
    *(
        "SUPABASE_PUBLISHABLE_KEY",
        "SUPABASE_SECRET_KEY",
        "PROVIDER_URL",
        "DEVSTACK_URL",
        "DEVSTACK_POSTGRES_PID",
    ),
    *("WHATSAPP_WEBHOOK_SECRET", "WHATSAPP_WEBHOOK_VERIFY_TOKEN", "META_APP_SECRET"),
    *("WHATSAPP_360_BASE_URL", "META_GRAPH_BASE_URL", "WEBHOOK_HOST", "WEBHOOK_PORT"),
)


async def test_two_stacks_at_once_share_nothing_and_leave_nothing(own_stack: Start) -> None:
    one, other = await asyncio.gather(own_stack(), own_stack())
    for stack in (one, other):
        assert not [name for name in PROMISED if not stack.environment.get(name)]
    for name in ("SUPABASE_URL", "SUPABASE_DB_URL", "PROVIDER_URL", "WEBHOOK_PORT", "SUPABASE_SECRET_KEY"):
        assert one.environment[name] != other.environment[name]
    assert sum(await asyncio.gather(one.end(), other.end())) == 0
    assert one.leftovers + other.leftovers == []


async def test_the_commands_exit_status_and_the_callers_settings_pass_through(
    no_migrations: dict[str, str],
) -> None:
    env = {**no_migrations, "WHATSAPP_360_BASE_URL": "http://elsewhere", "EXTRA_SETTING": "kept"}
    command = ("sh", "-c", "echo $WHATSAPP_360_BASE_URL $EXTRA_SETTING; exit 7")
    process = await devstack("run", "--", *command, env=env)
    output, _ = await process.communicate()
    assert process.returncode == 7
    assert output.split()[-2:] == [b"http://elsewhere", b"kept"]


async def test_a_signal_reaches_the_command_and_ends_the_stack(own_stack: Start) -> None:
    stack = await own_stack()
    stack.process.send_signal(signal.SIGTERM)
    assert await stack.process.wait() == 128 + signal.SIGTERM
    assert stack.leftovers == []


async def test_a_stack_killed_outright_is_gone_within_ten_seconds(own_stack: Start) -> None:
    stack = await own_stack()
    assert stack.leftovers
    stack.process.kill()

    async def gone() -> bool:
        return not stack.leftovers

    await eventually(gone, within=10)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are found by their environment on Linux only")
async def test_a_process_that_left_its_group_dies_with_the_stack(no_migrations: dict[str, str]) -> None:
    command = ("sh", "-c", "setsid sleep 600 >/dev/null 2>&1 & echo $DEVSTACK_STACK; kill -9 $$")
    process = await devstack("run", "--", *command, env=no_migrations)
    output, _ = await process.communicate()
    assert process.returncode == 128 + signal.SIGKILL  # as a shell counts it
    assert reaper.marked(output.decode().split()[-1]) == []


async def test_postgres_killed_comes_back_with_what_was_committed(own_stack: Start) -> None:
    stack = await own_stack()
    url = stack.environment["SUPABASE_DB_URL"]
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("create table public.kept (id int)")
        await connection.execute("insert into public.kept values (1)")
    os.kill(int(stack.environment["DEVSTACK_POSTGRES_PID"]), signal.SIGKILL)
    await eventually(partial(answers, url, "select count(*) = 1 from public.kept"), within=30)
    assert await stack.end() == 0
    assert stack.leftovers == []


async def test_postgres_killed_while_a_slot_is_being_made_comes_back(own_stack: Start) -> None:
    """Whoever waits for log must see that its postmaster has gone, or it keeps the shared memory for ever."""
    stack = await own_stack()
    url = stack.environment["SUPABASE_DB_URL"]
    async with await psycopg.AsyncConnection.connect(url) as connection:
        cursor = await connection.execute("select pid from pg_stat_activity where backend_type = 'walwriter'")
        ((writer,),) = await cursor.fetchall()
        os.kill(writer, signal.SIGSTOP)
        await connection.execute("select pg_current_xact_id()")
        making = asyncio.create_task(open_slot(url, "supabase_realtime").__aenter__())
        waits = "select exists (select from pg_stat_activity where wait_event = 'transactionid')"
        await eventually(partial(answers, url, waits), within=15)
        await connection.rollback()  # What the slot waits for next is log that nobody writes.
    await eventually(partial(answers, url, waits.replace("exists", "not exists")), within=15)
    os.kill(int(stack.environment["DEVSTACK_POSTGRES_PID"]), signal.SIGKILL)
    os.kill(writer, signal.SIGKILL)
    with contextlib.suppress(psycopg.OperationalError):
        await asyncio.wait_for(making, timeout=30)
    await eventually(partial(answers, url, "select true"), within=30)


async def answers(url: str, question: str) -> bool:
    """With yes. A Postgres that is down says no."""
    try:
        async with await psycopg.AsyncConnection.connect(url) as connection:
            cursor = await connection.execute(question)
            return await cursor.fetchone() == (True,)
    except psycopg.OperationalError:
        return False


async def test_an_app_process_that_is_killed_stays_dead_and_is_no_zombie() -> None:
    script = (
        "kill -9 $WORKER_PID; while kill -0 $WORKER_PID 2>/dev/null; do sleep 0.05; done; curl -s $WEBHOOK_URL/readyz"
    )
    process = await devstack("run", "--app", "--", "sh", "-c", script, env={})
    async with asyncio.timeout(120):  # a whole stack with all migrations, from its start to its end
        output, _ = await process.communicate()
    assert process.returncode == 0
    assert output


def test_a_port_is_given_once_and_not_while_somebody_listens() -> None:
    with Ports() as ports, Ports() as others, socket.socket() as listener:
        port = ports.reserve()
        assert not others.take(port)
        ports.release()
        assert others.take(port)
        others.release()
        listener.bind(("127.0.0.1", port))
        listener.listen()
        assert not ports.take(port)


async def test_a_failing_migration_shows_statement_and_error(no_migrations: dict[str, str]) -> None:
    folder = Path(no_migrations["SUPABASE_WORKDIR"]) / "supabase" / "migrations"
    (folder / "20260101000000_broken.sql").write_text("create table fine (id int);\nselct 1;\n")
    process = await devstack("run", "--", "true", env=no_migrations)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert b"selct 1" in errors
    assert b"syntax error" in errors


async def test_an_unknown_command_is_one_sentence(no_migrations: dict[str, str]) -> None:
    process = await devstack("run", "--", "no-such-command", env=no_migrations)
    _, errors = await process.communicate()
    assert process.returncode == 1
    assert errors.decode().splitlines()[-1] == "devstack: There is no command `no-such-command`."


def test_missing_packages_name_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(packages, "NODE_MODULES", tmp_path)
    with pytest.raises(StackFailure, match="make setup"):
        packages.postgres()


async def test_up_keeps_data_keys_and_ports_and_stands_alone(no_migrations: dict[str, str], tmp_path: Path) -> None:
    home = tmp_path / "home"
    first = await devstack("up", "--directory", home, env=no_migrations)
    before = await _environment(home)
    async with await psycopg.AsyncConnection.connect(before["SUPABASE_DB_URL"], autocommit=True) as connection:
        await connection.execute("create table public.kept (id int)")

    second = await devstack("up", "--directory", home, env=no_migrations)
    _, errors = await second.communicate()
    assert second.returncode == 1
    assert f"process {first.pid}" in errors.decode()

    first.send_signal(signal.SIGINT)
    assert await first.wait() == 128 + signal.SIGINT
    assert not (home / "env").exists()

    again = await devstack("up", "--directory", home, env=no_migrations)
    after = await _environment(home)
    kept = ("SUPABASE_URL", "SUPABASE_DB_URL", "SUPABASE_SECRET_KEY", "SUPABASE_JWT_SECRET")
    assert [after[name] for name in kept] == [before[name] for name in kept]
    async with await psycopg.AsyncConnection.connect(after["SUPABASE_DB_URL"]) as connection:
        await connection.execute("select from public.kept")
    again.send_signal(signal.SIGTERM)
    await again.wait()
    wipe(home)  # as root, the cluster lies outside a folder that Postgres' user cannot reach


async def _environment(home: Path) -> dict[str, str]:
    """What `up` writes once it is ready, read as a shell reads it."""

    async def written() -> bool:
        return (home / "env").exists()

    await eventually(written, within=90)
    process = await asyncio.create_subprocess_exec(
        *("env", "-i", "sh", "-ac", f". {home / 'env'}; env"), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    return dict(line.split("=", 1) for line in output.decode().splitlines())


@pytest.fixture
def public_clone() -> Iterator[Path]:
    """A copy of what the stack needs, in a folder that everybody reads and nobody owns."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    shutil.copytree(packages.ROOT / "devstack", folder / "devstack")
    (folder / "node_modules").symlink_to(packages.NODE_MODULES)
    (folder / "supabase" / "migrations").mkdir(parents=True)
    (folder / "tmp").mkdir()
    (folder / "tmp").chmod(0o777)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_an_ordinary_user_with_a_readable_clone_needs_no_root(public_clone: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(_python_for_everybody(), "-m", "devstack", "run", "--", "id", "-u"),
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": sysconfig.get_path("purelib"),
            "TMPDIR": str(public_clone / "tmp"),
        },
        cwd=public_clone,
        stdout=asyncio.subprocess.PIPE,
        user=NOBODY,
        group=NOBODY,
        extra_groups=[],
    )
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.split()[-1] == str(NOBODY).encode()
    left = {path.name for path in public_clone.joinpath("tmp").iterdir()}
    assert left == {f"wabase-devstack-{NOBODY}", f"wabase-ports-{NOBODY}"}


def _python_for_everybody() -> str:
    """An interpreter that others may execute: the virtual environment's may lie in root's home."""
    wanted = f"python{sys.version_info.major}.{sys.version_info.minor}"
    found = shutil.which(wanted, path="/usr/local/bin:/usr/bin")
    if not found or not Account(NOBODY, NOBODY).reaches(packages.NODE_MODULES):
        pytest.skip(f"no {wanted} that an ordinary user may run")
    return found
