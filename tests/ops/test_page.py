"""docs/wabase.md, held against the command: every line that is to be typed is one that it takes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from ops import addresses
from ops.__main__ import main
from ops.rotate import NO_KEY

PAGE = (Path(__file__).parents[2] / "docs/wabase.md").read_text()
TYPED = sorted({line.partition("#")[0].strip() for line in re.findall(r"^wabase (.+)$", PAGE, re.MULTILINE)})


@pytest.mark.parametrize("line", TYPED)
def test_a_line_to_be_typed_is_a_command_with_options_that_it_has(line: str) -> None:
    words = shlex.split(line)
    command: click.Command = main
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_every_command_is_on_the_page() -> None:
    assert {name for name in main.commands if f"wabase {name}" not in PAGE} == set()


def test_every_state_of_a_webhook_is_on_the_page() -> None:
    states = (addresses.CURRENT, addresses.PREVIOUS, addresses.UNKNOWN, addresses.NONE, addresses.ELSEWHERE, NO_KEY)
    assert [state for state in states if f"| `{state}` |" not in PAGE] == []
