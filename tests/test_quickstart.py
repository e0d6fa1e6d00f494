"""docs/quickstart.md as a person follows it: every block in one shell, on a project that has nothing of ours yet."""

from __future__ import annotations

import asyncio
import re
import shutil
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.devstack.provider.simulator import Business, Simulator
from tests.flows.own_stack import own_stack
from tests.flows.waiting import until

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/quickstart.md").read_text()
BLOCK = re.compile(r"(?:^<!-- test: (?P<note>[^\n]+) -->\n)?^```sh\n(?P<script>.*?)^```$", re.MULTILINE | re.DOTALL)
# What a checkout does not have, or what the page writes into it.
NOT_IN_A_CHECKOUT = {".env", ".git", ".devstack", "webhook.log", "worker.log"}
# A settings file is to say it, and the environment is not.
TOLD_BY_THE_PAGE = ("SUPABASE_URL", "SUPABASE_SERVICE_ROLE_KEY", "WHATSAPP_WEBHOOK_SECRET", "WEBHOOK_PUBLIC_URL")


@dataclass(frozen=True)
class Block:
    script: str
    note: str

    @property
    def until(self) -> str:
        """A pattern that its output fits sooner or later."""
        return self.note.partition("until: ")[2]


BLOCKS = [Block(found["script"], found["note"] or "") for found in BLOCK.finditer(PAGE)]


class Shell:
    """One bash that stops at the first command that fails."""

    def __init__(self, process: Process, folder: Path, typed: str) -> None:
        self._process, self._folder = process, folder
        (folder / "typed").write_text(typed)

    async def run(self, script: str) -> str:
        """What a block says. Whoever asks there is given the key."""
        assert self._process.stdin is not None
        (self._folder / "block.sh").write_text(script)
        self._process.stdin.write(b". ./block.sh < typed; echo; echo @@done\n")
        said = ""
        async with asyncio.timeout(90):
            async for line in self._lines():
                if line == "@@done\n":
                    return said
                said += line
        pytest.fail(f"it failed:\n{script}\n{said}{self._logs()}")

    async def _lines(self) -> AsyncIterator[str]:
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            yield line.decode()

    def _logs(self) -> str:
        return "".join(path.read_text()[-2000:] for path in self._folder.glob("*.log"))


@asynccontextmanager
async def a_shell(folder: Path, environment: Mapping[str, str], typed: str) -> AsyncIterator[Shell]:
    process = await asyncio.create_subprocess_exec(
        "bash", "-eu", "-o", "pipefail", cwd=folder, env=environment, stdin=PIPE, stdout=PIPE, stderr=STDOUT
    )
    shell = Shell(process, folder, typed)
    try:
        yield shell
    finally:
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.write(b"kill $(jobs -p) 2> /dev/null; wait; exit 0\n")
            process.stdin.close()
        await process.wait()


def checkout(folder: Path) -> Path:
    """This repository in a folder where the page's files may be written."""
    for entry in ROOT.iterdir():
        if entry.name not in NOT_IN_A_CHECKOUT:
            (folder / entry.name).symlink_to(entry)
    return folder


def standing_in(script: str, stack: Mapping[str, str]) -> str:
    """The page's made-up values as this stack's."""
    local = f"http://127.0.0.1:{stack['WEBHOOK_PORT']}"
    for made_up, real in {
        "https://your-project-ref.supabase.co": stack["SUPABASE_URL"],
        "your-secret-key": stack["SUPABASE_SECRET_KEY"],
        "your-publishable-key": stack["SUPABASE_PUBLISHABLE_KEY"],
        "https://hooks.example.com": local,
        "http://localhost:8080": local,
        "db push --remote": f"db push --yes --remote '{stack['SUPABASE_DB_URL']}'",
    }.items():
        script = script.replace(made_up, real)
    return script


async def repeated(shell: Shell, script: str, wanted: str) -> None:
    await until(lambda: shell.run(script), lambda said: re.search(wanted, said), within=60)


@pytest.fixture
def empty_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stacks of this test begin without migrations."""
    (tmp_path / "empty/supabase/migrations").mkdir(parents=True)
    monkeypatch.setenv("SUPABASE_WORKDIR", str(tmp_path / "empty"))


def test_what_is_not_run_says_why() -> None:
    skipped = [block.note for block in BLOCKS if block.note.startswith("skip")]
    assert len(BLOCKS) > 10
    assert all(re.fullmatch(r"skip: .+", note) for note in skipped)
    assert len(skipped) == 2


@pytest.mark.usefixtures("empty_project")
async def test_every_command_of_the_quickstart_works_in_its_order(tmp_path: Path) -> None:
    assert shutil.which("curl"), "the page uses curl"
    folder = tmp_path / "checkout"
    folder.mkdir()
    async with own_stack() as stack, aiohttp.ClientSession() as session:
        business = await Simulator(stack["PROVIDER_URL"], session).business()
        environment = {
            name: value for name, value in stack.items() if name not in (*TOLD_BY_THE_PAGE, "SUPABASE_WORKDIR")
        }
        async with a_shell(checkout(folder), environment, f"{business.api_key}\n") as shell:
            for block in BLOCKS:
                await followed(block, shell, stack, business)
        assert [row["body"]["text"]["body"] for row in await business.seen("sent")] == ["Good morning"]
    assert business.api_key not in "".join(path.read_text() for path in folder.glob("*.log"))


async def followed(block: Block, shell: Shell, stack: Mapping[str, str], business: Business) -> None:
    script = standing_in(block.script, stack)
    if block.note.startswith("skip"):
        return
    if block.note.startswith("a customer writes"):
        await business.receive({"type": "text", "text": {"body": "Shalom"}})
    if block.until:
        await repeated(shell, script, block.until)
    else:
        await shell.run(script)
