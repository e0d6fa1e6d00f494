"""docs/wabase.md beside the command: every command is there and can be read by programs, every status is told."""

from __future__ import annotations

import re
from collections.abc import Iterator

import click
import pytest

from ops import project
from ops.__main__ import main
from tests.flows.programs import ROOT

PAGE = (ROOT / "docs/wabase.md").read_text()


def _leaves(command: click.Command, path: tuple[str, ...] = ("wabase",)) -> Iterator[tuple[str, click.Command]]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _leaves(inner, (*path, name))
    else:
        yield " ".join(path), command


COMMANDS = dict(_leaves(main))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_json_and_a_place_on_the_page(name: str) -> None:
    command = COMMANDS[name]
    assert command.help
    assert "--json" in [option for one in command.params for option in one.opts]
    assert re.search(rf"^{re.escape(name)}\b", PAGE, re.MULTILINE), "docs/wabase.md shows how to call it"


def test_commands_stand_in_the_order_of_their_names() -> None:
    assert list(main.commands) == sorted(main.commands)


def test_the_page_names_the_statuses_that_there_are() -> None:
    told = [int(status) for status in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)]
    assert told == [0, 1, project.WRONG_USAGE, project.NO_SUPABASE, project.NO_PROVIDER]


def test_the_page_names_the_lines_of_the_doctor() -> None:
    sources = [
        ROOT / "ops" / name for name in ("doctor.py", "doctor_project.py", "installation.py", "doctor_numbers.py")
    ]
    looks = re.findall(r"^        (\w+)=\(", sources[0].read_text(), re.MULTILINE)
    text = "".join(source.read_text() for source in sources)
    told = re.findall(r"Finding\(\s*[^,]+,\s*\"(\w+)\"", text)
    page = PAGE.partition("## Doctor")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.+?`) \|", page, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == {*told, *looks}
    assert "`number …`" in rows
