"""Long work says how far it is: in lines to a file, by a bar to a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from ops.progress import Progress
from tests.flows.programs import ROOT

WORK = """
from ops.progress import Progress
with Progress(stride=10) as progress:
    for done in range(3, 31, 3):
        progress.count("events read", done)
    progress.say("again")
    for done in (1, 2):
        progress.count("events applied", done, 2)
"""


def test_lines_where_there_is_no_terminal() -> None:
    done = subprocess.run([sys.executable, "-c", WORK], cwd=ROOT, capture_output=True, check=True, text=True)
    assert done.stdout == ""
    assert done.stderr.splitlines() == ["12 events read", "21 events read", "30 events read", "again"]


def test_a_bar_on_a_terminal() -> None:
    ours, theirs = pty.openpty()
    try:
        subprocess.run([sys.executable, "-c", WORK], cwd=ROOT, stderr=theirs, check=True)
        shown = os.read(ours, 65536).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert "Events read" in shown
    assert "Events applied" in shown
    assert "2/2" in shown
    assert "events read" not in shown


def test_counting_anew_begins_anew(capsys: object) -> None:
    with Progress(stride=2) as progress:
        for done in (1, 2, 1, 2):
            progress.count("events read", done)
    assert capsys.readouterr().err == "2 events read\n2 events read\n"  # type: ignore[attr-defined]
